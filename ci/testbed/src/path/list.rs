//! Every path that a trial with plain commands can ask.

use super::{
    flow::{By, Client, Flow, Port, Size, Target, Transport},
    made::Made,
    net::Net,
    question::Path,
};
use crate::spec::Family;

impl Net {
    /// All paths in both families, from and to everywhere, of what was made at one time.
    pub fn paths(&self, made: Made) -> Vec<Path> {
        let mut paths: Vec<Path> =
            self.families.iter().flat_map(|&family| self.of_family(family, made)).collect();
        if made == Made::After {
            let node = |node: &String| Path::PodOrder { node: node.clone() };
            paths.extend(self.nodes.iter().map(node));
        } else {
            paths.push(Path::ApiServer);
        }
        paths
    }

    /// What no plain command asks: what NetworkPolicies deny on each node in each family, flows whose
    /// backend changes, connections to processes of other nodes and of a node to its own, the addresses
    /// of load balancers, applications of others, NodePorts at 127.0.0.1, changes of Services, and the
    /// API server's certificate.
    pub fn unasked(&self) -> Vec<Path> {
        let of = |family: &Family| {
            let family = *family;
            let pairs = self.nodes.iter().flat_map(|from| {
                let others = self.nodes.iter().filter(move |to| *to != from);
                others.map(move |to| (from, to))
            });
            let pods = pairs.map(|(from, to)| (Client::Pod(from.clone()), to));
            let itself = self.nodes.iter().map(|node| (Client::Host(node.clone()), node));
            let hosts = pods.chain(itself).map(move |(client, to)| {
                let flow = Flow::new(family, client, By::Own, Target::Host(to.clone()));
                Path::Flow(Flow { port: Port::Other, ..flow })
            });
            let nodes = self.nodes.iter().flat_map(move |node| {
                let node = || node.clone();
                [Path::Policy { node: node(), family }, Path::MovedFlow { node: node(), family }]
            });
            let balancers = [false, true].map(|outside| Path::LoadBalancer { family, outside });
            nodes.chain(hosts).chain(balancers).chain([Path::Application { family }])
        };
        let loopback = |node: &String| Path::LoopbackNodePort { node: node.clone() };
        let loopback =
            self.nodes.iter().filter(|_| self.families.contains(&Family::V4)).map(loopback);
        let all = self.families.iter().flat_map(of).chain(loopback);
        all.chain([Path::FamilyPolicy, Path::Certificate]).collect()
    }

    fn of_family(&self, family: Family, made: Made) -> Vec<Path> {
        let mut paths = Vec::new();
        for node in &self.nodes {
            let node = || node.clone();
            paths.push(Path::PodAddress { node: node(), family, made });
            paths.push(Path::ShortName { node: node(), family, made });
            if made == Made::Before {
                paths.push(Path::PodRange { node: node(), family });
                paths.push(Path::InternalIp { node: node(), family });
                paths.push(Path::Name { node: node(), family, made });
                paths.push(Path::QuickName { node: node(), family });
                paths.push(Path::Reverse { node: node(), family });
                paths.push(Path::Endpoints { node: node(), family });
                paths.push(Path::ProxyHealth { node: node(), family });
                paths.push(Path::Untranslated { node: node(), family });
            }
        }
        if made == Made::Before {
            paths.push(Path::DnsOver { family });
        }
        // The API server's Service is as old as the cluster.
        let flows = self.flows(family).into_iter();
        let flows = flows.filter(|flow| flow.port != Port::Api || made == Made::Before);
        paths.extend(flows.map(|flow| Path::Flow(Flow { made, ..flow })));
        paths
    }

    fn flows(&self, family: Family) -> Vec<Flow> {
        let mut flows = Vec::new();
        let mut add = |client, by, target| flows.push(Flow::new(family, client, by, target));
        for from in &self.nodes {
            let pod = || Client::Pod(from.clone());
            let host = || Client::Host(from.clone());
            add(pod(), By::Own, Target::Outside);
            let itself = Target::Server(from.clone());
            add(Client::Server(from.clone()), By::ClusterIp, itself);
            for to in &self.nodes {
                let server = || Target::Server(to.clone());
                add(pod(), By::Own, server());
                add(pod(), By::ClusterIp, server());
                add(host(), By::ClusterIp, server());
                // `from` is the node that is entered, too.
                add(Client::Outside, By::NodePort(from.clone()), server());
                for entry in &self.nodes {
                    add(pod(), By::NodePort(entry.clone()), server());
                }
            }
        }
        let large: Vec<Flow> = flows
            .iter()
            .filter(|flow| matches!((&flow.client, &flow.by), (Client::Pod(_), By::Own)))
            .filter(|flow| matches!(flow.target, Target::Server(_)))
            .flat_map(|flow| {
                [Size::LargeRequest, Size::LargeAnswer].map(|size| Flow { size, ..flow.clone() })
            })
            .collect();
        flows.extend(large);
        let udp: Vec<Flow> = flows
            .iter()
            .filter(|flow| flow.size == Size::Small && flow.target.pod().is_some())
            .filter(|flow| !flow.is_hairpin() && flow.client.pod().is_some())
            .filter(|flow| match (&flow.by, flow.target.pod()) {
                (By::NodePort(entry), server) => server == Some(entry),
                _ => true,
            })
            .map(|flow| Flow { transport: Transport::Udp, ..flow.clone() })
            .collect();
        flows.extend(udp);
        let outside = self.nodes.iter().map(|node| Flow {
            size: Size::LargeAnswer,
            ..Flow::new(
                family,
                Client::Outside,
                By::NodePort(node.clone()),
                Target::Server(node.clone()),
            )
        });
        flows.extend(outside);
        if family == self.primary {
            let api = self.nodes.iter().map(|node| Flow {
                port: Port::Api,
                ..Flow::new(
                    family,
                    Client::Pod(node.clone()),
                    By::ClusterIp,
                    Target::Host(self.control_plane().to_owned()),
                )
            });
            flows.extend(api);
        }
        flows
    }
}
