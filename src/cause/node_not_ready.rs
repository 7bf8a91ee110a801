//! `node_not_ready`: a node takes no part since it is not Ready.

use super::{CauseRule, Confidence, Evidence, Found};
use crate::{
    check::Subject,
    facts::{Node, Readiness},
};

#[derive(Debug)]
pub(super) struct NodeNotReady;

impl CauseRule for NodeNotReady {
    fn id(&self) -> &'static str {
        "node_not_ready"
    }

    fn why(&self) -> &'static str {
        "No new pod starts on the node, and Services use none of its pods. Running pods may continue, but the \
         network there can't be judged."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let untested = evidence.world.fixture.untested();
        let nodes = untested.filter_map(|(name, _)| evidence.world.facts.node(name));
        nodes.filter(|node| !node.ready.ready).map(|node| found(evidence, node)).collect()
    }
}

fn found(evidence: &Evidence<'_>, node: &Node) -> Found {
    let Node { name, ready, .. } = node;
    let Readiness { reported, since, message, .. } = ready;
    let message = message.trim_end_matches('.');
    let what = if *reported {
        format!("Node {name} is not Ready: its kubelet says so.")
    } else {
        format!(
            "Node {name} is not Ready: its kubelet has stopped, or can't reach the API server. Its pods may run on."
        )
    };
    let status = if *reported { "False" } else { "Unknown" };
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    let said = if message.is_empty() { String::new() } else { format!(" ({message})") };
    let mut seen = vec![format!("the condition Ready of {name} is {status}{since}{said}")];
    let taints: Vec<String> = node
        .taints
        .iter()
        .filter(|taint| taint.key.starts_with("node.kubernetes.io/"))
        .map(|taint| format!("{}:{}", taint.key, taint.effect))
        .collect();
    if !taints.is_empty() {
        seen.push(format!("{name} has the taints {}", taints.join(", ")));
    }
    let here = Subject::Node { name: name.clone() };
    let cases = (0..evidence.judged.len()).filter(|&place| {
        let judged = &evidence.judged[place];
        judged.case.subject == here && judged.verdict.detail().starts_with("not tested")
    });
    let log = "systemctl status kubelet; journalctl -u kubelet --since -15min";
    let mut fix = vec![if *reported {
        format!(
            "Repair what its kubelet names (above): a pod network that has no configuration in /etc/cni/net.d \
             there, a container runtime that doesn't answer, or a full disk are the usual ones. Its log on {name} \
             says more: `{log}`."
        )
    } else {
        format!("On {name} itself, check that the kubelet runs and what it complains of: `{log}`.")
    }];
    if !*reported {
        fix.push(format!(
            "If it runs, check that {name} reaches the API server: its addresses and routes, a firewall, and \
             that the kubelet's certificate has not expired."
        ));
    }
    fix.push(format!(
        "If {name} is to stay away, cordon it (`kubectl cordon {name}`) or choose the nodes with --nodes."
    ));
    Found {
        what,
        confidence: Confidence::Proved,
        evidence: seen,
        reproduce: vec![
            format!("kubectl describe node {name}"),
            format!("kubectl get lease -n kube-node-lease {name} -o jsonpath={{.spec.renewTime}}"),
            format!("kubectl get pods -A -o wide --field-selector spec.nodeName={name}"),
        ],
        fix,
        cases: cases.collect(),
        ..Found::default()
    }
}
