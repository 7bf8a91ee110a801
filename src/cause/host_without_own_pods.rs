//! `host_without_own_pods`: a node itself and the pods on it don't talk, while the pods talk to others.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
    probe::Target,
};

#[derive(Debug)]
pub(super) struct HostWithoutOwnPods;

impl CauseRule for HostWithoutOwnPods {
    fn id(&self) -> &'static str {
        "host_without_own_pods"
    }

    fn why(&self) -> &'static str {
        "The kubelet probes the health of pods from the node itself, and agents on the node serve the pods \
         there. A firewall on the node that doesn't know about pods blocks both; if the kubelet's probes use \
         this family, healthy pods are restarted."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let silent = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let by_host = || {
        evidence.touching(node, family).filter(|probed| {
            probed.by_host() && probed.from() == Some(node) && probed.is_cluster_ip()
        })
    };
    let own = || by_host().filter(|probed| probed.backend() == Some(node));
    let first = own().next()?;
    let elsewhere = by_host()
        .find(|probed| probed.backend().is_some_and(|backend| backend != node) && probed.good())?;
    let pods = evidence.pod_path(node, node, family).filter(|probed| probed.good())?;
    if !own().all(silent) {
        return None;
    }
    let say = |probed: &Probed<'_>, whence: &str| {
        format!("{whence} at {}: {}", probed.probe.target, probed.seen())
    };
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    // What is for the node itself its pods ask it for, too; and it is the node of a pod that refuses.
    let for_node = |probed: &Probed<'_>| {
        let itself = match probed.probe.target {
            Target::Health { .. } => probed.at() == Some(node),
            Target::Closed { .. } => probed.at().is_none_or(|at| at == node),
            _ => false,
        };
        itself && silent(probed) && probed.from() == Some(node)
    };
    Some(Found {
        what: format!(
            "Node {node} itself and the pods on it can't connect to each other over {family}, while these pods reach \
             all others: a filter on {node}."
        ),
        evidence: vec![
            say(first, &format!("the host network of {node}, for its own backend,")),
            say(elsewhere, &format!("the host network of {node}, for a backend elsewhere,")),
            format!("pod on {node} to pod on {node} over {family}: {}", pods.seen()),
        ],
        reproduce: vec![
            commands::on_node_as_root(node, &format!("{tool} -S INPUT")),
            commands::on_node_as_root(node, &format!("{tool} -S OUTPUT")),
            commands::rules(node),
        ],
        fix: vec![format!(
            "Let {family} between the node and its pods' range through, in the INPUT and the OUTPUT chain of \
             the firewall of {node} (firewalld, ufw, nftables), whose IPv4 and IPv6 rules are often kept \
             apart; or trust the pods' interfaces there."
        )],
        probed: evidence.bad(|probed| {
            let own = probed.by_host()
                && probed.from() == Some(node)
                && probed.backend().is_none_or(|backend| backend == node);
            probed.family == family && (own || for_node(probed))
        }),
        ..Found::default()
    })
}
