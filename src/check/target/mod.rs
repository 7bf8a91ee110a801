//! Whether the operator's own Services work in both families. Nothing of theirs is changed.

mod cluster_ips;
mod endpoints;
mod known;
mod names;
mod notices;

pub(super) use notices::notices;

use super::DynCheck;

/// The checks of this area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] =
    &[&names::Names, &cluster_ips::ClusterIps, &endpoints::Endpoints];
