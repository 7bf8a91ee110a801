//! Addresses of Services that Cilium announces on the nodes' own networks, by ARP and NDP.

use crate::{
    lint::{
        model::{Model, PoolRange, Version},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions, documents::documents,
        },
    },
    net::IpFamily,
};

const DOCS: &str = "https://docs.cilium.io/en/stable/network/l2-announcements/";
/// The first version of Cilium that announces IPv6 addresses.
const ANNOUNCES_IPV6: Version = Version::v1(19);

/// A policy with these lines.
macro_rules! policy {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: cilium.io/v2alpha1\nkind: CiliumL2AnnouncementPolicy\nmetadata:\n",
            "  name: lan\nspec:\n  interfaces: [\"^eth[0-9]+\"]\n",
            $("  ", $line, "\n"),*
        )
    };
}

/// A pool of both families.
macro_rules! pool {
    () => {
        "\
apiVersion: cilium.io/v2
kind: CiliumLoadBalancerIPPool
metadata:
  name: lan
spec:
  blocks:
    - cidr: 192.168.0.64/27
    - cidr: fd00:192::40/122
"
    };
}

/// A pool of IPv6 that is not Cilium's.
macro_rules! metallb_pool {
    () => {
        "\
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: edge
spec:
  addresses: [192.168.0.96/27, fd00:192::80/122]
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata:
  name: edge
spec:
  ipAddressPools: [edge]
"
    };
}

/// Cilium by Flux, of this version.
macro_rules! release {
    ($version:literal) => {
        concat!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: cilium\n",
            "spec:\n  chart:\n    spec:\n      chart: cilium\n      version: ",
            $version,
            "\n  values:\n    ipv4: {enabled: true}\n    ipv6: {enabled: true}\n"
        )
    };
}

pub(crate) const NOTHING: Rule = Rule {
    code: "DS530",
    name: "l2-announces-nothing",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A CiliumL2AnnouncementPolicy announces neither load balancers' nor external addresses.",
    why: "Both loadBalancerIPs and externalIPs are false unless they are set, and then the policy selects \
          no Service.",
    fix: "Set loadBalancerIPs: true, externalIPs: true, or both.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("no node answers for the addresses of Services")],
    good: &[
        Example::new(policy!("loadBalancerIPs: true")),
        Example::new(policy!("externalIPs: true", "loadBalancerIPs: false")),
    ],
    bad: &[
        Example::new(policy!()),
        Example::new(policy!("externalIPs: false", "loadBalancerIPs: false")),
    ],
    check: Check::Model(|model, out| {
        for own in model.l2_announcements.iter().filter(|own| !own.announces) {
            out.at(own.at, "neither loadBalancerIPs nor externalIPs is true");
        }
    }),
};

pub(crate) const IPV4_ONLY: Rule = Rule {
    code: "DS533",
    name: "l2-announces-ipv4-only",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Cilium before 1.19 is configured to announce IPv6 addresses on the nodes' networks.",
    why: "Before 1.19 its L2 announcements answer for IPv4 addresses (ARP) and not for IPv6 ones (NDP).",
    fix: "Use Cilium 1.19 or later, or announce IPv6 by BGP.",
    sources: &[DOCS, "https://github.com/cilium/cilium/pull/39648"],
    enforced_by: &[EnforcedBy::Symptom("IPv6 addresses of Services are not reachable")],
    good: &[
        Example::new(documents!(release!("1.19.1"), pool!(), policy!("loadBalancerIPs: true"))),
        // Nothing says which version it is.
        Example::new(documents!(pool!(), policy!("loadBalancerIPs: true"))),
        Example::new(documents!(release!("1.18.4"), policy!("loadBalancerIPs: true"))),
        // MetalLB announces its pools itself.
        Example::new(documents!(
            release!("1.18.4"),
            policy!("loadBalancerIPs: true"),
            metallb_pool!()
        )),
    ],
    bad: &[Example::new(documents!(release!("1.18.4"), pool!(), policy!("loadBalancerIPs: true")))],
    check: Check::Model(ipv4_only),
};

fn ipv4_only(model: &Model, out: &mut Findings) {
    let Some(version) = model.cilium_versions.iter().min_by_key(|version| version.value) else {
        return;
    };
    let announcement = model.l2_announcements.iter().find(|own| own.announces);
    // What is announced by BGP too is reached that way.
    let by_bgp = !model.bgp_peers.is_empty() || !model.bgp_references.is_empty();
    let Some(announcement) = announcement else { return };
    if version.value >= ANNOUNCES_IPV6 || by_bgp {
        return;
    }
    // The pools of others are theirs to announce.
    let pools = model.address_pools.iter().filter(|pool| pool.cilium);
    let mut ranges = pools.flat_map(|pool| &pool.ranges);
    let of_ipv6 = |range: &&PoolRange| range.family() == Some(IpFamily::V6);
    if let Some(range) = ranges.find(of_ipv6) {
        out.at(range.text.span, format!("Cilium {} announces no IPv6 address", version.value))
            .also(version.span, "version")
            .also(announcement.at, "announcements");
    }
}
