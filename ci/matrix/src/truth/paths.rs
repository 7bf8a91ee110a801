//! Which paths each case of the product stands for: the one place that maps its checks to the
//! testbed's words.

use dualstack::{
    check::{REGISTRY, Status, Subject},
    net::IpFamily,
};
use testbed::{
    path::{By, Client, Flow, Made, Net, Path, Port, Size, Target, Transport},
    spec::Family,
};

use super::case::Case;

/// What a case stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    /// The paths that must all work for it to pass; none where it is of what the API server says
    /// alone.
    pub(super) all: Vec<Path>,
    /// Paths that it is not about, but whose failure may show in it.
    pub(super) beside: Vec<Path>,
}

/// What a case stands for.
pub(super) fn paths(case: &Case, net: &Net) -> Paths {
    let families = match case.family {
        Some(IpFamily::V4) => vec![Family::V4],
        Some(IpFamily::V6) => vec![Family::V6],
        None => net.families.clone(),
    };
    let of_family = |family| paths_in(case, family, net);
    let all = families.iter().copied().flat_map(of_family).collect();
    let beside = families.into_iter().flat_map(|family| beside(case, family, net)).collect();
    Paths { all, beside }
}

/// What may show in a case that is not about it.
fn beside(case: &Case, family: Family, net: &Net) -> Vec<Path> {
    let made = Made::After;
    if case.check == "dns::servers" {
        // Whether a server answers soon is seen by what it is asked for. Without any, nobody answers at
        // the Service.
        let quick = |node: &String| Path::QuickName { node: node.clone(), family };
        return net.nodes.iter().map(quick).collect();
    }
    if let ("node_port::loopback", Subject::Path { from, .. }) =
        (case.check.as_str(), &case.subject)
    {
        let node = client(from).node().unwrap_or_default().to_owned();
        let by = By::NodePort(node.clone());
        let flow = Flow::new(family, client(from), by, Target::Server(node));
        return vec![Path::Flow(Flow { made, ..flow })];
    }
    if case.check == "service::load_balancer" {
        return beside_load_balancer(case, family, net);
    }
    let node = match &case.subject {
        Subject::Pod { node, .. } | Subject::Node { name: node } => node.as_str(),
        Subject::Service { name } => name.strip_prefix("backend on ").unwrap_or_default(),
        _ => return Vec::new(),
    };
    let node = node.to_owned();
    let pod = Path::PodAddress { node: node.clone(), family, made };
    // A packet to a ClusterIP without endpoints that no proxy rejects is one to the world outside. And
    // a kernel that tells of many paths that they lead nowhere may say nothing of this one.
    let ask = |target| Path::Flow(Flow::new(family, Client::Pod(node.clone()), By::Own, target));
    let others = net.nodes.iter().cloned().map(Target::Server);
    // So does one that has no route for ClusterIPs.
    let (host, target) = (Client::Host(node.clone()), Target::Server(node.clone()));
    let host = Path::Flow(Flow::new(family, host, By::ClusterIp, target));
    let all = others.chain([Target::Outside]).map(ask).chain([pod.clone(), host]).collect();
    match case.check.as_str() {
        "service::no_endpoints" => all,
        "service::cluster_ips"
        | "service::endpoint_slices"
        | "service::sctp"
        | "pod::family_order" => vec![pod],
        _ => Vec::new(),
    }
}

/// The ways to the backend of a load balancer, which is that on the first node, by others than its own.
fn beside_load_balancer(case: &Case, family: Family, net: &Net) -> Vec<Path> {
    let Subject::Path { from, .. } = &case.subject else { return Vec::new() };
    let backend = net.nodes.first().cloned().unwrap_or_default();
    let flow = |client, by| Flow {
        made: Made::After,
        ..Flow::new(family, client, by, Target::Server(backend.clone()))
    };
    let flows: Vec<Flow> = if from == "outside" {
        let by = |node: &String| flow(Client::Outside, By::NodePort(node.clone()));
        net.nodes.iter().map(by).collect()
    } else {
        vec![flow(client(from), By::ClusterIp), flow(client(from), By::Own)]
    };
    flows.into_iter().map(Path::Flow).collect()
}

