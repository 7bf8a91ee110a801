//! What comes of each path while a fault lasts, derived from what the fault says of hops and paths.

use super::kind::Erased;
use crate::{
    path::{By, Client, Flow, Made, Net, Outcome, Path, Port, Target, Transport},
    spec::Family,
};

/// What comes of a path.
pub(super) fn outcome(fault: &dyn Erased, path: &Path, net: &Net) -> Outcome {
    let cut_off = fault.cut_off(net).and_then(|node| without(node, path));
    if let Some(outcome) = cut_off.or_else(|| fault.path(path, net)) {
        return outcome;
    }
    match path {
        Path::Flow(flow) => Outcome::all(flow.hops().iter().map(|hop| fault.hop(hop))),
        Path::Name { node, family, made } => {
            let over = |over| dns_servers(net).map(move |server| (over, server));
            let pairs = net.dns.iter().flat_map(|&family| over(family));
            Outcome::one_of(pairs.map(|(over, server)| {
                let ask = dns_flow(over, node, By::ClusterIp, server);
                let record = Path::DnsRecord { node: server.to_owned(), family: *family };
                let knows = match made {
                    Made::Before => Outcome::Works,
                    Made::After => outcome(fault, &record, net),
                };
                Outcome::all([outcome(fault, &Path::Flow(ask), net), knows])
            }))
        }
        Path::ShortName { node, family, made } => {
            let name = Path::Name { node: node.clone(), family: *family, made: *made };
            outcome(fault, &name, net)
        }
        Path::QuickName { node, family } | Path::Endpoints { node, family } => {
            let name = Path::Name { node: node.clone(), family: *family, made: Made::Before };
            outcome(fault, &name, net)
        }
        Path::Reverse { node, .. } => {
            let over = |over| dns_servers(net).map(move |server| (over, server));
            let pairs = net.dns.iter().flat_map(|&family| over(family));
            Outcome::one_of(pairs.map(|(over, server)| {
                outcome(fault, &Path::Flow(dns_flow(over, node, By::ClusterIp, server)), net)
            }))
        }
        Path::DnsOver { family } => {
            let from = net.control_plane();
            let service = net.dns.contains(family).then_some(By::ClusterIp);
            let ways = [Some(By::Own), service].into_iter().flatten();
            Outcome::all(ways.flat_map(|by| {
                dns_servers(net).map(move |server| {
                    let ask = dns_flow(*family, from, by.clone(), server);
                    outcome(fault, &Path::Flow(ask), net)
                })
            }))
        }
        Path::DnsRecord { node, .. } => {
            // A DNS server that is cut off from the API server learns of nothing new, sooner or
            // later.
            let client = Client::Pod(node.clone());
            let target = Target::Host(net.control_plane().to_owned());
            let watch =
                Flow { port: Port::Api, ..Flow::new(net.primary, client, By::ClusterIp, target) };
            match outcome(fault, &Path::Flow(watch), net) {
                Outcome::Works => Outcome::Works,
                _ => Outcome::Either,
            }
        }
        Path::Untranslated { node, family } => {
            let (client, target) = (Client::Pod(node.clone()), Target::Host(node.clone()));
            let flow = Flow::new(*family, client, By::NodePort(node.clone()), target);
            match outcome(fault, &Path::Flow(flow), net) {
                // A refusal is an answer.
                Outcome::Refused => Outcome::Works,
                outcome => outcome,
            }
        }
        Path::PodRange { .. }
        | Path::InternalIp { .. }
        | Path::PodAddress { .. }
        | Path::PodOrder { .. }
        | Path::ProxyHealth { .. }
        | Path::Policy { .. }
        | Path::MovedFlow { .. }
        | Path::LoadBalancer { .. }
        | Path::Application { .. }
        | Path::LoopbackNodePort { .. }
        | Path::FamilyPolicy
        | Path::Certificate
        | Path::ApiServer => Outcome::Works,
    }
}

fn dns_servers(net: &Net) -> impl Iterator<Item = &str> {
    net.dns_nodes.iter().map(String::as_str)
}

fn dns_flow(over: Family, from: &str, by: By, server: &str) -> Flow {
    let client = Client::Pod(from.to_owned());
    Flow {
        port: Port::Dns,
        transport: Transport::Udp,
        ..Flow::new(over, client, by, Target::Server(server.to_owned()))
    }
}

/// What comes of a path where a node can't be reached by the control plane.
fn without(node: &str, path: &Path) -> Option<Outcome> {
    let new = path.made() == Made::After;
    match path {
        Path::Flow(flow) => {
            let asks = flow.client.node() == Some(node);
            // No pod starts there any more, on the host's network neither: those are behind new Services.
            let served = flow.target.pod().or(flow.target.node().filter(|_| flow.by != By::Own));
            let is_missing = new && served == Some(node);
            if asks || is_missing {
                Some(Outcome::Unseen)
            } else {
                // kube-proxy there doesn't learn of the Service.
                (new && flow.by.is_node_port_of(node)).then_some(Outcome::Fails)
            }
        }
        Path::PodAddress { node: on, .. } | Path::PodOrder { node: on } if new => {
            (on == node).then_some(Outcome::Unseen)
        }
        Path::Name { node: on, .. }
        | Path::QuickName { node: on, .. }
        | Path::Reverse { node: on, .. }
        | Path::Endpoints { node: on, .. }
        | Path::ShortName { node: on, .. }
        | Path::ProxyHealth { node: on, .. }
        | Path::LoopbackNodePort { node: on }
        | Path::Untranslated { node: on, .. }
        | Path::Policy { node: on, .. }
        | Path::MovedFlow { node: on, .. }
        | Path::DnsRecord { node: on, .. } => (on == node).then_some(Outcome::Unseen),
        _ => None,
    }
}

/// What comes of a path where pods of a node that are made now get no address of a family.
pub(super) fn without_pod_address(
    node: &str,
    family: Family,
    path: &Path,
    net: &Net,
) -> Option<Outcome> {
    match path {
        Path::PodAddress { node: on, family: of, made: Made::After } => {
            (on == node && *of == family).then_some(Outcome::Fails)
        }
        Path::Flow(flow) if flow.made == Made::After && flow.family == family => {
            let ends = [flow.client.pod(), flow.target.pod()];
            ends.contains(&Some(node)).then_some(Outcome::Unseen)
        }
        Path::Name { node: on, made: Made::After, .. }
        | Path::ShortName { node: on, made: Made::After, .. } => {
            (on == node && net.dns == [family]).then_some(Outcome::Fails)
        }
        _ => None,
    }
}

/// What comes of a path where no pod starts on some nodes.
pub(super) fn no_new_pods(path: &Path, on: impl Fn(&str) -> bool) -> Option<Outcome> {
    let none_starts = match path {
        Path::Flow(flow) if flow.made == Made::After => {
            [flow.client.pod(), flow.target.pod()].into_iter().flatten().any(on)
        }
        Path::PodAddress { node, made: Made::After, .. }
        | Path::PodOrder { node }
        | Path::Name { node, made: Made::After, .. } => on(node),
        _ => false,
    };
    none_starts.then_some(Outcome::Unseen)
}

/// What comes of a path where a node's kube-proxy learns of no new Service.
pub(super) fn without_new_services(node: &str, path: &Path) -> Option<Outcome> {
    let flow = path.flow().filter(|flow| flow.made == Made::After)?;
    let by_cluster_ip = flow.by == By::ClusterIp && flow.client.node() == Some(node);
    (by_cluster_ip || flow.by.is_node_port_of(node)).then_some(Outcome::Fails)
}
