//! Which paths each case of the product stands for: the one place that maps its checks to the
//! testbed's words.

use dualstack::{check::Subject, net::IpFamily};
use testbed::{
    path::{By, Client, Flow, Made, Net, Path, Size, Target},
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
    let flow = |client, by, target: &String| {
        Path::Flow(Flow { made, ..Flow::new(family, client, by, Target::Server(target.clone())) })
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
            let small = Flow {
                made,
                ..Flow::new(family, Client::Pod(from.clone()), By::Own, Target::Server(to.clone()))
            };
            let large = Flow { size: Size::LargeAnswer, ..small.clone() };
            vec![Path::Flow(small), Path::Flow(large)]
        }
        ("service::cluster_ip_reachable", Subject::Path { from, to }) => servers(to, net)
            .iter()
            .map(|server| flow(Client::Pod(from.clone()), By::ClusterIp, server))
            .collect(),
        ("node_port::from_pod", Subject::Path { from, to }) => net
            .nodes
            .iter()
            .map(|server| flow(Client::Pod(from.clone()), By::NodePort(to.clone()), server))
            .collect(),
        ("node_port::from_outside", Subject::Path { to, .. }) => net
            .nodes
            .iter()
            .map(|server| flow(Client::Outside, By::NodePort(to.clone()), server))
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
            | "service::ranges",
            _,
        ) => Vec::new(),
        _ => return None,
    };
    Some(paths)
}

/// The nodes of the servers behind a Service: one of a node's own, or a shared one.
fn servers(to: &String, net: &Net) -> Vec<String> {
    if net.nodes.contains(to) { vec![to.clone()] } else { net.nodes.clone() }
}
