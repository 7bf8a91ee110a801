//! `pods_not_starting`: on a node the pod network's plugin gives new pods no network.

use std::collections::{BTreeMap, BTreeSet};

use super::{CauseRule, Confidence, Evidence, Found, not_up};
use crate::{
    check::{commands, remedy, words},
    net::IpFamily,
};

/// What the kubelet calls it (`FailedCreatePodSandBox` in the kubelet's events).
const REASON: &str = "FailedCreatePodSandBox";

#[derive(Debug)]
pub(super) struct PodsNotStarting;

impl CauseRule for PodsNotStarting {
    fn id(&self) -> &'static str {
        "pods_not_starting"
    }

    fn why(&self) -> &'static str {
        "Running pods keep running, and the node stays Ready; new pods that are scheduled there never start. \
         A plugin that can't give a pod one of its families gives it no network at all."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let each = not_up::by_node(evidence, |reason| reason.starts_with(REASON));
        // What several nodes complain of in the same words is no trouble of any one of them.
        let mut alike: BTreeMap<String, Vec<(&str, Vec<&str>)>> = BTreeMap::new();
        for (node, reasons) in each {
            let said = reasons.first().map_or("", |reason| said(reason));
            alike.entry(without(said, node)).or_default().push((node, reasons));
        }
        let found = |nodes: Vec<(&str, Vec<&str>)>| match nodes.as_slice() {
            [(node, reasons)] => found(evidence, node, reasons),
            several => shared(evidence, several),
        };
        alike.into_values().map(found).collect()
    }
}

/// The trouble of several nodes: that of what gives out addresses to all of them, or of a setting that all have.
fn shared(evidence: &Evidence<'_>, nodes: &[(&str, Vec<&str>)]) -> Found {
    let names: Vec<&str> = nodes.iter().map(|(node, _)| *node).collect();
    let each = nodes.iter().filter_map(|(node, reasons)| Some((node, said(reasons.first()?))));
    let pods = nodes.iter().map(|(_, reasons)| reasons.len()).sum();
    Found {
        what: format!(
            "No new pods start on nodes {}: the pod network's CNI plugin fails in the same way on each.",
            words::list(&names)
        ),
        confidence: Confidence::Proved,
        evidence: each
            .take(1)
            .map(|(node, said)| format!("the kubelet of {node}: {said}"))
            .chain([format!("{} of this run did not come up", words::count(pods, "pod"))])
            .collect(),
        reproduce: vec![format!("kubectl get events -A --field-selector reason={REASON}")],
        fix: remedy::pools(evidence.world)
            .into_iter()
            .chain([
                "Fix what the CNI plugin reports where these nodes share it (the pools of addresses, the \
                 configuration that is given to every node); pods that wait come up by themselves then."
                    .to_owned(),
            ])
            .collect(),
        cases: names.iter().flat_map(|node| not_up::cases(evidence, node)).collect(),
        ..Found::default()
    }
}

/// A complaint without the name of the node that it is of.
fn without(said: &str, node: &str) -> String {
    let word = |word: &str| word.trim_end_matches([':', ',', '.']) != node;
    said.split_whitespace().filter(|it| word(it)).collect::<Vec<_>>().join(" ")
}

fn found(evidence: &Evidence<'_>, node: &str, reasons: &[&str]) -> Found {
    let said = reasons.first().map_or("", |reason| said(reason));
    // How Go prints an address that is no IPv4 one.
    let refused = said.contains("failed to add IP addr") && said.contains("ermission denied");
    let off = refused.then(|| {
        let flag = commands::flag(IpFamily::V6);
        let defaults = commands::on_node(node, "sysctl net.ipv6.conf.default.disable_ipv6");
        (
            vec![defaults, commands::on_node(node, &format!("ip {flag} addr"))],
            format!(
                "The kernel takes no IPv6 address on new interfaces: set net.ipv6.conf.default.disable_ipv6=0 \
                 (and net.ipv6.conf.all.disable_ipv6=0) on {node}, and look in /etc/sysctl.d for what set it."
            ),
        )
    });
    let (looks, first) = off.unzip();
    Found {
        what: format!(
            "No new pods start on node {node}: the pod network's CNI plugin fails{}.",
            if refused { " to give them an address, which the kernel refuses" } else { "" }
        ),
        confidence: Confidence::Proved,
        evidence: vec![
            format!("the kubelet of {node}: {said}"),
            format!("{} of this run there did not come up", words::count(reasons.len(), "pod")),
        ],
        reproduce: [
            format!("kubectl get events -A --field-selector reason={REASON}"),
            commands::on_node(node, "ls /host/etc/cni/net.d /host/var/lib/rancher/k3s/agent/etc/cni/net.d"),
        ]
        .into_iter()
        .chain(looks.into_iter().flatten())
        .collect(),
        fix: first
            .into_iter()
            .chain([format!(
                "Fix what the CNI plugin reports on {node} (its configuration in /etc/cni/net.d, its pool of \
                 addresses, its agent's pod and log); pods that wait come up by themselves then."
            )])
            .collect(),
        probed: BTreeSet::new(),
        cases: not_up::cases(evidence, node),
    }
}

/// What the plugin itself says, without the kubelet's words before it.
fn said(reason: &str) -> &str {
    reason.find("plugin type=").and_then(|at| reason.get(at..)).unwrap_or(reason)
}
