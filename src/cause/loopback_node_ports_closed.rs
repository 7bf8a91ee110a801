//! `loopback_node_ports_closed`: a node's NodePorts answer at its own address, and not at 127.0.0.1.

use std::collections::BTreeSet;

use super::{CauseRule, Evidence, Found, Judged};
use crate::check::{Subject, words};

#[derive(Debug)]
pub(super) struct LoopbackNodePortsClosed;

impl CauseRule for LoopbackNodePortsClosed {
    fn id(&self) -> &'static str {
        "loopback_node_ports_closed"
    }

    fn why(&self) -> &'static str {
        "kube-proxy opens NodePorts at 127.0.0.1 by net.ipv4.conf.all.route_localnet, which it sets at startup \
         and never checks again. If something resets it later (a hardening profile, a sysctl file that is \
         applied again), they are closed, and image pulls from a registry at localhost:NODEPORT hang."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        found(evidence).into_iter().collect()
    }
}

fn found(evidence: &Evidence<'_>) -> Option<Found> {
    let cases = evidence.red("node_port::loopback", |_| true);
    let judged: Vec<&Judged> = cases.iter().filter_map(|&case| evidence.judged.get(case)).collect();
    let failure = judged.first()?.verdict.failure()?;
    let nodes: BTreeSet<&str> = judged.iter().filter_map(|judged| node(judged)).collect();
    let (who, own) = if nodes.len() == 1 { ("Node", "its own") } else { ("Nodes", "their own") };
    let verb = if nodes.len() == 1 { "reaches" } else { "reach" };
    let mut seen: Vec<String> = judged
        .iter()
        .take(3)
        .map(|judged| format!("{}: {}", judged.case.subject, judged.verdict.detail()))
        .collect();
    seen.push("at the nodes' own addresses the same NodePorts answer".to_owned());
    Some(Found {
        what: format!(
            "{who} {} {verb} NodePorts at {own} address but not at 127.0.0.1, where kube-proxy in mode \
             iptables opens them.",
            words::list(nodes)
        ),
        evidence: seen,
        reproduce: failure.reproduce.clone(),
        fix: failure.fix.clone(),
        // By probes, so that what another cause explains is not explained twice.
        probed: judged.iter().flat_map(|judged| judged.case.probes.iter().copied()).collect(),
        ..Found::default()
    })
}

/// The node that a case starts at.
fn node(judged: &Judged) -> Option<&str> {
    match &judged.case.subject {
        Subject::Path { from, .. } => from.strip_prefix("host network of "),
        _ => None,
    }
}
