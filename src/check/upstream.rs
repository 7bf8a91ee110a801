//! Kubernetes' own end-to-end tests of dual-stack, and the checks that assert what each asserts.
//!
//! Source: `test/e2e/network/dual_stack.go`, "[Feature:IPv6DualStack]".

/// One of upstream's tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTest {
    /// Its name, without the prefix that all have in common.
    pub name: &'static str,
    /// The ids of the checks that assert the same, in both families and on every node.
    pub checks: &'static [&'static str],
    /// What of it no check asserts.
    pub missing: Option<&'static str>,
}

const fn covered(name: &'static str, checks: &'static [&'static str]) -> UpstreamTest {
    UpstreamTest { name, checks, missing: None }
}

const fn partly(
    name: &'static str,
    checks: &'static [&'static str],
    missing: &'static str,
) -> UpstreamTest {
    UpstreamTest { name, checks, missing: Some(missing) }
}

/// What the five tests of kinds of Services are covered by.
const SERVICES: &[&str] = &["service::cluster_ips", "service::endpoint_slices"];

/// Upstream's tests, in its order.
pub const UPSTREAM: [UpstreamTest; 23] = [
    covered("should have ipv4 and ipv6 internal node ip", &["node::internal_ips"]),
    covered("should create pod, add ipv6 and ipv4 ip to pod ips", &["pod::pod_ips"]),
    covered("should create pod, add ipv6 and ipv4 ip to host ips", &["pod::host_ips"]),
    covered("should be able to reach pod on ipv4 and ipv6 ip", &["pod::reachable"]),
    covered(
        "should create a single stack service with cluster ip from primary service range",
        SERVICES,
    ),
    covered("should create service with ipv4 cluster ip", SERVICES),
    covered("should create service with ipv6 cluster ip", SERVICES),
    covered("should create service with ipv4,v6 cluster ip", SERVICES),
    covered("should create service with ipv6,v4 cluster ip", SERVICES),
    covered(
        "should function for pod-Service: http",
        &["service::cluster_ip_reachable", "node_port::from_pod"],
    ),
    covered("should function for pod-Service: udp", &["service::udp", "node_port::udp"]),
    partly(
        "should function for pod-Service: sctp",
        &["service::sctp"],
        "SCTP traffic: neither of the two images has a client for it",
    ),
    covered(
        "should function for node-Service: http",
        &["service::cluster_ip_reachable", "node_port::from_node"],
    ),
    covered("should function for node-Service: udp", &["service::udp", "node_port::from_node"]),
    covered("should function for endpoint-Service: http", &["service::hairpin"]),
    covered("should function for endpoint-Service: udp", &["service::hairpin"]),
    partly("should update endpoints: http", &[], "endpoints that go and come back"),
    partly("should update endpoints: udp", &[], "endpoints that go and come back"),
    covered(
        "should function for client IP based session affinity: http",
        &["service::session_affinity"],
    ),
    covered(
        "should function for client IP based session affinity: udp",
        &["service::session_affinity"],
    ),
    covered("should be able to handle large requests: http", &["pod::payload"]),
    covered("should be able to handle large requests: udp", &["service::udp", "node_port::udp"]),
    partly(
        "should function for service endpoints using hostNetwork",
        &[],
        "backends in the host network",
    ),
];

/// Upstream's tests that a check covers, wholly or partly.
pub fn upstream(check: &str) -> impl Iterator<Item = &'static UpstreamTest> {
    UPSTREAM.iter().filter(move |test| test.checks.contains(&check))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::find;

    #[test]
    fn each_upstream_test_is_covered_by_checks_that_exist_or_says_what_is_missing() {
        for test in &UPSTREAM {
            for check in test.checks {
                assert!(find(check).is_some(), "{}: {check}", test.name);
            }
            assert!(!test.checks.is_empty() || test.missing.is_some(), "{}", test.name);
        }
        let mut names: Vec<&str> = UPSTREAM.iter().map(|test| test.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), UPSTREAM.len());
    }
}