/// The paths that must work for a case to pass. None for a check of what the API server says alone, and
/// for one that nobody has mapped yet: where a fault turns it red all the same, that is called wrong.
fn paths_in(case: &Case, family: Family, net: &Net) -> Vec<Path> {
    let made = Made::After;
    let flow = |client, by, target: &String| Flow {
        made,
        ..Flow::new(family, client, by, Target::Server(target.clone()))
    };
    match (case.check.as_str(), &case.subject) {
        ("node::pod_cidrs", Subject::Node { name }) => {
            vec![Path::PodRange { node: name.clone(), family }]
        }
        ("node::internal_ips", Subject::Node { name }) => {
            vec![Path::InternalIp { node: name.clone(), family }]
        }
        ("node::proxy_health", Subject::Node { name }) => {
            vec![Path::ProxyHealth { node: name.clone(), family }]
        }
        ("pod::pod_ips", Subject::Pod { node, .. }) => {
            let address = Path::PodAddress { node: node.clone(), family, made };
            // What is out of order is said of the family that should come first.
            let order = (family == net.primary).then(|| Path::PodOrder { node: node.clone() });
            [address].into_iter().chain(order).collect()
        }
        ("pod::host_ips", Subject::Pod { node, .. }) => {
            vec![Path::InternalIp { node: node.clone(), family }]
        }
        ("pod::reachable", Subject::Path { from, to }) => {
            sizes(flow(client(from), By::Own, to), true)
        }
        ("pod::payload", Subject::Path { from, to }) => {
            let flow = flow(client(from), By::Own, to);
            let request = Flow { size: Size::LargeRequest, ..flow.clone() };
            sizes(flow, true).into_iter().chain([Path::Flow(request)]).collect()
        }
        ("pod::loss", Subject::Path { from, to }) => {
            vec![datagram(flow(client(from), By::Own, to), Size::Small)]
        }
        ("service::cluster_ip_reachable", Subject::Path { from, to }) => servers(to, net)
            .iter()
            .flat_map(|server| {
                // A large answer is asked for by a pod, of the backend of one node.
                let large = matches!(client(from), Client::Pod(_)) && to == server;
                sizes(flow(client(from), By::ClusterIp, server), large)
            })
            .collect(),
        ("service::udp", Subject::Path { from, to }) => {
            datagrams(&flow(client(from), By::ClusterIp, to), true)
        }
        // More than a packet holds is sent by pods to ClusterIPs.
        ("service::host_backend", Subject::Path { from, to }) => {
            let client = client(from);
            let entry = client.node().unwrap_or_default().to_owned();
            let flow = |by| {
                let flow = Flow::new(family, client.clone(), by, Target::Host(to.clone()));
                Flow { made, port: Port::Other, ..flow }
            };
            let size = if client.pod().is_some() { Size::LargeRequest } else { Size::Small };
            let by_cluster_ip = Flow { size, ..flow(By::ClusterIp) };
            [by_cluster_ip, flow(By::NodePort(entry))].map(Path::Flow).to_vec()
        }
        ("service::hairpin", Subject::Pod { node, .. }) => {
            let ask =
                |by| Flow { port: Port::Other, ..flow(Client::Server(node.clone()), by, node) };
            let ways = [By::ClusterIp, By::NodePort(node.clone())].map(ask);
            let udp = ways.clone().map(|flow| datagram(flow, Size::Small));
            ways.map(Path::Flow).into_iter().chain(udp).collect()
        }
        // The testbed has no path for which backend a client is kept to, nor for the silence and the
        // source address that a policy asks for: these stand for the paths that must work for them.
        ("service::manual_slices", Subject::Path { from, .. }) => {
            let nodes = net.nodes.iter();
            nodes.map(|to| Path::Flow(flow(client(from), By::ClusterIp, to))).collect()
        }
        ("service::session_affinity", Subject::Path { from, .. }) => {
            let to_each = |by: By| {
                let nodes = net.nodes.iter();
                nodes.map(|to| flow(client(from), by.clone(), to)).collect::<Vec<_>>()
            };
            let ways = [By::ClusterIp, By::NodePort(from.clone())];
            let tcp: Vec<Flow> = ways.into_iter().flat_map(to_each).collect();
            let udp = tcp.clone().into_iter().map(|flow| datagram(flow, Size::Small));
            tcp.into_iter().map(Path::Flow).chain(udp).collect()
        }
        ("service::traffic_policy", Subject::Path { from, to }) => {
            let owner = to.strip_prefix("local on ").unwrap_or(to).to_owned();
            let by_node_port = |from| flow(from, By::NodePort(owner.clone()), &owner);
            if from == "outside" {
                // The silence of the next node is held against what is answered there.
                let mut circle = net.nodes.iter().chain(&net.nodes).skip_while(|it| **it != owner);
                let next = circle.nth(1).unwrap_or(&owner);
                let next = flow(Client::Outside, By::NodePort(next.clone()), &owner);
                [by_node_port(Client::Outside), next].map(Path::Flow).to_vec()
            } else {
                let own = Path::Flow(flow(client(from), By::ClusterIp, &owner));
                let elsewhere = (*from != owner).then(|| Path::Flow(by_node_port(client(from))));
                [own].into_iter().chain(elsewhere).collect()
            }
        }
        ("node_port::from_pod", Subject::Path { from, to }) => net
            .nodes
            .iter()
            .flat_map(|server| {
                sizes(flow(client(from), By::NodePort(to.clone()), server), to == server)
            })
            .collect(),
        ("node_port::udp", Subject::Path { from, to }) => net
            .nodes
            .iter()
            .flat_map(|server| {
                datagrams(&flow(client(from), By::NodePort(to.clone()), server), to == server)
            })
            .collect(),
        ("node_port::from_node", Subject::Path { from, to }) => net
            .nodes
            .iter()
            .flat_map(|server| {
                let flow = flow(client(from), By::NodePort(to.clone()), server);
                [Path::Flow(flow.clone()), datagram(flow, Size::Small)]
            })
            .collect(),
        // What breaks at the node's own address, too, is left to the check of that.
        ("node_port::loopback", Subject::Path { from, .. }) => {
            let node = client(from).node().unwrap_or_default().to_owned();
            vec![Path::LoopbackNodePort { node }]
        }
        ("node_port::from_outside", Subject::Path { to, .. }) => net
            .nodes
            .iter()
            .flat_map(|server| {
                sizes(flow(Client::Outside, By::NodePort(to.clone()), server), to == server)
            })
            .collect(),
        ("service::policy_change", Subject::Service { .. }) => vec![Path::FamilyPolicy],
        ("service::load_balancer", subject) => {
            let outside = matches!(subject, Subject::Path { from, .. } if from == "outside");
            vec![Path::LoadBalancer { family, outside }]
        }
        ("service::health_check_node_port" | "service::no_endpoints", Subject::Node { name }) => {
            vec![Path::Untranslated { node: name.clone(), family }]
        }
        ("control_plane::kubernetes_service", Subject::Service { name }) if name.contains(' ') => {
            vec![Path::Certificate]
        }
        // As old as the cluster, and on the node of the control plane.
        ("control_plane::kubernetes_service", Subject::Path { from, .. }) => {
            let target = Target::Host(net.nodes.first().cloned().unwrap_or_default());
            let flow = Flow::new(family, client(from), By::ClusterIp, target);
            vec![Path::Flow(Flow { port: Port::Api, ..flow })]
        }
        ("egress::to_runner", Subject::Path { from, .. }) => {
            vec![Path::Flow(Flow::new(family, client(from), By::Own, Target::Outside))]
        }
        // The node of the control plane connects to every pod.
        ("control_plane::to_pod", Subject::Service { .. }) => {
            let host = || Client::Host(net.nodes.first().cloned().unwrap_or_default());
            net.nodes.iter().map(|node| Path::Flow(flow(host(), By::Own, node))).collect()
        }
        // A pod of every node connects to the guarded one of the node before it, and is connected to.
        ("policy::both_families", Subject::Node { name }) => {
            let flows = net.nodes.iter().filter(|other| *other != name).flat_map(|other| {
                [
                    flow(Client::Pod(other.clone()), By::Own, name),
                    flow(client(name), By::Own, other),
                ]
            });
            let policy = Path::Policy { node: name.clone(), family };
            let address = Path::PodAddress { node: name.clone(), family, made };
            flows.map(Path::Flow).chain([policy, address]).collect()
        }
        // From the first backend to the last.
        ("change::endpoints", Subject::Path { from, .. }) => {
            let ends = [net.nodes.first(), net.nodes.last()];
            let flows = ends.into_iter().flatten().flat_map(|to| {
                let flow = flow(client(from), By::ClusterIp, to);
                [Path::Flow(flow.clone()), datagram(flow, Size::Small)]
            });
            flows.chain([Path::MovedFlow { node: from.clone(), family }]).collect()
        }
        ("dns::records", Subject::Path { from, .. }) => {
            vec![Path::Name { node: from.clone(), family, made }]
        }
        ("dns::records", Subject::Pod { node, .. }) => {
            vec![Path::DnsRecord { node: node.clone(), family }]
        }
        // Servers are older than what asks them. That of the Service is skipped where one of them is
        // deaf, and red where none is.
        ("dns::servers", Subject::Pod { node, .. }) => asks_dns(family, &By::Own, node, net),
        ("dns::servers", Subject::Service { .. }) => net
            .dns_nodes
            .iter()
            .flat_map(|node| asks_dns(family, &By::ClusterIp, node, net))
            .collect(),
        ("dns::headless", Subject::Path { from, .. }) => {
            vec![Path::Endpoints { node: from.clone(), family }]
        }
        ("dns::short_names", Subject::Path { from, .. }) => {
            vec![Path::ShortName { node: from.clone(), family, made }]
        }
        ("dns::reverse", Subject::Path { from, .. }) => {
            vec![Path::Reverse { node: from.clone(), family }]
        }
        ("parity::answer_times", Subject::Path { from, to }) => timed(family, from, to, net),
        ("target::cluster_ips" | "target::endpoints", Subject::Path { .. }) => {
            vec![Path::Application { family }]
        }
        // A node that takes no part has one case of each check that needs a pod there.
        (check, Subject::Node { name }) if !check.starts_with("node::") => {
            vec![Path::PodAddress { node: name.clone(), family, made }]
        }
        _ => Vec::new(),
    }
}

