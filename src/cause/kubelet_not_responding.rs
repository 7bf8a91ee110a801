//! `kubelet_not_responding`: a node gets no news from the API server.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, not_up};
use crate::{
    check::{Kind, commands, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct KubeletNotResponding;

impl CauseRule for KubeletNotResponding {
    fn id(&self) -> &'static str {
        "kubelet_not_responding"
    }

    fn why(&self) -> &'static str {
        "The node may stay Ready for a while, and pods are scheduled to it that never start. Running pods \
         continue; if kube-proxy gets no updates either, they use the Services and endpoints of that time."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let unheard = |reason: &str| reason.ends_with("has not picked up the pod");
        let each = not_up::by_node(evidence, unheard).into_iter();
        each.map(|(node, reasons)| found(evidence, node, reasons.len())).collect()
    }
}

/// Whether a NodePort is known. Where nobody may answer, a refusal is no sign of it.
fn is_answered(probed: &Probed<'_>) -> bool {
    probed.is_node_port() && probed.good() && !probed.wants_silence()
}

fn found(evidence: &Evidence<'_>, node: &str, pods: usize) -> Found {
    // A proxy that is not told of new Services opens no ports for them.
    let untold = |probed: &Probed<'_>| {
        probed.dead()
            && probed.is_node_port()
            && (probed.at() == Some(node) || probed.from() == Some(node))
            && matches!(probed.kind(), Some(Kind::Refused | Kind::TimedOut | Kind::Unreachable))
    };
    let ports: Vec<&Probed<'_>> = evidence
        .probed
        .iter()
        .filter(|probed| untold(probed) && probed.at() == Some(node))
        .collect();
    let answering =
        evidence.probed.iter().any(|probed| probed.at() == Some(node) && is_answered(probed));
    let mut seen = vec![format!(
        "{} of this run on {node}: the kubelet has not picked them up",
        words::count(pods, "pod")
    )];
    if let Some(known) = evidence.probed.iter().find(|it| it.at() == Some(node) && is_answered(it))
    {
        seen.push(format!("a NodePort of this run answers at {node} ({})", known.probe.target));
    }
    if let (Some(first), false) = (ports.first(), answering) {
        seen.push(format!(
            "no NodePort of this run answers at {node} either, so its kube-proxy gets no updates either ({}: {})",
            first.probe.target,
            first.seen()
        ));
    }
    let flags: Vec<&str> = IpFamily::ALL.into_iter().map(commands::flag).collect();
    Found {
        what: if answering {
            format!(
                "Node {node} starts no pods, though its kube-proxy gets updates from the API server: its \
                 kubelet has stopped, or its container runtime does not answer."
            )
        } else {
            format!(
                "Node {node} gets no updates from the API server: its kubelet has stopped, or the connection between \
                 them is broken."
            )
        },
        confidence: Confidence::Likely,
        evidence: seen,
        reproduce: [
            format!("kubectl get lease -n kube-node-lease {node} -o yaml"),
            format!("kubectl describe node {node}"),
        ]
        .into_iter()
        // A debug pod would not be started there.
        .chain(
            flags
                .iter()
                .map(|flag| format!("ip {flag} route; ip {flag} neigh  # on {node} itself")),
        )
        .collect(),
        fix: vec![
            format!(
                "On {node} itself, check that the kubelet runs and what it complains of: `systemctl status \
                 kubelet; journalctl -u kubelet --since -5min` (k3s, RKE2: the unit k3s, k3s-agent, rke2-server or \
                 rke2-agent)."
            ),
            format!(
                "Check there that the container runtime answers: `crictl info`; if it hangs, `systemctl restart \
                 containerd` (or crio; on k3s and RKE2 the unit above)."
            ),
            format!(
                "If it can't reach the API server, fix that first: check the address and the link \
                 of {node}, its routes and neighbours (another machine with its address, a stale entry), firewalls \
                 between the two."
            ),
        ],
        probed: evidence.bad(|probed| !answering && untold(probed)),
        cases: not_up::cases(evidence, node),
    }
}
