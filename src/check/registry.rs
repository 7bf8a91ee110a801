//! The checks in the order in which they are run, listed and documented.

use std::sync::LazyLock;

use super::{
    DynCheck, UPSTREAM, UpstreamTest, change, control_plane, dns, egress, node, node_port, parity,
    pod, policy, service, target,
};

/// The areas, from what the cluster declares to what packets do.
const AREAS: &[&[&dyn DynCheck]] = &[
    node::CHECKS,
    pod::CHECKS,
    service::CHECKS,
    node_port::CHECKS,
    control_plane::CHECKS,
    egress::CHECKS,
    dns::CHECKS,
    policy::CHECKS,
    change::CHECKS,
    parity::CHECKS,
    target::CHECKS,
];

/// Every check. Running, `list`, `explain`, the suites' schema, conformance reports and the
/// documentation follow this order.
pub static REGISTRY: LazyLock<Vec<&dyn DynCheck>> = LazyLock::new(|| AREAS.concat());

/// The check of an id.
pub fn by_id(id: &str) -> Option<&'static dyn DynCheck> {
    REGISTRY.iter().copied().find(|check| check.id() == id)
}

/// Upstream's tests that a check asserts, wholly or partly.
pub fn upstream(check: &dyn DynCheck) -> impl Iterator<Item = &'static UpstreamTest> {
    let names = check.promise().about.upstream;
    UPSTREAM.iter().filter(move |test| names.contains(&test.name))
}

/// The ids of the checks that assert one of upstream's tests.
pub fn asserting(test: &UpstreamTest) -> Vec<&'static str> {
    let asserts =
        |check: &&&'static dyn DynCheck| check.promise().about.upstream.contains(&test.name);
    REGISTRY.iter().filter(asserts).map(|check| check.id()).collect()
}
