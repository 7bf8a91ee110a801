//! Cilium's settings against the cluster.

use ipnet::IpNet;

use crate::{
    lint::{
        model::{Cilium, Model, RangeEntry, read_ranges},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
        source::Spanned,
    },
    net::{IpFamily, RangeRelation, relation},
};

const VALUES: &str = "https://docs.cilium.io/en/stable/helm-reference/";
const IPAM: &str = "https://docs.cilium.io/en/stable/network/concepts/ipam/cluster-pool/";

/// A cluster of both families.
macro_rules! dual {
    () => {
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )
    };
}

const GOOD: Example = Example::new(
    "\
ipv4:
  enabled: true
ipv6:
  enabled: true
ipam:
  mode: cluster-pool
  operator:
    clusterPoolIPv4PodCIDRList: [\"10.244.0.0/16\"]
    clusterPoolIPv4MaskSize: 24
    clusterPoolIPv6PodCIDRList: [\"fd00:10:244::/104\"]
    clusterPoolIPv6MaskSize: 120
",
);

/// A setting of a family, by its name with the family in it, such as `enable-ipv6`.
fn of<'c>(
    cilium: &'c Cilium,
    family: IpFamily,
    before: &str,
    after: &str,
) -> Option<&'c Spanned<String>> {
    cilium.settings.get(&format!("{before}{}{after}", family.slug()))
}

/// Whether a family is on: by the setting, or by the chart's default.
fn enabled(cilium: &Cilium, family: IpFamily) -> bool {
    of(cilium, family, "enable-", "").map_or(family == IpFamily::V4, |text| text.value == "true")
}

/// Whether it is a pool of the multi-pool mode, and no settings of Cilium's own.
fn is_pod_pool(cilium: &Cilium) -> bool {
    cilium.settings.get("pod-ip-pool").is_some()
}

/// The mode of address management: by the setting, or by the chart's default. Pools of the
/// multi-pool mode are cut in the same way.
fn is_cluster_pool(cilium: &Cilium) -> bool {
    cilium.settings.get("ipam").is_none_or(|mode| mode.value == "cluster-pool")
}

pub(crate) const FAMILY_OFF: Rule = Rule {
    code: "DS631",
    name: "cilium-family-off",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Cilium has a range of a family, or the Pods have one, but the family is off.",
    why: "Cilium gives Pods IPv6 only if ipv6.enabled is true; its default is false. A pool of \
          that family has no effect on its own.",
    fix: "Set ipv4.enabled and ipv6.enabled to true, as the ranges need.",
    sources: &[VALUES, "https://github.com/cilium/cilium/issues/20733"],
    enforced_by: &[EnforcedBy::Symptom("Pods have no address of that family")],
    good: &[GOOD],
    bad: &[
        Example::new(
            "\
ipam:
  operator:
    clusterPoolIPv6PodCIDRList: [\"fd00:10:244::/104\"]
",
        ),
        Example::new(documents!(
            dual!(),
            "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: cilium-config
data:
  ipam: kubernetes
  enable-ipv4: \"true\"
  enable-ipv6: \"false\"
"
        )),
    ],
    check: Check::Model(family_off),
};

fn family_off(model: &Model, out: &mut Findings) {
    // A pool by itself doesn't say which families are on.
    if model.cilium.iter().all(is_pod_pool) {
        return;
    }
    for family in IpFamily::ALL {
        // Values may be spread over several files of one chart.
        if model.cilium.iter().any(|cilium| enabled(cilium, family)) {
            continue;
        }
        for cilium in &model.cilium {
            let pool = cilium.pools.iter().find(|pool| pool.family() == Some(family));
            let native = of(cilium, family, "", "-native-routing-cidr");
            let range = pool.map(|pool| &pool.text).or(native);
            let set = of(cilium, family, "enable-", "");
            let slug = family.slug();
            // The ConfigMap has names of its own.
            let (setting, fix) = match cilium.config_map {
                true => (format!("enable-{slug}"), format!("set enable-{slug}: \"true\"")),
                false => (format!("{slug}.enabled"), format!("set {slug}.enabled: true")),
            };
            let message = match (range, set) {
                (Some(_), _) => format!("{setting} is not true, so this has no effect"),
                // Without the setting the values may be only a part of what the chart gets.
                (None, Some(_)) if model.pod_families().contains(&family) => {
                    format!("Cilium's {family} is off, but the Pods have it")
                }
                _ => continue,
            };
            let Some(span) = range.or(set).map(|text| text.span) else { continue };
            let finding = out.at(span, message).fix(fix);
            match (range, set, model.pods()) {
                (Some(_), Some(set), _) => finding.also(set.span, "off"),
                (None, _, Some(pods)) => finding.also(pods.text.span, "pod range"),
                _ => finding,
            };
        }
    }
}

pub(crate) const OWN_POOL: Rule = Rule {
    code: "DS632",
    name: "cilium-own-pool",
    area: Area::Plugins,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Cilium gives Pods addresses from its own pool, which is not the pod range.",
    why: "In the cluster-pool mode, which is the chart's default, Cilium does not use the nodes' \
          pod ranges: Pods get addresses of its own pool (10.0.0.0/8 and fd00::/104 unless it is \
          set), and components that only know podSubnet treat them as external.",
    fix: "Set ipam.mode to kubernetes, or the pool's ranges to the pod range.",
    sources: &[IPAM, "https://github.com/cilium/cilium/issues/14505"],
    enforced_by: &[EnforcedBy::Symptom("Pods have addresses outside of podSubnet")],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        dual!(),
        "\
ipv6:
  enabled: true
kubeProxyReplacement: true
"
    ))],
    check: Check::Model(own_pool),
};

