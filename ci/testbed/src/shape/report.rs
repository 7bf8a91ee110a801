//! What a right tool must say of a cluster: worked out from what was asked for, so that no table
//! of it can be wrong.

use crate::spec::{Family, Spec};

/// What is expected of a cluster's families: one of the product's suites, by its name.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name.
    pub name: &'static str,
    /// The families that everything has, and nothing has another.
    families: &'static [Family],
    /// Which comes first; `None` where either may, so long as it is the same everywhere.
    primary: Option<Family>,
}

/// The suites that every shape is judged by.
pub const SUITES: &[Suite] = &[
    Suite { name: "dual-stack", families: &[Family::V4, Family::V6], primary: None },
    Suite {
        name: "dual-stack-ipv6-primary",
        families: &[Family::V4, Family::V6],
        primary: Some(Family::V6),
    },
    Suite { name: "single-stack-ipv4", families: &[Family::V4], primary: None },
    Suite { name: "single-stack-ipv6", families: &[Family::V6], primary: None },
];

/// The checks that look at the addresses which a cluster was asked to have. A shape shows in them
/// alone: where a family is missing, other checks have nothing to try in it.
pub const ADDRESS_CHECKS: [&str; 4] =
    ["node::pod_cidrs", "node::internal_ips", "pod::pod_ips", "service::cluster_ips"];

/// A suite that must fail, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The suite's name.
    pub suite: &'static str,
    /// Those of [`ADDRESS_CHECKS`] that must have failing cases.
    pub checks: Vec<&'static str>,
}

/// The suites whose every case must pass.
pub(super) fn passes(spec: &Spec) -> Vec<&'static str> {
    SUITES.iter().filter(|suite| failing(spec, suite).is_empty()).map(|suite| suite.name).collect()
}

/// The other suites.
pub(super) fn fails(spec: &Spec) -> Vec<Failure> {
    SUITES
        .iter()
        .map(|suite| Failure { suite: suite.name, checks: failing(spec, suite) })
        .filter(|failure| !failure.checks.is_empty())
        .collect()
}

/// Those of [`ADDRESS_CHECKS`] that must fail.
fn failing(spec: &Spec, suite: &Suite) -> Vec<&'static str> {
    let found =
        [spec.pod_families(), spec.node_families.clone(), pod_ips(spec), spec.service_families()];
    let checks = ADDRESS_CHECKS.into_iter().zip(found);
    checks.filter(|(_, found)| !fits(found, suite)).map(|(check, _)| check).collect()
}

/// The families of a pod's addresses, in the order that kubelet gives them: that of the node's own.
fn pod_ips(spec: &Spec) -> Vec<Family> {
    let mut families = spec.pod_families();
    families.sort_by_key(|family| spec.node_families.first() != Some(family));
    families
}

fn fits(found: &[Family], suite: &Suite) -> bool {
    let same = found.len() == suite.families.len()
        && suite.families.iter().all(|family| found.contains(family));
    same && suite.primary.is_none_or(|primary| found.first() == Some(&primary))
}

#[cfg(test)]
mod tests {
    use crate::shape::{SUITES, Shape};

    fn shape(name: &str) -> &'static Shape {
        Shape::named(name).unwrap()
    }

    #[test]
    fn each_suite_passes_on_the_shape_of_its_name() {
        for suite in SUITES {
            assert!(shape(suite.name).passes().contains(&suite.name), "{}", suite.name);
        }
    }

    #[test]
    fn an_ipv6_primary_cluster_passes_the_suite_that_asks_for_no_order() {
        let passes = shape("dual-stack-ipv6-primary").passes();
        assert_eq!(passes, ["dual-stack", "dual-stack-ipv6-primary"]);
        let fails = shape("dual-stack").fails();
        assert_eq!(fails[0].suite, "dual-stack-ipv6-primary");
        assert_eq!(fails[0].checks.len(), 4, "{fails:?}");
    }

    #[test]
    fn single_stack_services_fail_at_the_services_alone() {
        for name in ["services-ipv4", "services-ipv6"] {
            let fails = shape(name).fails();
            let dual = fails.iter().find(|failure| failure.suite == "dual-stack").unwrap();
            assert_eq!(dual.checks, ["service::cluster_ips"], "{name}");
        }
    }

    #[test]
    fn a_single_stack_pod_range_fails_at_ranges_and_pods() {
        let fails = shape("pods-ipv4").fails();
        assert_eq!(fails[0].checks, ["node::pod_cidrs", "pod::pod_ips"]);
    }
}
