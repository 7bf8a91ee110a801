//! `kube_proxy_not_running`: kube-proxy crashes on a node, or has no pod there.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found, cluster_ip_dead, node_port_dead};
use crate::{check::words, facts::ProxyPod, probe::ProbeId};

#[derive(Debug)]
pub(super) struct KubeProxyNotRunning;

impl CauseRule for KubeProxyNotRunning {
    fn id(&self) -> &'static str {
        "kube_proxy_not_running"
    }

    fn why(&self) -> &'static str {
        "The rules that kube-proxy left behind stay in place, so old Services keep working and hide the \
         problem; new Services, and old ones whose pods move, don't work on the node in either family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

/// The nodes on which Services are dead, with what dies of it.
fn dead<'a>(evidence: &Evidence<'a>) -> Vec<(&'a str, BTreeSet<ProbeId>)> {
    // Looking at all nodes once for each of them would cost their square.
    let by_family: Vec<_> = evidence
        .families()
        .map(|family| {
            let cluster_ips = cluster_ip_dead::nodes(evidence, family);
            (family, cluster_ips, node_port_dead::nodes(evidence, family))
        })
        .collect();
    let mut found = Vec::new();
    for node in evidence.nodes() {
        let mut probed = BTreeSet::new();
        for (family, cluster_ips, node_ports) in &by_family {
            if cluster_ips.contains(&node) {
                probed.extend(cluster_ip_dead::explained(evidence, *family, &[node]));
            }
            if node_ports.contains(&node) {
                probed.extend(node_port_dead::explained(evidence, *family, &[node]));
            }
        }
        if !probed.is_empty() {
            found.push((node, probed));
        }
    }
    found
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let pods = evidence.world.facts.proxy_pods.known()?;
    let on = |node: &str| pods.iter().find(|pod| pod.node.as_deref() == Some(node));
    let ill: Vec<(&str, BTreeSet<ProbeId>)> = dead(evidence)
        .into_iter()
        .filter(|(node, _)| on(node).is_none_or(ProxyPod::is_crashing))
        .collect();
    let crashing: Vec<&ProxyPod> = ill.iter().filter_map(|(node, _)| on(node)).collect();
    let (first, _) = *ill.first().map(|(node, probed)| (node, probed)).as_ref()?;
    let nodes = words::list(ill.iter().map(|(node, _)| node));
    let everywhere = ill.len() == evidence.nodes().len();
    let place = if everywhere { "every node".to_owned() } else { format!("node {nodes}") };
    let mut seen: Vec<String> = crashing
        .iter()
        .take(3)
        .map(|pod| {
            format!(
                "Pod kube-system/{}: {}, started again {}{}",
                pod.name,
                pod.waiting.as_deref().unwrap_or("not running"),
                words::times(pod.restarts as usize),
                pod.ended.as_ref().map(|ended| format!("; ended with {ended}")).unwrap_or_default()
            )
        })
        .collect();
    let missing: Vec<&str> =
        ill.iter().map(|(node, _)| *node).filter(|node| on(node).is_none()).collect();
    if !missing.is_empty() {
        let others = words::count(pods.len(), "pod");
        seen.push(format!("no kube-proxy pod on {}, of {others} in all", words::list(&missing)));
    }
    let probed = ill.iter().flat_map(|(_, probed)| probed.iter().copied()).collect();
    let pod = "kubectl -n kube-system";
    Some(Found {
        what: if crashing.is_empty() {
            format!("kube-proxy has no pod on {place}: new Services don't work there.")
        } else {
            format!("kube-proxy crashes on {place}: new Services don't work there.")
        },
        confidence: Confidence::Proved,
        evidence: seen,
        reproduce: match crashing.first() {
            Some(crashing) => {
                vec![format!("{pod} logs {} --previous --tail=20", crashing.name)]
            }
            None => vec![
                format!("{pod} get daemonset kube-proxy -o wide"),
                format!("{pod} describe daemonset kube-proxy"),
                format!("kubectl describe node {first}"),
            ],
        },
        fix: if crashing.is_empty() {
            vec![
                "Let the DaemonSet kube-proxy run on every node: its nodeSelector, affinity and \
                 tolerations; see its events for what keeps a pod from starting."
                    .to_owned(),
            ]
        } else {
            vec![
                "The last line of its log names what it can't take: a flag or a field of the ConfigMap \
                 kube-system/kube-proxy, usually since the last change or upgrade. Undo that, and delete \
                 the pods."
                    .to_owned(),
                format!("{pod} rollout undo daemonset kube-proxy")
                    .replace("kubectl", "If it was a roll-out: `kubectl")
                    + "`.",
            ]
        },
        probed,
        ..Found::default()
    })
}
