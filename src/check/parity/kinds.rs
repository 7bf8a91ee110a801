//! The kinds of paths whose times are compared.

/// The checks of paths whose times are compared, and where their paths lead.
pub(super) const KINDS: [(&str, &str); 7] = [
    ("pod::reachable", "pods"),
    ("service::cluster_ip_reachable", "ClusterIPs"),
    ("service::udp", "ClusterIPs over UDP"),
    ("node_port::from_pod", "NodePorts"),
    ("node_port::udp", "NodePorts over UDP"),
    ("node_port::from_node", "NodePorts from a node"),
    ("node_port::from_outside", "NodePorts from outside"),
];
