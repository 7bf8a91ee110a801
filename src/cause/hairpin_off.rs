//! `hairpin_off`: pods don't get back what they send to themselves.

use std::collections::BTreeSet;

use super::{
    CauseRule, Evidence, Found,
    evidence::Probed,
    proof::{self, Proof},
};
use crate::{
    check::{commands, words},
    fixture::ServiceRole,
    probe::Aim,
};

#[derive(Debug)]
pub(super) struct HairpinOff;

impl CauseRule for HairpinOff {
    fn id(&self) -> &'static str {
        "hairpin_off"
    }

    fn why(&self) -> &'static str {
        "An application that calls its own Service hangs whenever the proxy picks the pod that calls, \
         and works otherwise: one request in as many as there are replicas."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let own = |probed: &Probed<'_>| {
            let service = match &probed.probe.aim {
                Aim::ClusterIp { service } | Aim::NodePort { service, .. } => Some(service),
                _ => None,
            };
            matches!(service, Some(ServiceRole::Probe(_)))
        };
        let mut lost: Vec<&Probed<'_>> =
            evidence.probed.iter().filter(|probed| own(probed) && probed.dead()).collect();
        // Datagrams may be lost for reasons of their own.
        if lost.iter().any(|probed| !probed.udp()) {
            lost.retain(|probed| !probed.udp());
        }
        let mut nodes = evidence.nodes();
        let senders: BTreeSet<&str> = lost.iter().filter_map(|probed| probed.from()).collect();
        nodes.retain(|node| senders.contains(node));
        let Some(&node) = nodes.first() else { return Vec::new() };
        let mut families: Vec<String> =
            lost.iter().map(|probed| probed.family.to_string()).collect();
        families.sort();
        families.dedup();
        let found = Found {
            what: format!(
                "Pods on {} don't reach themselves through their own Service over {}: packets that come \
                 back to their sender are lost.",
                words::list(&nodes),
                words::list(families)
            ),
            evidence: lost
                .iter()
                .take(3)
                .map(|probed| probed.told())
                .collect(),
            reproduce: vec![commands::on_node_as_root(
                node,
                "sh -c 'grep -H . /sys/class/net/*/brport/hairpin_mode'",
            )],
            fix: vec![
                "Turn hairpin mode on: the CNI's bridge plugin takes \"hairpinMode\": true; re-create the \
                 pods, which keep the setting they were created with."
                    .to_owned(),
                format!(
                    "Where the command shows no bridge ports, or 1: check that the service proxy on {node} \
                     masquerades what comes back to its sender (KUBE-MARK-MASQ in the chains KUBE-SEP-…), and that \
                     nothing drops packets from a pod's address to itself."
                ),
            ],
            probed: evidence.bad(own),
            ..Found::default()
        };
        let facts = evidence.world.facts;
        vec![found.shown(Proof::of_all(nodes.iter().map(|node| proof::hairpin_off(facts, node))))]
    }
}
