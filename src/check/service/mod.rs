//! What Services are given, and whether they are reached.

mod asked;
mod cluster_ip_reachable;
mod cluster_ips;
mod endpoint_slices;
mod hairpin;
mod health_check;
mod host_backend;
mod load_balancer;
mod manual_slices;
mod no_endpoints;
mod policy_change;
mod ranges;
mod sctp;
mod session_affinity;
mod traffic_policy;
mod udp;

pub(crate) use load_balancer::{NO_ADDRESS, UNROUTED};
pub(crate) use traffic_policy::SOURCE_LOST;
pub(super) use udp::{LARGE_DATAGRAM, small, tcp};

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[
    &ranges::Ranges,
    &cluster_ips::ClusterIps,
    &policy_change::PolicyChange,
    &endpoint_slices::EndpointSlices,
    &cluster_ip_reachable::ClusterIpReachable,
    &udp::Udp,
    &hairpin::Hairpin,
    &manual_slices::ManualSlices,
    &session_affinity::SessionAffinity,
    &traffic_policy::TrafficPolicy,
    &health_check::HealthCheckNodePort,
    &host_backend::HostBackend,
    &load_balancer::LoadBalancer,
    &no_endpoints::NoEndpoints,
    &sctp::Sctp,
];
