//! Routes that Cilium announces by BGP.

use crate::{
    lint::{
        model::{Announced, BgpFamily, BgpPeer, Model, PoolRange},
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

/// An advertisement that is labelled `advertise: bgp`.
macro_rules! advertisement {
    () => {
        "\
apiVersion: cilium.io/v2
kind: CiliumBGPAdvertisement
metadata:
  name: addresses
  labels:
    advertise: bgp
spec:
  advertisements:
    - advertisementType: Service
      service: {addresses: [LoadBalancerIP]}
      selector: {matchLabels: {expose: outside}}
"
    };
}

/// Two neighbours with these configurations.
macro_rules! neighbours {
    ($first:literal, $second:literal) => {
        concat!(
            "apiVersion: cilium.io/v2\nkind: CiliumBGPClusterConfig\nmetadata:\n  name: racks\n",
            "spec:\n  bgpInstances:\n    - name: main\n      localASN: 64512\n      peers:\n",
            "        - {name: a, peerASN: 64513, peerAddress: 192.168.0.1, peerConfigRef: {name: ",
            $first,
            "}}\n",
            "        - {name: b, peerASN: 64513, peerAddress: \"fd00:192::1\", peerConfigRef: {name: ",
            $second,
            "}}\n"
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
          a family without advertisements, or with labels that no CiliumBGPAdvertisement has, announces \
          nothing; a CiliumBGPPeerConfig that no CiliumBGPClusterConfig names has no effect. \
          Addresses of the other family are then unreachable from outside.",
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
        Example::new(documents!(
            peer!(
                "- {afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",
                "- {afi: ipv6, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",
            ),
            neighbours!("rack", "rack"),
            advertisement!()
        )),
        // A configuration that is not at hand may have the other family.
        Example::new(documents!(
            peer!("- {afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",),
            neighbours!("rack", "rack-v6")
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
        // The labels of the second family are another advertisement's.
        Example::new(documents!(
            peer!(
                "- {afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",
                "- {afi: ipv6, safi: unicast, advertisements: {matchLabels: {advertise: bgp-v6}}}",
            ),
            advertisement!()
        )),
        // Both neighbours name the configuration of one family.
        Example::new(documents!(
            peer!("- {afi: ipv4, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}",),
            "\
apiVersion: cilium.io/v2
kind: CiliumBGPPeerConfig
metadata:
  name: rack-v6
spec:
  families:
    - {afi: ipv6, safi: unicast, advertisements: {matchLabels: {advertise: bgp}}}
",
            neighbours!("rack", "rack"),
            advertisement!()
        )),
    ],
    check: Check::Model(families),
};

/// The neighbours that Cilium has; nothing where a configuration that they name is not at hand.
fn neighbours(model: &Model) -> Option<Vec<&BgpPeer>> {
    let named = |peer: &BgpPeer, name: &str| peer.name.as_deref() == Some(name);
    let at_hand = |name: &str| model.bgp_peers.iter().any(|peer| named(peer, name));
    let references = &model.bgp_references;
    if !references.iter().all(|reference| at_hand(&reference.value)) {
        return None;
    }
    // Where no neighbour is at hand, each configuration may be one's.
    let used = |peer: &&BgpPeer| {
        references.is_empty()
            || peer.name.is_none()
            || references.iter().any(|reference| named(peer, &reference.value))
    };
    Some(model.bgp_peers.iter().filter(used).collect())
}

/// Whether something is announced, as far as it can be told.
fn is_announced(announced: &Announced, model: &Model) -> bool {
    match announced {
        Announced::Nothing => false,
        Announced::Unread => true,
        Announced::Labels(labels) => {
            let mut all = model.bgp_advertisements.iter();
            model.bgp_advertisements.is_empty()
                || all.any(|own| labels.iter().all(|label| own.labels.contains(label)))
        }
    }
}

fn families(model: &Model, out: &mut Findings) {
    let Some(neighbours) = neighbours(model) else { return };
    let Some(first) = neighbours.first() else { return };
    // One that lists none exchanges both.
    if neighbours.iter().any(|peer| peer.families.is_empty()) {
        return;
    }
    let mut wanted = model.told_families();
    let pools = model.address_pools.iter().flat_map(|pool| &pool.ranges);
    wanted.extend(pools.filter_map(PoolRange::family));
    let all = || neighbours.iter().flat_map(|peer| &peer.families);
    for family in IpFamily::ALL {
        let own = |listed: &&BgpFamily| listed.afi.value.eq_ignore_ascii_case(family.as_str());
        let announced = all().filter(own).any(|listed| is_announced(&listed.announced, model));
        if announced || !wanted.contains(&family) {
            continue;
        }
        match all().find(own) {
            Some(BgpFamily { afi, announced: Announced::Nothing }) => {
                let message =
                    format!("{family} has no advertisements, so nothing is announced in it");
                out.at(afi.span, message);
            }
            Some(listed) => {
                let message = format!("{family} selects labels that no CiliumBGPAdvertisement has");
                let finding = out.at(listed.afi.span, message);
                for other in &model.bgp_advertisements {
                    finding.also(other.at, "other labels");
                }
            }
            None => {
                let message = format!("no BGP neighbour exchanges {family} routes");
                let finding = out.at(first.at, message);
                let unused = |peer: &&BgpPeer| {
                    peer.families.iter().any(|listed| own(&listed)) && peer.name.is_some()
                };
                for peer in model.bgp_peers.iter().filter(unused) {
                    finding.also(peer.at, "no neighbour names this configuration");
                }
            }
        }
    }
}