/// The ways of which some are timed, by the product's words for where they lead.
fn timed(family: Family, from: &str, to: &str, net: &Net) -> Vec<Path> {
    let client = if from == "outside" { Client::Outside } else { client(from) };
    let transport = if to.ends_with("over UDP") { Transport::Udp } else { Transport::Tcp };
    let entries: Vec<By> = match to.split(' ').next() {
        Some("ClusterIPs") => vec![By::ClusterIp],
        Some("NodePorts") => net.nodes.iter().cloned().map(By::NodePort).collect(),
        _ => vec![By::Own],
    };
    let flow = |by: &By, server: &String| {
        let target = Target::Server(server.clone());
        let flow = Flow::new(family, client.clone(), by.clone(), target);
        Path::Flow(Flow { transport, made: Made::After, ..flow })
    };
    let flows = |by| net.nodes.iter().map(move |server| (by, server));
    entries.iter().flat_map(flows).map(|(by, server)| flow(by, server)).collect()
}

/// Who asks, from the product's words for it.
fn client(from: &str) -> Client {
    match from.strip_prefix("host network of ") {
        Some(node) => Client::Host(node.to_owned()),
        None => Client::Pod(from.to_owned()),
    }
}

/// A small answer, and a large one if that is asked for as well.
fn sizes(small: Flow, large: bool) -> Vec<Path> {
    let large = large.then(|| Flow { size: Size::LargeAnswer, ..small.clone() });
    std::iter::once(small).chain(large).map(Path::Flow).collect()
}