fn own_pool(model: &Model, out: &mut Findings) {
    let pods = read_ranges(model.pods());
    let Some((_, first, _)) = pods.first() else { return };
    // Values may be spread over several files of one chart.
    let set = model.cilium.iter().any(|cilium| {
        cilium.settings.get("ipam").is_some_and(|mode| mode.value != "cluster-pool")
            || is_pod_pool(cilium)
            || cilium.settings.get("cni-chaining-mode").is_some_and(|mode| mode.value != "none")
    });
    if set {
        return;
    }
    let within = |pool: &RangeEntry| {
        pool.range.is_none_or(|pool| {
            pods.iter().any(|(_, _, pods)| {
                matches!(relation(&pool, pods), RangeRelation::Equal | RangeRelation::Within)
            })
        })
    };
    let pools = || model.cilium.iter().flat_map(|cilium| &cilium.pools);
    for pool in pools().filter(|pool| !within(pool)) {
        let text = &pool.text.value;
        out.at(pool.text.span, format!("Cilium's pool {text} is not within the pod range"))
            .also(first.text.span, "pod range");
    }
    let Some(cilium) = model.cilium.first().filter(|_| pools().next().is_none()) else { return };
    let span = cilium.settings.get("ipam").map_or(cilium.at, |mode| mode.span);
    let message = "Cilium takes its own pool, 10.0.0.0/8 and fd00::/104, and not the pod range";
    out.at(span, message).also(first.text.span, "pod range");
}

