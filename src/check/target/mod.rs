//! Whether the operator's own Services work in both families. Nothing of theirs is changed.

mod cluster_ips;
mod endpoints;
mod known;
mod names;
mod notices;

pub(super) use cluster_ips::ClusterIps;
pub(super) use endpoints::Endpoints;
pub(super) use names::Names;
pub(super) use notices::notices;
