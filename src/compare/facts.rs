//! Facts of the cluster, and settings of the run, that changed.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::model::FactChange;
use crate::{
    check,
    facts::{Cni, Fact, Facts, KubeProxy, Node},
    net::IpFamily,
    record::Record,
};

/// What changed, in the order in which it is worth knowing. Addresses are no such fact.
pub(super) fn compare(old: &Record, new: &Record) -> Vec<FactChange> {
    let mut changes = Changes::default();
    changes.told("suite", &old.suite.name, &new.suite.name);
    changes.checks(old, new);
    changes.told("dualstack", &old.dualstack, &new.dualstack);
    let (before, now) = (&old.facts, &new.facts);
    changes.told("API server", &before.server.url, &now.server.url);
    changes.told("Kubernetes", &before.server.version, &now.server.version);
    changes.known("CNI", &before.cni, &now.cni, cni);
    changes.known("kube-proxy mode", &before.kube_proxy, &now.kube_proxy, mode);
    let families = |ranges: &[Fact<Vec<IpNet>>]| families_of_ranges(ranges);
    changes.told("pod ranges", &families(&before.pod_ranges), &families(&now.pod_ranges));
    changes.told(
        "Service ranges",
        &families(&before.service_ranges),
        &families(&now.service_ranges),
    );
    changes.nodes(before, now);
    changes.0
}

#[derive(Default)]
struct Changes(Vec<FactChange>);

impl Changes {
    fn told(&mut self, what: &str, before: &str, now: &str) {
        if before != now {
            self.0.push(FactChange {
                what: what.to_owned(),
                before: before.to_owned(),
                now: now.to_owned(),
            });
        }
    }

    /// A fact that may not be known. Why it isn't known is no part of the comparison: the words may
    /// differ from version to version.
    fn known<T>(&mut self, what: &str, before: &Fact<T>, now: &Fact<T>, tell: fn(&T) -> String) {
        let words = |fact: &Fact<T>| match fact {
            Fact::Known { value, .. } => tell(value),
            Fact::Absent { .. } => "none found".to_owned(),
            Fact::Forbidden { .. } => "not permitted to read".to_owned(),
        };
        self.told(what, &words(before), &words(now));
    }

    /// Which checks were run, where that differs.
    fn checks(&mut self, old: &Record, new: &Record) {
        let ids = |record: &Record| -> BTreeSet<&str> {
            let all = check::REGISTRY.iter().map(|check| check.id());
            all.filter(|id| record.suite.names(id)).collect()
        };
        let (before, now) = (ids(old), ids(new));
        for id in before.difference(&now) {
            self.told(id, "was run", "was not run");
        }
        for id in now.difference(&before) {
            self.told(id, "was not run", "was run");
        }
    }

    fn nodes(&mut self, old: &Facts, new: &Facts) {
        let (Some(before), Some(now)) = (old.nodes.known(), new.nodes.known()) else { return };
        let by_name = |nodes: &'_ [Node]| -> BTreeMap<String, Node> {
            nodes.iter().map(|node| (node.name.clone(), node.clone())).collect()
        };
        let (before, now) = (by_name(before), by_name(now));
        for name in before.keys().filter(|name| !now.contains_key(*name)) {
            self.told(&format!("node {name}"), "in the cluster", "not in the cluster");
        }
        for (name, node) in &now {
            let Some(was) = before.get(name) else {
                self.told(&format!("node {name}"), "not in the cluster", "in the cluster");
                continue;
            };
            let mut of_node = |what: &str, before: &str, now: &str| {
                self.told(&format!("{what} of {name}"), before, now);
            };
            of_node("kubelet", &was.kubelet_version, &node.kubelet_version);
            of_node("container runtime", &was.container_runtime, &node.container_runtime);
            of_node("readiness", ready(was), ready(node));
            of_node("InternalIPs", &families_of_node(was), &families_of_node(node));
            of_node("pod ranges", &families_of_pods(was), &families_of_pods(node));
        }
    }
}

fn cni(cni: &Cni) -> String {
    match &cni.version {
        Some(version) => format!("{} {version}", cni.name),
        None => cni.name.clone(),
    }
}

fn mode(proxy: &KubeProxy) -> String {
    if proxy.mode.is_empty() { "default".to_owned() } else { proxy.mode.clone() }
}

const fn ready(node: &Node) -> &'static str {
    if node.ready.ready { "Ready" } else { "not Ready" }
}

/// Families in their order, each once: what comes first is a promise of dual-stack.
fn families(all: impl IntoIterator<Item = IpFamily>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for family in all {
        if !seen.contains(&family.as_str()) {
            seen.push(family.as_str());
        }
    }
    if seen.is_empty() { "none".to_owned() } else { seen.join(", ") }
}

/// The families of the first place that states ranges.
fn families_of_ranges(ranges: &[Fact<Vec<IpNet>>]) -> String {
    let known = ranges.iter().find_map(Fact::known);
    known.map_or_else(
        || "not known".to_owned(),
        |ranges| families(ranges.iter().map(IpFamily::of_range)),
    )
}

fn families_of_node(node: &Node) -> String {
    let internal = node.addresses.iter().filter(|address| address.kind == "InternalIP");
    families(internal.filter_map(|address| address.address.parse().ok()).map(IpFamily::of))
}

fn families_of_pods(node: &Node) -> String {
    let ranges = node.pod_cidrs.iter().filter_map(|range| range.parse::<IpNet>().ok());
    families(ranges.map(|range| IpFamily::of_range(&range)))
}