pub(crate) const POOL_SIZE: Rule = Rule {
    code: "DS633",
    name: "cilium-pool-size",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Cilium's pool does not fit the mask of the nodes' ranges.",
    why: "Each node takes a range of the mask's size from the pool (24 for IPv4, 120 for IPv6 \
          unless it is set). A pool smaller than that has room for no node, one of that size for a \
          single node. In IPv6 the mask may be at most 16 bits longer than the pool's: Cilium's \
          operator exits on others (\"the node CIDR size is too big\").",
    fix: "Choose a pool and a mask that differ by 8 to 16 bits, such as a /104 and 120.",
    sources: &[
        IPAM,
        VALUES,
        "https://github.com/cilium/cilium/blob/main/pkg/ipam/cidrset/cidr_set.go",
    ],
    enforced_by: &[EnforcedBy::Symptom("nodes beyond the pool's room get no pod range")],
    good: &[GOOD],
    bad: &[
        Example::new(
            "\
ipv6:
  enabled: true
ipam:
  operator:
    clusterPoolIPv6PodCIDRList: [\"fd00:10:244::/48\"]
    clusterPoolIPv6MaskSize: 48
",
        ),
        Example::new(
            "\
ipam:
  operator:
    clusterPoolIPv4PodCIDRList: [\"10.244.0.0/25\"]
",
        ),
        Example::new(
            "\
ipv6:
  enabled: true
ipam:
  operator:
    clusterPoolIPv6PodCIDRList: [\"fd00:10:244::/64\"]
",
        ),
        Example::new(
            "\
apiVersion: cilium.io/v2alpha1
kind: CiliumPodIPPool
metadata:
  name: default
spec:
  ipv6:
    cidrs: [\"fd00:10:244::/104\"]
    maskSize: 96
",
        ),
    ],
    check: Check::Model(|model, out| {
        for cilium in model.cilium.iter().filter(|cilium| is_cluster_pool(cilium)) {
            for family in IpFamily::ALL {
                pool_size(cilium, family, out);
            }
        }
    }),
};

fn pool_size(cilium: &Cilium, family: IpFamily, out: &mut Findings) {
    let default = match family {
        IpFamily::V4 => 24,
        IpFamily::V6 => 120,
    };
    let set = of(cilium, family, "cluster-pool-", "-mask-size");
    let mask: u8 = set.and_then(|text| text.value.parse().ok()).unwrap_or(default);
    let own = |pool: &&RangeEntry| pool.family() == Some(family);
    let pools: Vec<(&RangeEntry, IpNet)> =
        cilium.pools.iter().filter(own).filter_map(|pool| Some((pool, pool.range?))).collect();
    for (pool, range) in &pools {
        let length = range.prefix_len();
        // Cilium's operator counts the shares of an IPv6 pool in a bitmap of 16 bits.
        let message = if family == IpFamily::V6 && mask.saturating_sub(length) > 16 {
            let shortest = mask - 16;
            format!("the pool {range} is larger than a /{shortest}, for nodes that get a /{mask}")
        } else if length > mask {
            format!("the pool {range} is smaller than the /{mask} that each node gets")
        } else if length == mask && pools.len() == 1 {
            format!("the pool {range} has room for one node, which gets a /{mask}")
        } else {
            continue;
        };
        let finding = out.at(pool.text.span, message);
        if length == mask {
            finding.level(Level::Warning);
        }
        if let Some(set) = set {
            finding.also(set.span, "mask of the nodes' ranges");
        }
    }
}

pub(crate) const MASQUERADE: Rule = Rule {
    code: "DS634",
    name: "cilium-ipv6-masquerade",
    area: Area::Plugins,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Cilium masquerades IPv4 traffic, but not that of a unique local IPv6 pool.",
    why: "The Internet has no route back to unique local addresses (fc00::/7). Without masquerading \
          such Pods reach nothing outside over IPv6.",
    fix: "Set enableIPv6Masquerade to true, or give Pods addresses that are routed.",
    sources: &[
        "https://docs.cilium.io/en/stable/network/concepts/masquerading/",
        "https://www.rfc-editor.org/rfc/rfc4193",
    ],
    enforced_by: &[EnforcedBy::Symptom("Pods reach nothing outside the cluster over IPv6")],
    good: &[GOOD],
    bad: &[Example::new(
        "\
ipv6:
  enabled: true
enableIPv6Masquerade: false
ipam:
  operator:
    clusterPoolIPv6PodCIDRList: [\"fd00:10:244::/104\"]
",
    )],
    check: Check::Model(|model, out| {
        let unique_local = |range: &IpNet| match range {
            IpNet::V6(range) => range.addr().is_unique_local(),
            IpNet::V4(_) => false,
        };
        for cilium in model.cilium.iter().filter(|cilium| enabled(cilium, IpFamily::V6)) {
            let off = |family| {
                of(cilium, family, "enable-", "-masquerade").filter(|text| text.value == "false")
            };
            let Some(set) = off(IpFamily::V6).filter(|_| off(IpFamily::V4).is_none()) else {
                continue;
            };
            let pools = cilium.pools.iter().filter_map(|pool| Some((&pool.text, pool.range?)));
            let pods =
                read_ranges(model.pods()).into_iter().map(|(_, entry, range)| (&entry.text, range));
            if let Some((text, range)) = pools.chain(pods).find(|(_, range)| unique_local(range)) {
                let message = format!("traffic from the unique local {range} is not masqueraded");
                out.at(set.span, message).also(text.span, "unique local range");
            }
        }
    }),
};
