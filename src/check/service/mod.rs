//! What Services are given, and whether they are reached.

mod asked;
mod cluster_ip_reachable;
mod cluster_ips;
mod endpoint_slices;

pub(super) use cluster_ip_reachable::ClusterIpReachable;
pub(super) use cluster_ips::ClusterIps;
pub(super) use endpoint_slices::EndpointSlices;
