//! What belongs to which part of a report: every check to exactly one.

/// The name of the profile.
pub const PROFILE: &str = "DUAL-STACK";

/// The checks of the core: what every dual-stack cluster must do.
pub const CORE: &[&str] = &[
    "node::pod_cidrs",
    "node::internal_ips",
    "node::ranges",
    "pod::pod_ips",
    "pod::family_order",
    "pod::host_ips",
    "pod::reachable",
    "service::ranges",
    "service::cluster_ips",
    "service::endpoint_slices",
    "service::cluster_ip_reachable",
    "node_port::from_pod",
    "control_plane::kubernetes_service",
    "control_plane::to_pod",
    "dns::records",
];

/// The checks of Services that the operator named. They say nothing of what others have of the network,
/// and are no part of a report.
pub const OWN: &[&str] = &["target::names", "target::cluster_ips", "target::endpoints"];

/// A feature beyond the core.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedFeature {
    /// Its name.
    pub name: &'static str,
    /// The checks that show it.
    pub checks: &'static [&'static str],
}

/// The extended features, in the order of reports.
pub const EXTENDED: &[ExtendedFeature] = &[
    ExtendedFeature { name: "PodPacketLoss", checks: &["pod::loss"] },
    ExtendedFeature { name: "PodPayloadSizes", checks: &["pod::payload"] },
    ExtendedFeature { name: "ServiceUDP", checks: &["service::udp"] },
    ExtendedFeature { name: "ServiceHairpin", checks: &["service::hairpin"] },
    ExtendedFeature { name: "ServiceManualEndpoints", checks: &["service::manual_slices"] },
    ExtendedFeature { name: "ServiceSessionAffinity", checks: &["service::session_affinity"] },
    ExtendedFeature { name: "ServiceTrafficPolicies", checks: &["service::traffic_policy"] },
    ExtendedFeature { name: "ServiceRejectWithoutEndpoints", checks: &["service::no_endpoints"] },
    ExtendedFeature { name: "ServiceSCTP", checks: &["service::sctp"] },
    ExtendedFeature { name: "NodePortUDP", checks: &["node_port::udp"] },
    ExtendedFeature { name: "NodePortFromNode", checks: &["node_port::from_node"] },
    ExtendedFeature { name: "DNSServers", checks: &["dns::servers"] },
    ExtendedFeature { name: "DNSReverse", checks: &["dns::reverse"] },
    ExtendedFeature { name: "NodePortFromOutside", checks: &["node_port::from_outside"] },
    ExtendedFeature { name: "PodEgress", checks: &["egress::to_runner"] },
];
