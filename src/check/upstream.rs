//! Kubernetes' own end-to-end tests of dual-stack. Each check says which of them it asserts.
//!
//! Source: `test/e2e/network/dual_stack.go`, "[Feature:IPv6DualStack]".

/// One of upstream's tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTest {
    /// Its name, without the prefix that all have in common.
    pub name: &'static str,
    /// What of it no check asserts.
    pub missing: Option<&'static str>,
}

const fn whole(name: &'static str) -> UpstreamTest {
    UpstreamTest { name, missing: None }
}

const fn but_for(missing: &'static str, name: &'static str) -> UpstreamTest {
    UpstreamTest { name, missing: Some(missing) }
}

/// The five tests of kinds of Services.
pub(super) const SERVICES: &[&str] = &[
    "should create a single stack service with cluster ip from primary service range",
    "should create service with ipv4 cluster ip",
    "should create service with ipv6 cluster ip",
    "should create service with ipv4,v6 cluster ip",
    "should create service with ipv6,v4 cluster ip",
];

/// Upstream's tests, in its order.
pub const UPSTREAM: &[UpstreamTest] = &[
    whole("should have ipv4 and ipv6 internal node ip"),
    whole("should create pod, add ipv6 and ipv4 ip to pod ips"),
    whole("should create pod, add ipv6 and ipv4 ip to host ips"),
    whole("should be able to reach pod on ipv4 and ipv6 ip"),
    whole("should create a single stack service with cluster ip from primary service range"),
    whole("should create service with ipv4 cluster ip"),
    whole("should create service with ipv6 cluster ip"),
    whole("should create service with ipv4,v6 cluster ip"),
    whole("should create service with ipv6,v4 cluster ip"),
    whole("should function for pod-Service: http"),
    whole("should function for pod-Service: udp"),
    but_for(
        "SCTP traffic: neither of the two images has a client for it",
        "should function for pod-Service: sctp",
    ),
    whole("should function for node-Service: http"),
    whole("should function for node-Service: udp"),
    whole("should function for endpoint-Service: http"),
    whole("should function for endpoint-Service: udp"),
    whole("should update endpoints: http"),
    whole("should update endpoints: udp"),
    whole("should function for client IP based session affinity: http"),
    whole("should function for client IP based session affinity: udp"),
    whole("should be able to handle large requests: http"),
    whole("should be able to handle large requests: udp"),
    but_for(
        "datagrams: busybox's server for them can't be a backend in the host network",
        "should function for service endpoints using hostNetwork",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{REGISTRY, asserting};

    #[test]
    fn each_upstream_test_is_asserted_by_a_check_or_says_what_is_missing() {
        for test in UPSTREAM {
            assert!(!asserting(test).is_empty() || test.missing.is_some(), "{}", test.name);
        }
        let mut names: Vec<&str> = UPSTREAM.iter().map(|test| test.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), UPSTREAM.len());
    }

    #[test]
    fn checks_assert_only_tests_that_upstream_has() {
        for check in REGISTRY.iter() {
            for name in check.promise().about.upstream {
                assert!(UPSTREAM.iter().any(|test| test.name == *name), "{check:?}: {name}");
            }
        }
    }
}
