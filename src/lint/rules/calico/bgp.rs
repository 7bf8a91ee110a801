//! What Calico announces by BGP, and to whom.

use crate::{
    lint::{
        model::{CalicoBgp, Model, PoolRange},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
        source::Spanned,
    },
    net::IpFamily,
};

/// A cluster of both families.
macro_rules! dual {
    () => {
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )
    };
}

/// A `BGPConfiguration` with these lines.
macro_rules! configuration {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata:\n  name: default\n",
            "spec:\n  asNumber: 64512\n",
            $("  ", $line, "\n"),*
        )
    };
}

/// A `BGPPeer` at an address.
macro_rules! peer {
    ($name:literal, $address:literal) => {
        concat!(
            "apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata:\n  name: ",
            $name,
            "\nspec:\n  asNumber: 64513\n  peerIP: ",
            $address,
            "\n"
        )
    };
}

pub(crate) const ONE_FAMILY: Rule = Rule {
    code: "DS611",
    name: "calico-bgp-one-family",
    area: Area::Calico,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Calico's BGP announces Services, or has neighbours, of one family only in a dual-stack \
              cluster.",
    why: "Calico announces the addresses of Services that are in the listed ranges, and no others. \
          It runs one BIRD for each family, which peers with the neighbours whose peerIP has that family: \
          without an IPv6 neighbour no IPv6 route leaves the cluster.",
    fix: "List a range of each family, and make a BGPPeer for the router's address of each family.",
    sources: &[
        "https://docs.tigera.io/calico/latest/reference/resources/bgpconfig",
        "https://docs.tigera.io/calico/latest/networking/configuring/advertise-service-ips",
        "https://github.com/projectcalico/calico/blob/master/confd/pkg/backends/calico/bgp_processor.go",
    ],
    enforced_by: &[EnforcedBy::Symptom("the routers outside get no routes of the other family")],
    good: &[
        Example::new(documents!(
            dual!(),
            configuration!(
                "serviceClusterIPs:",
                "  - cidr: 10.96.0.0/16",
                "  - cidr: fd00:10:96::/112"
            ),
            peer!("rack", "192.168.0.1"),
            peer!("rack-v6", "\"[fd00:192::1]:179\"")
        )),
        // Of the nodes that a selector names each has addresses of both families.
        Example::new(documents!(
            dual!(),
            "\
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata:
  name: reflectors
spec:
  nodeSelector: all()
  peerSelector: has(reflector)
"
        )),
    ],
    bad: &[
        Example::new(documents!(
            dual!(),
            configuration!("serviceClusterIPs:", "  - cidr: 10.96.0.0/16")
        )),
        Example::new(documents!(dual!(), peer!("a", "192.168.0.1"), peer!("b", "192.168.0.2:179"))),
        Example::new(documents!(
            configuration!("serviceLoadBalancerIPs:", "  - cidr: 192.168.9.0/24"),
            "\
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: edge
spec:
  addresses: [192.168.9.0/24, \"fd00:192:9::/120\"]
"
        )),
    ],
    check: Check::Model(one_family),
};

fn one_family(model: &Model, out: &mut Findings) {
    let mut peers: Vec<(&Spanned<String>, IpFamily)> = Vec::new();
    let mut others = false;
    for own in &model.calico_bgp {
        match own {
            CalicoBgp::Services { field, ranges } => {
                let has = |family| ranges.iter().any(|range| range.family() == Some(family));
                let known = ranges.iter().all(|range| range.family().is_some());
                let Some(first) = ranges.first().filter(|_| known) else { continue };
                let wanted = wanted(model, field);
                if let Some(family) = wanted.into_iter().find(|family| !has(*family)) {
                    let message = format!("{field} has no {family} range, so no {family} address");
                    out.at(first.text.span, format!("{message} of a Service is announced"))
                        .fix(format!("add a cidr of {family} to {field}"));
                }
            }
            CalicoBgp::Peer { address, family: Some(family) } => peers.push((address, *family)),
            CalicoBgp::Peer { family: None, .. } | CalicoBgp::Selected => others = true,
        }
    }
    let Some((first, family)) = peers.first().copied().filter(|_| !others) else { return };
    if model.told_families().len() > 1 && peers.iter().all(|(_, own)| *own == family) {
        let other = family.other();
        let message = format!("every BGP neighbour has an {family} address, and none {other}");
        out.at(first.span, format!("{message}, so these routers get no {other} routes"))
            .fix(format!("make a BGPPeer for the router's {other} address"));
    }
}

/// The families in which the addresses of Services are to be announced by a field, if both are.
fn wanted(model: &Model, field: &str) -> Vec<IpFamily> {
    let of_pools = || {
        let pools = model.address_pools.iter().flat_map(|pool| &pool.ranges);
        let families: Vec<_> = pools.filter_map(PoolRange::family).collect();
        IpFamily::ALL.into_iter().filter(|family| families.contains(family)).collect()
    };
    let families: Vec<IpFamily> = match field {
        "serviceClusterIPs" => model.service_families(),
        "serviceLoadBalancerIPs" => of_pools(),
        _ => Vec::new(),
    };
    if families.len() > 1 { families } else { Vec::new() }
}
