//! What Services are given, and whether they are reached.

mod asked;
mod cluster_ip_reachable;
mod cluster_ips;
mod endpoint_slices;
mod hairpin;
mod manual_slices;
mod no_endpoints;
mod ranges;
mod sctp;
mod session_affinity;
mod traffic_policy;
mod udp;

pub(super) use cluster_ip_reachable::ClusterIpReachable;
pub(super) use cluster_ips::ClusterIps;
pub(super) use endpoint_slices::EndpointSlices;
pub(super) use hairpin::Hairpin;
pub(super) use manual_slices::ManualSlices;
pub(super) use no_endpoints::NoEndpoints;
pub(super) use ranges::Ranges;
pub(super) use sctp::Sctp;
pub(super) use session_affinity::SessionAffinity;
pub(crate) use traffic_policy::SOURCE_LOST;
pub(super) use traffic_policy::TrafficPolicy;
pub(super) use udp::{LARGE_DATAGRAM, Udp, tcp};
