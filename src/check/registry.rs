//! The checks in the order in which they are run, listed and documented.

use super::{DynCheck, control_plane, dns, egress, node, node_port, pod, service, target};

/// Every check, from what the cluster declares to what packets do. Running, `list`, `explain`, the
/// suites' schema and the documentation follow this order.
pub static REGISTRY: &[&dyn DynCheck] = &[
    &node::PodCidrs,
    &node::InternalIps,
    &node::Ranges,
    &pod::PodIps,
    &pod::FamilyOrder,
    &pod::HostIps,
    &pod::Reachable,
    &pod::Loss,
    &pod::Payload,
    &service::Ranges,
    &service::ClusterIps,
    &service::EndpointSlices,
    &service::ClusterIpReachable,
    &service::Udp,
    &service::Hairpin,
    &service::ManualSlices,
    &service::SessionAffinity,
    &service::TrafficPolicy,
    &service::NoEndpoints,
    &service::Sctp,
    &node_port::FromPod,
    &node_port::Udp,
    &node_port::FromNode,
    &node_port::FromOutside,
    &control_plane::KubernetesService,
    &control_plane::ToPod,
    &egress::ToRunner,
    &dns::Servers,
    &dns::Records,
    &dns::Reverse,
    &target::Names,
    &target::ClusterIps,
    &target::Endpoints,
];

/// The check of an id.
pub fn find(id: &str) -> Option<&'static dyn DynCheck> {
    REGISTRY.iter().copied().find(|check| check.id() == id)
}
