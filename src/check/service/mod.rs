//! What Services are given, and whether they are reached.

mod cluster_ip_reachable;
mod cluster_ips;

pub(super) use cluster_ip_reachable::ClusterIpReachable;
pub(super) use cluster_ips::ClusterIps;

use crate::{fixture::ServiceRole, net::IpFamily, suite::Suite};

/// What the API server must make of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Refuse it, for it asks for a family that the cluster must not have.
    Refusal,
    /// Accept it with these families, in this order.
    Families(Vec<IpFamily>),
}

/// What the API server must make of a Service of a role, where `primary` is the family of Services
/// that don't ask for one. `None` where that isn't known.
pub(super) fn expected(
    suite: &Suite,
    role: &ServiceRole,
    primary: Option<IpFamily>,
) -> Option<Expected> {
    let asked = role.requested_families();
    if asked.iter().any(|family| !suite.families.contains(family)) {
        return Some(Expected::Refusal);
    }
    if !asked.is_empty() {
        return Some(Expected::Families(asked.to_vec()));
    }
    let primary = primary?;
    let both = !matches!(role, ServiceRole::Default) && suite.families.len() > 1;
    Some(Expected::Families(if both { vec![primary, primary.other()] } else { vec![primary] }))
}

/// The Services that all backends share.
pub(super) const SHARED: [ServiceRole; 7] = [
    ServiceRole::Default,
    ServiceRole::Ipv4,
    ServiceRole::Ipv6,
    ServiceRole::PreferDualStack,
    ServiceRole::RequireDualStackIpv4First,
    ServiceRole::RequireDualStackIpv6First,
    ServiceRole::NodePort,
];