/// The same by datagrams. A large one gets a large answer.
fn datagrams(flow: &Flow, large: bool) -> Vec<Path> {
    let large = [Size::LargeRequest, Size::LargeAnswer].into_iter().filter(|_| large);
    [Size::Small].into_iter().chain(large).map(|size| datagram(flow.clone(), size)).collect()
}

/// One size of datagrams.
fn datagram(flow: Flow, size: Size) -> Path {
    Path::Flow(Flow { transport: Transport::Udp, size, ..flow })
}

/// Questions to the DNS server on a node from pods on every node, by both transports.
fn asks_dns(family: Family, by: &By, server: &str, net: &Net) -> Vec<Path> {
    let ask = |from: &String, transport| {
        let target = Target::Server(server.to_owned());
        let flow = Flow::new(family, Client::Pod(from.clone()), by.clone(), target);
        Path::Flow(Flow { port: Port::Dns, transport, ..flow })
    };
    let both = |from| [Transport::Udp, Transport::Tcp].map(|transport| ask(from, transport));
    net.nodes.iter().flat_map(both).collect()
}

/// The nodes of the servers behind a Service: one of a node's own, or a shared one.
fn servers(to: &String, net: &Net) -> Vec<String> {
    if net.nodes.contains(to) { vec![to.clone()] } else { net.nodes.clone() }
}

/// The checks of which no case stands for a path, so that no fault must turn them red, as a paragraph.
pub fn untold() -> String {
    let node = || "n1".to_owned();
    let net = Net {
        nodes: vec![node()],
        primary: Family::V4,
        families: vec![Family::V4, Family::V6],
        dns: vec![Family::V4],
        dns_nodes: vec![node()],
    };
    let subjects = [
        Subject::Cluster,
        Subject::Node { name: node() },
        Subject::Pod { workload: "nginx".to_owned(), node: node() },
        Subject::Service { name: "default".to_owned() },
        Subject::Path { from: node(), to: node() },
    ];
    let is_told = |check: &str| {
        subjects.iter().any(|subject| {
            let case = Case {
                name: String::new(),
                check: check.to_owned(),
                family: None,
                subject: subject.clone(),
                status: Status::Pass,
            };
            let all = paths(&case, &net).all;
            // A node that takes no part has a case of every check, which is about the node.
            let any_check =
                matches!((subject, &all[..]), (Subject::Node { .. }, [Path::PodAddress { .. }]));
            !all.is_empty() && !any_check
        })
    };
    let ids = REGISTRY.iter().map(|check| check.id()).filter(|id| !is_told(id));
    ids.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
