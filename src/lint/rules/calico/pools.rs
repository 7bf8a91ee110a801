//! Calico's pools against the pod ranges.

use crate::{
    lint::{
        model::{Model, RangeEntry, Tool, read_ranges},
        rules::{
            Area, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{cluster, documents, pool},
        },
    },
    net::{IpFamily, RangeRelation, relation},
};

const DOCS: &str = "https://docs.tigera.io/calico/latest/reference/resources/ippool";
const GOOD: Example = Example::new(documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    pool!("v4" = "10.244.0.0/16"),
    pool!("v6" = "fd00:10:244::/56")
));

/// The ranges that Pods may get addresses from: pools in use, and those that calico-node makes.
fn pools(model: &Model) -> Vec<RangeEntry> {
    let used = model.pools.iter().filter(|pool| !pool.disabled && !pool.assumed);
    let mut all: Vec<_> = used.map(|pool| pool.cidr.clone()).collect();
    for name in ["CALICO_IPV4POOL_CIDR", "CALICO_IPV6POOL_CIDR"] {
        let set = model.calico_nodes.iter().filter_map(|node| node.get(name));
        all.extend(set.map(|text| RangeEntry::new(text.clone())));
    }
    all
}

pub(crate) const POOL_OUTSIDE: Rule = Rule {
    code: "DS605",
    name: "calico-pool-outside",
    area: Area::Calico,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A Calico IP pool is not within the cluster's pod range.",
    why: "kube-proxy treats Pods from that pool as external clients and masquerades their traffic; \
          policies and routes for the pod range don't cover them.",
    fix: "Choose a pool within podSubnet, or a podSubnet that contains the pool.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!("podSubnet: 10.244.0.0/16"),
        pool!("v4" = "192.168.0.0/16")
    ))],
    check: Check::Model(|model, out| {
        let pods = read_ranges(model.pod_lists());
        for pool in pools(model) {
            let Some(range) = pool.range else { continue };
            let family = IpFamily::of_range(&range);
            let mut same = pods.iter().filter(|(_, _, pods)| IpFamily::of_range(pods) == family);
            let Some((_, first, _)) = same.clone().next() else { continue };
            let inside = same.any(|(_, _, pods)| {
                matches!(relation(&range, pods), RangeRelation::Equal | RangeRelation::Within)
            });
            if !inside {
                out.at(pool.text.span, format!("the pool {range} is not within the pod range"))
                    .also(first.text.span, "pod range");
            }
        }
    }),
};

pub(crate) const POOL_FAMILY: Rule = Rule {
    code: "DS606",
    name: "calico-pool-missing",
    area: Area::Calico,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Calico has IP pools, but none in a family that the Pods have.",
    why: "calico-ipam has no addresses to assign in that family, so Pods that need one don't \
          start. calico-node creates default pools only if no pool exists.",
    fix: "Add an IP pool of that family.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("Pods stay in ContainerCreating")],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        pool!("v4" = "10.244.0.0/16")
    ))],
    check: Check::Model(|model, out| {
        let pools = pools(model);
        let Some(first) = pools.first() else { return };
        // kubespray makes the pools itself, that of a second family too.
        if model.installs.iter().any(|install| install.tool == Tool::Kubespray) {
            return;
        }
        for family in model.pod_families() {
            if pools.iter().all(|pool| pool.family().is_some_and(|own| own != family)) {
                let finding = out.at(first.text.span, format!("Calico has no {family} pool"));
                if let Some(pods) = model.pods() {
                    finding.also(pods.text.span, "pod range");
                }
            }
        }
    }),
};
