//! Which family programs use for a name that has addresses of both, as RFC 6724 orders them.

use std::net::{IpAddr, Ipv6Addr};

use crate::{check::World, net::IpFamily};

/// What kind an IPv6 address is, as the policy table of RFC 6724 tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// fc00::/7: behind IPv4, and of a label of its own.
    UniqueLocal,
    /// What has the label and precedence of all other addresses.
    Global,
}

/// Which family is used inside the cluster, and outside it; `None` where the pods or Services lack one.
pub(super) fn sentence(world: World<'_>) -> Option<String> {
    let pods = world.fixture.probes.iter().filter_map(|pod| pod.address(IpFamily::V6));
    let services = world.fixture.services.iter();
    let services = services.filter_map(|service| service.cluster_ip(IpFamily::V6));
    let two = world.suite.families.len() > 1;
    let (pod, service) = (kind(pods)?, kind(services)?);
    two.then(|| said(pod, service).to_owned())
}

/// The kind of the first of these addresses: those of one range are all of one kind.
fn kind(mut addresses: impl Iterator<Item = IpAddr>) -> Option<Kind> {
    addresses.find_map(|address| match address {
        IpAddr::V6(address) => Some(of(address)),
        IpAddr::V4(_) => None,
    })
}

const fn of(address: Ipv6Addr) -> Kind {
    if address.is_unique_local() { Kind::UniqueLocal } else { Kind::Global }
}

const fn said(pod: Kind, service: Kind) -> &'static str {
    match (pod, service) {
        (Kind::UniqueLocal, Kind::UniqueLocal) => {
            "Pods have unique local IPv6 addresses, and so have Services: RFC 6724 ranks them below IPv4, so \
             programs in pods keep using IPv4 for every name that has both, in the cluster \
             and outside it."
        }
        (Kind::UniqueLocal, Kind::Global) => {
            "Pods have unique local IPv6 addresses and Services have global ones: RFC 6724 prefers addresses of \
             the same kind as the source, so programs in pods keep using IPv4 for every name that has both, in \
             the cluster and outside it."
        }
        (Kind::Global, Kind::UniqueLocal) => {
            "Pods have global IPv6 addresses and Services have unique local ones: by RFC 6724 programs \
             in pods use IPv4 for Services that have both, and IPv6 for names outside the cluster that \
             have both."
        }
        (Kind::Global, Kind::Global) => {
            "Pods and Services have global IPv6 addresses: by RFC 6724 programs in pods use IPv6 for \
             every name that has both, in the cluster and outside it."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Lab;

    #[test]
    fn pods_with_unique_local_addresses_go_on_using_ipv4() {
        let lab = Lab::dual();
        let said = sentence(lab.world()).unwrap();
        assert!(said.contains("unique local") && said.contains("keep using IPv4"), "{said}");
        let lab = lab.under("single-stack-ipv4");
        assert_eq!(sentence(lab.world()), None);
    }

    #[test]
    fn global_addresses_on_both_sides_are_what_makes_ipv6_preferred() {
        assert!(said(Kind::Global, Kind::Global).contains("use IPv6 for every name"));
        assert!(said(Kind::Global, Kind::UniqueLocal).contains("use IPv4 for Services"));
        assert!(said(Kind::UniqueLocal, Kind::Global).contains("keep using IPv4"));
        assert_eq!(of("fd00::1".parse().unwrap()), Kind::UniqueLocal);
        assert_eq!(of("2001:db8::1".parse().unwrap()), Kind::Global);
    }
}
