//! `kubelet_unreached`: the API server gets no answer from a node's kubelet.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::Status,
    net::IpFamily,
    probe::{Aim, ProbeId, Target},
};

#[derive(Debug)]
pub(super) struct KubeletUnreached;

impl CauseRule for KubeletUnreached {
    fn id(&self) -> &'static str {
        "kubelet_unreached"
    }

    fn why(&self) -> &'static str {
        "`kubectl exec`, `logs` and `port-forward` to pods there fail, and so do metrics. The node stays Ready, \
         because its kubelet opens its own connections to the API server, so nothing else shows it."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let mut lost = evidence.nodes();
        let heard = |node: &&str| tried(evidence, node).any(|(_, reason)| reason.is_none());
        // Where nobody is heard, it is the API server, or this machine.
        if !lost.iter().any(&heard) {
            return Vec::new();
        }
        lost.retain(|node| !heard(node));
        lost.into_iter().filter_map(|node| at_node(evidence, node)).collect()
    }
}

/// What was to be tried from pods on a node, and why it was not, where it wasn't.
fn tried<'e>(
    evidence: &'e Evidence<'_>,
    node: &'e str,
) -> impl Iterator<Item = (ProbeId, Option<&'e str>)> {
    evidence.probes.iter().filter_map(move |(id, probe, observation)| {
        (probe.vantage.node() == Some(node)).then_some(())?;
        let observation = observation?;
        let lost = observation.lost.as_deref().filter(|_| observation.attempts.is_empty());
        Some((id, lost))
    })
}

fn at_node(evidence: &Evidence<'_>, node: &str) -> Option<Found> {
    let lost: BTreeSet<ProbeId> = tried(evidence, node).map(|(id, _)| id).collect();
    let (_, reason) = tried(evidence, node).next()?;
    let cases: BTreeSet<usize> = (0..evidence.judged.len())
        .filter(|&place| {
            let judged = &evidence.judged[place];
            let waits = || judged.case.probes.iter().any(|id| lost.contains(id));
            judged.verdict.status() == Status::Inconclusive && waits()
        })
        .collect();
    let port = evidence.probed.iter().filter(|probed| {
        probed.at() == Some(node)
            && probed.from().is_none()
            && matches!(probed.probe.aim, Aim::Node { .. })
            && matches!(probed.probe.target, Target::Tcp { .. })
    });
    let ports: Vec<&Probed<'_>> = port.collect();
    let mut seen = vec![format!("every exec into pods on {node}: {}", reason?)];
    seen.push(format!(
        "execs into pods on other nodes work, and pods of this run were started on {node}"
    ));
    seen.extend(ports.first().map(|probed| {
        format!("the kubelet's port from outside ({}): {}", probed.probe.target, probed.seen())
    }));
    let answers = ports.iter().any(|probed| probed.good());
    let silent = !ports.is_empty() && ports.iter().all(|probed| probed.bad());
    let facts = evidence.world.facts;
    let ip = facts.node(node).and_then(|known| {
        IpFamily::ALL.into_iter().find_map(|family| known.internal_ips(family).next())
    });
    let filter = format!(
        "Check that nothing on {node} or before it (firewall, security group) drops TCP port 10250 from the control \
         plane's nodes; where the API server goes through a tunnel, that the konnectivity-agent on {node} runs."
    );
    let hangs = format!(
        "Check on {node} itself that the kubelet and the container runtime answer and are not stopped or out of \
         memory: `systemctl status kubelet containerd; journalctl -u kubelet --since -5min` (k3s, RKE2: the unit \
         k3s, k3s-agent, rke2-server or rke2-agent). If one hangs, restart it: running pods are not affected."
    );
    Some(Found {
        what: if answers {
            format!(
                "The API server gets no answer from the kubelet of node {node}, whose port accepts \
                 connections: it hangs, or the container runtime does."
            )
        } else if silent {
            format!(
                "The kubelet's port (10250) on node {node} is unreachable: it is filtered, or nothing listens there."
            )
        } else {
            format!("The API server gets no answer from the kubelet of node {node}.")
        },
        confidence: Confidence::Likely,
        evidence: seen,
        reproduce: std::iter::once(format!("kubectl get --raw /api/v1/nodes/{node}/proxy/healthz"))
            .chain(ip.map(|ip| format!("nc -vz -w 3 {ip} 10250  # on a node of the control plane")))
            .collect(),
        fix: if answers { vec![hangs, filter] } else { vec![filter, hangs] },
        cases,
        ..Found::default()
    })
}
