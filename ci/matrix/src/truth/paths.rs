//! Which paths each case of the product stands for: the one place that maps its checks to the
//! testbed's words.

use dualstack::{check::Subject, net::IpFamily};
use testbed::{
    path::{By, Client, Flow, Made, Net, Path, Size, Target, Transport},
    spec::Family,
};

use super::case::Case;

/// The paths that a case stands for, which must all work for it to pass; none where it is of what
/// the API server says alone. `None` for a check that nobody has mapped yet.
pub(super) fn paths(case: &Case, net: &Net) -> Option<Vec<Path>> {
    let families = match case.family {
        Some(IpFamily::V4) => vec![Family::V4],
        Some(IpFamily::V6) => vec![Family::V6],
        None => net.families.clone(),
    };
    let of_family = |family| paths_in(case, family, net);
    families.into_iter().map(of_family).collect::<Option<Vec<_>>>().map(|all| all.concat())
}

fn paths_in(case: &Case, family: Family, net: &Net) -> Option<Vec<Path>> {
    let made = Made::After;
    let flow = |client, by, target: &String| Flow {
        made,
        ..Flow::new(family, client, by, Target::Server(target.clone()))
    };
    let paths = match (case.check.as_str(), &case.subject) {
        ("node::pod_cidrs", Subject::Node { name }) => {
            vec![Path::PodRange { node: name.clone(), family }]
        }
        ("node::internal_ips", Subject::Node { name }) => {
            vec![Path::InternalIp { node: name.clone(), family }]
        }
        ("pod::pod_ips", Subject::Pod { node, .. }) => {
            let address = Path::PodAddress { node: node.clone(), family, made };
            // What is out of order is said of the family that should come first.
            let order = (family == net.primary).then(|| Path::PodOrder { node: node.clone() });
            [address].into_iter().chain(order).collect()
        }
        ("pod::reachable", Subject::Path { from, to }) => {
            let small = flow(client(from), By::Own, to);
            let large = Flow { size: Size::LargeAnswer, ..small.clone() };
            vec![Path::Flow(small), Path::Flow(large)]
        }
        ("pod::loss", Subject::Path { from, to }) => {
            vec![datagram(flow(client(from), By::Own, to), Size::Small)]
        }
        ("service::cluster_ip_reachable", Subject::Path { from, to }) => servers(to, net)
            .iter()
            .map(|server| flow(client(from), By::ClusterIp, server))
            .map(Path::Flow)
            .collect(),
        ("service::udp", Subject::Path { from, to }) => [Size::Small, Size::LargeRequest]
            .map(|size| datagram(flow(client(from), By::ClusterIp, to), size))
            .to_vec(),
        ("service::hairpin", Subject::Pod { node, .. }) => {
            [By::ClusterIp, By::NodePort(node.clone())]
                .map(|by| Path::Flow(flow(Client::Server(node.clone()), by, node)))
                .to_vec()
        }
        ("node_port::from_pod", Subject::Path { from, to }) => net
            .nodes
            .iter()
            .map(|server| flow(client(from), By::NodePort(to.clone()), server))
            .map(Path::Flow)
            .collect(),
        ("node_port::udp", Subject::Path { from, to }) => net
            .nodes
            .iter()
            .map(|server| flow(client(from), By::NodePort(to.clone()), server))
            .map(|flow| datagram(flow, Size::Small))
            .collect(),
        ("node_port::from_outside", Subject::Path { to, .. }) => net
            .nodes
            .iter()
            .map(|server| flow(Client::Outside, By::NodePort(to.clone()), server))
            .map(Path::Flow)
            .collect(),
        ("dns::records", Subject::Path { from, .. }) => {
            vec![Path::Name { node: from.clone(), family, made }]
        }
        ("dns::records", Subject::Pod { node, .. }) => {
            vec![Path::DnsRecord { node: node.clone(), family }]
        }
        (
            "node::ranges"
            | "pod::family_order"
            | "service::cluster_ips"
            | "service::endpoint_slices"
            | "service::no_endpoints"
            | "service::ranges",
            _,
        ) => Vec::new(),
        _ => return None,
    };
    Some(paths)
}

/// Who asks, from the product's words for it.
fn client(from: &str) -> Client {
    match from.strip_prefix("host network of ") {
        Some(node) => Client::Host(node.to_owned()),
        None => Client::Pod(from.to_owned()),
    }
}

/// The same by datagrams.
fn datagram(flow: Flow, size: Size) -> Path {
    Path::Flow(Flow { transport: Transport::Udp, size, ..flow })
}

/// The nodes of the servers behind a Service: one of a node's own, or a shared one.
fn servers(to: &String, net: &Net) -> Vec<String> {
    if net.nodes.contains(to) { vec![to.clone()] } else { net.nodes.clone() }
}
