//! Routes that Cilium announces by BGP.

use crate::{
    lint::{
        model::{BgpFamily, Model, PoolRange},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

/// A cluster of both families, and a neighbour with these lines of its families.
macro_rules! peer {
    ($($line:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: cilium.io/v2\nkind: CiliumBGPPeerConfig\nmetadata:\n  name: rack\n",
                "spec:\n  families:\n",
                $("    ", $line, "\n"),*
            )
        )
    };
}

pub(crate) const FAMILIES: Rule = Rule {
    code: "DS528",
    name: "bgp-one-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Cilium's BGP announces routes of one family only in a dual-stack cluster.",
    why: "Where families are listed, Cilium exchanges routes of no other one, and in a CiliumBGPPeerConfig \
          a family without advertisements announces nothing. Addresses of the other family are then \
          reached by nobody outside.",
    fix: "List ipv4 and ipv6, each with its advertisements, for this neighbour or for another one.",
    sources: &[
        "https://docs.cilium.io/en/stable/network/bgp-control-plane/bgp-control-plane-configuration/",
    ],
    enforced_by: &[EnforcedBy::Symptom("the routers outside get no routes of the other family")],
    good: &[
        Example::new(peer!(
            "- {afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",
            "- {afi: ipv6, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",
        )),
        // Without families Cilium takes both.
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            "\
apiVersion: cilium.io/v2alpha1
kind: CiliumBGPPeeringPolicy
metadata:
  name: rack
spec:
  virtualRouters:
    - localASN: 64512
      exportPodCIDR: true
      neighbors:
        - peerAddress: fd00:192::1/128
          peerASN: 64513
"
        )),
    ],
    bad: &[
        Example::new(peer!(
            "- {afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",
        )),
        Example::new(peer!(
            "- {afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",
            "- {afi: ipv6, safi: unicast}",
        )),
    ],
    check: Check::Model(families),
};

fn families(model: &Model, out: &mut Findings) {
    let Some(first) = model.bgp_peers.first() else { return };
    // One that lists none exchanges both.
    if model.bgp_peers.iter().any(|peer| peer.families.is_empty()) {
        return;
    }
    let mut wanted = model.pod_families();
    let pools = model.address_pools.iter().flat_map(|pool| &pool.ranges);
    wanted.extend(pools.filter_map(PoolRange::family));
    let all = || model.bgp_peers.iter().flat_map(|peer| &peer.families);
    for family in IpFamily::ALL {
        let own = |listed: &&BgpFamily| listed.afi.value.eq_ignore_ascii_case(family.as_str());
        let announced = all().filter(own).any(|listed| listed.announced);
        if announced || !wanted.contains(&family) {
            continue;
        }
        match all().find(own) {
            Some(listed) => out.at(
                listed.afi.span,
                format!("{family} has no advertisements, so nothing is announced in it"),
            ),
            None => out.at(first.at, format!("no BGP neighbour exchanges {family} routes")),
        };
    }
}
