//! What a fault must break, computed from the cluster's shape and from what the fault does to
//! packets; never from what the product says.

use std::collections::BTreeSet;

/// An address family in the words of case names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// As the testbed and case names write it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

/// A fault of the testbed. Nodes are `n1`, `n2` and `n3`.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A node reports no InternalIP of a family.
    InternalIpMissing { node: &'static str },
    /// New pods on a node get no address of a family.
    PodAddressMissing { node: &'static str },
    /// NodePorts are dropped where they enter a node.
    NodePortDropped { node: &'static str },
    /// ClusterIPs are dropped for what runs on a node.
    ClusterIpDropped { node: &'static str },
    /// A node has no route to the pods of one other.
    RouteMissing { node: &'static str, to: &'static str },
    /// CoreDNS answers without records of a family.
    DnsRecordMissing,
}

/// The nodes of the testbed's cluster.
const NODES: [&str; 3] = ["n1", "n2", "n3"];

impl Fault {
    /// The words that `testbed fault inject` takes.
    pub fn words(self, family: Family) -> Vec<&'static str> {
        let (name, mut rest) = match self {
            Self::InternalIpMissing { node } => ("internal-ip-missing", vec!["--node", node]),
            Self::PodAddressMissing { node } => ("pod-address-missing", vec!["--node", node]),
            Self::NodePortDropped { node } => ("node-port-dropped", vec!["--node", node]),
            Self::ClusterIpDropped { node } => ("cluster-ip-dropped", vec!["--node", node]),
            Self::RouteMissing { node, to } => ("route-missing", vec!["--node", node, "--to", to]),
            Self::DnsRecordMissing => ("dns-record-missing", vec![]),
        };
        let mut words = vec![name, "--family", family.slug()];
        words.append(&mut rest);
        words
    }

    /// The rule that must name the cause.
    pub fn cause(self) -> &'static str {
        match self {
            Self::InternalIpMissing { .. } => "node_without_internal_ip",
            Self::PodAddressMissing { .. } => "pods_single_stack",
            Self::NodePortDropped { .. } => "node_port_dead",
            Self::ClusterIpDropped { .. } => "cluster_ip_dead",
            Self::RouteMissing { .. } => "pod_route_missing",
            Self::DnsRecordMissing => "dns_without_records",
        }
    }

    /// The names of the cases that must be red, and no others. `dns_pods` are the subjects of the
    /// cases that ask a DNS pod.
    pub fn red(self, family: Family, dns_pods: &[String]) -> BTreeSet<String> {
        let case = |check: &str, subject: String| format!("{check}/{}/{subject}", family.slug());
        let path = |check: &str, from: &str, to: &str| case(check, format!("{from} -> {to}"));
        let mut red = BTreeSet::new();
        match self {
            Self::InternalIpMissing { node } => {
                red.insert(case("node::internal_ips", node.to_owned()));
            }
            Self::PodAddressMissing { node } => {
                // Every pod of a run is made after the fault, nginx and busybox alike.
                red.insert(case("pod::pod_ips", format!("nginx on {node}")));
                red.insert(case("pod::pod_ips", format!("busybox on {node}")));
            }
            Self::NodePortDropped { node } => {
                // Dropped on the wire's side only: a pod of the node itself doesn't come that way.
                red.insert(path("node_port::from_outside", "outside", node));
                for from in NODES.into_iter().filter(|&from| from != node) {
                    red.insert(path("node_port::from_pod", from, node));
                }
            }
            Self::ClusterIpDropped { node } => {
                for to in NODES.into_iter().chain(shared(family)) {
                    red.insert(path("service::cluster_ip_reachable", node, to));
                }
                // DNS is itself a ClusterIP, of the cluster's primary family.
                if family == Family::V4 {
                    for asked in ["ipv4", "ipv6"] {
                        red.insert(format!("dns::records/{asked}/{node} -> DNS"));
                    }
                }
            }
            Self::RouteMissing { node, to } => {
                for (from, to) in [(node, to), (to, node)] {
                    red.insert(path("pod::reachable", from, to));
                    red.insert(path("service::cluster_ip_reachable", from, to));
                    // Behind a shared Service stand backends on both sides.
                    for service in shared(family) {
                        red.insert(path("service::cluster_ip_reachable", from, service));
                    }
                }
                // A NodePort at `node` sends to the backend on `to` over the missing route, from
                // wherever it is asked. At `to` it works: what it sends to `node` bears the
                // address of the node `to`, to which `node` answers on the link.
                red.insert(path("node_port::from_outside", "outside", node));
                for from in NODES {
                    red.insert(path("node_port::from_pod", from, node));
                }
            }
            Self::DnsRecordMissing => {
                for from in NODES {
                    red.insert(path("dns::records", from, "DNS"));
                }
                red.extend(dns_pods.iter().map(|pod| case("dns::records", pod.clone())));
            }
        }
        red
    }
}

/// The shared Services with a ClusterIP of a family, in a cluster whose primary family is IPv4.
fn shared(family: Family) -> impl Iterator<Item = &'static str> {
    let both = [
        "prefer-dual-stack",
        "require-dual-stack-ipv4-first",
        "require-dual-stack-ipv6-first",
        "node-port",
    ];
    let own: &[&str] = match family {
        Family::V4 => &["default", "ipv4"],
        Family::V6 => &["ipv6"],
    };
    own.iter().copied().chain(both)
}
