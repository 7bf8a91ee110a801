//! `node_address_filtered`: what a node sends under its own address doesn't reach another, while their pods talk.

use std::collections::BTreeSet;

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands, words},
    net::IpFamily,
    probe::ProbeId,
};

#[derive(Debug)]
pub(super) struct NodeAddressFiltered;

impl CauseRule for NodeAddressFiltered {
    fn id(&self) -> &'static str {
        "node_address_filtered"
    }

    fn why(&self) -> &'static str {
        "Pods reach pods, so the network looks healthy. But packets that a node sends itself, or forwards from \
         its NodePorts with its own address, are lost: kubelets, the API server and clients outside \
         intermittently get no answer."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().flat_map(|family| in_family(evidence, family)).collect()
    }
}

/// A node, and the other one that doesn't get what the first sends under its own address.
type Pair<'n> = (&'n str, &'n str);

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let nodes = evidence.nodes();
    let pairs = nodes.iter().flat_map(|a| nodes.iter().map(move |b| (*a, *b)));
    let mut apart: Vec<Pair<'_>> =
        pairs.filter(|(a, b)| a != b && is_apart(evidence, family, a, b)).collect();
    let mut found = Vec::new();
    while let Some(&(sender, receiver)) = apart.first() {
        // What all others lack is the receiver's doing; what reaches nobody, the sender's.
        let to: Vec<Pair<'_>> = apart.iter().copied().filter(|(_, b)| *b == receiver).collect();
        let from: Vec<Pair<'_>> = apart.iter().copied().filter(|(a, _)| *a == sender).collect();
        let group = if to.len() >= from.len() { to } else { from };
        apart.retain(|pair| !group.contains(pair));
        found.extend(of_group(evidence, family, &group));
    }
    found
}

/// What a node sends to the pods of another under its own address: by itself, or from its NodePorts.
fn sends(probed: &Probed<'_>, family: IpFamily, a: &str, b: &str) -> bool {
    let itself = probed.by_host() && probed.from() == Some(a) && probed.is_cluster_ip();
    let passes_on = probed.is_node_port() && probed.at() == Some(a);
    probed.family == family
        && !probed.wants_silence()
        && probed.host_backend().is_none()
        && probed.backend() == Some(b)
        && (itself || passes_on)
}

fn is_apart(evidence: &Evidence<'_>, family: IpFamily, a: &str, b: &str) -> bool {
    let pods = |from, to| evidence.pod_path(from, to, family).is_some_and(Probed::good);
    if !pods(a, b) || !pods(b, a) {
        return false;
    }
    let sent: Vec<&Probed<'_>> =
        evidence.touching(a, family).filter(|probed| sends(probed, family, a, b)).collect();
    let silent = |probed: &&Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let lost: Vec<&Probed<'_>> = sent.iter().copied().filter(silent).collect();
    // What could not be told, for somebody was busy, is no sign of the contrary.
    lost.iter().any(|probed| probed.by_host() && probed.is_cluster_ip())
        && lost.iter().any(|probed| probed.is_node_port())
        && !sent.iter().any(|probed| probed.proves_a_way())
}

fn of_group(evidence: &Evidence<'_>, family: IpFamily, group: &[Pair<'_>]) -> Option<Found> {
    let senders: BTreeSet<&str> = group.iter().map(|(a, _)| *a).collect();
    let receivers: BTreeSet<&str> = group.iter().map(|(_, b)| *b).collect();
    let &(a, b) = group.first()?;
    let (names, others) = (words::list(&senders), words::list(&receivers));
    let (send, own) = if senders.len() == 1 {
        ("sends", "its own address")
    } else {
        ("send", "their own addresses")
    };
    let place = if receivers.len() > 1 { a } else { b };
    let mut seen: Vec<String> = evidence
        .touching(a, family)
        .filter(|probed| sends(probed, family, a, b))
        .map(|probed| match probed.from() {
            Some(from) if probed.by_host() => {
                format!("the host network of {from} at {}: {}", probed.probe.target, probed.seen())
            }
            _ => probed.told(),
        })
        .take(3)
        .collect();
    seen.extend(evidence.say_pod_path(a, b, family));
    let ip = evidence.world.facts.node(a).and_then(|node| node.internal_ips(family).next());
    let from = ip.map_or_else(|| format!("the {family} address of {a}"), |ip| ip.to_string());
    Some(Found {
        what: format!(
            "Packets that {names} {send} from {own} over {family} don't reach {others}, while pods on these \
             nodes reach each other: a filter on {place} or between them."
        ),
        evidence: seen,
        reproduce: vec![
            commands::rules(b),
            commands::on_node_as_root(b, &format!("tcpdump -c 20 -ni any host {from} and not port 6443 and not port \
            10250")),
        ],
        fix: std::iter::once(
            format!(
                "Look on {place} for rules that drop {family} from {from} (nftables, firewalld, a host firewall of \
                 the network policy engine), and then for security groups or port security between the nodes, \
                 which must admit nodes and not only pods."
            ),
        )
        .chain((family == IpFamily::V4).then(|| {
            format!(
                "Check that {b} sends back to {from} by the interface that it gets packets from there by: where \
                 net.ipv4.conf.*.rp_filter is 1, it drops them otherwise."
            )
        }))
        .collect(),
        probed: group.iter().flat_map(|(a, b)| explained(evidence, family, a, b)).collect(),
        ..Found::default()
    })
}

/// What is lost with what a node sends another under its own address: answers, too.
fn explained(evidence: &Evidence<'_>, family: IpFamily, a: &str, b: &str) -> BTreeSet<ProbeId> {
    evidence.bad(|probed| {
        let for_pods = probed.backend().is_none_or(|backend| backend == b);
        let itself =
            probed.by_host() && probed.from() == Some(a) && (for_pods || probed.at() == Some(b));
        let passes_on = probed.at() == Some(a) && for_pods;
        let answers = probed.from() == Some(b) && probed.at() == Some(a);
        let hosts = (probed.from() == Some(b) && probed.host_backend() == Some(a))
            || (probed.from() == Some(a) && probed.by_host() && probed.host_backend() == Some(b));
        probed.family == family && (itself || passes_on || answers || hosts)
    })
}
