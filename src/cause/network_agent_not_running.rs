//! `network_agent_not_running`: the pod network's agent crashes on a node, or has no pod there.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, isolation, not_up};
use crate::{
    check::words,
    facts::ProxyPod,
    probe::ProbeId,
    snapshot::{Component, NetworkPod, NodeDiagnostics},
};

/// How the kubelet's complaint begins where the plugin gives a pod no network.
const NO_SANDBOX: &str = "FailedCreatePodSandBox";

#[derive(Debug)]
pub(super) struct NetworkAgentNotRunning;

impl CauseRule for NetworkAgentNotRunning {
    fn id(&self) -> &'static str {
        "network_agent_not_running"
    }

    fn why(&self) -> &'static str {
        "The agent sets up the routes, tunnels and rules of its node. What it set up before stays, so running pods \
         keep working and hide the fault; new pods get no network, or one without routes, and after a restart of the \
         node no pod there has one."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

/// A node without its agent, with what fails there for that.
struct Affected<'a> {
    node: &'a str,
    /// The pod that doesn't run; none where there is no pod.
    pod: Option<&'a NetworkPod>,
    /// What the kubelet says of pods that it could not make.
    unmade: Vec<&'a str>,
    probed: BTreeSet<ProbeId>,
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let (namespace, set) = evidence.world.facts.network_agent()?;
    let agent = Agent { namespace, set };
    let unmade = not_up::by_node(evidence, |reason| reason.starts_with(NO_SANDBOX));
    let ill: Vec<Affected<'_>> = evidence
        .nodes()
        .into_iter()
        .filter_map(|node| {
            let pod = agent.missing(evidence, node)?;
            let unmade = unmade.get(node).cloned().unwrap_or_default();
            let probed = depends(evidence, node, !unmade.is_empty());
            let suffers = !unmade.is_empty() || !probed.is_empty();
            suffers.then_some(Affected { node, pod, unmade, probed })
        })
        .collect();
    let first = ill.first()?;
    let nodes = words::list(ill.iter().map(|ill| ill.node));
    let everywhere = ill.len() == evidence.nodes().len();
    let place = if everywhere { "any node".to_owned() } else { format!("node {nodes}") };
    let crashed = ill.iter().find_map(|ill| ill.pod);
    let pods = format!("kubectl -n {namespace}");
    Some(Found {
        what: format!(
            "The pod network's agent {set} does not run on {place}: new pods there get no network, and routes to \
             and from them are not maintained."
        ),
        confidence: Confidence::Proved,
        evidence: seen(evidence, agent, &ill),
        reproduce: [
            format!("{pods} get pods -o wide --field-selector spec.nodeName={}", first.node),
            format!("{pods} describe daemonset {set}"),
        ]
        .into_iter()
        .chain(crashed.map(|pod| format!("{pods} logs {} --previous --tail=20", pod.name)))
        .collect(),
        fix: fix(agent, &nodes, crashed, Some(first.node).filter(|_| !everywhere)),
        probed: ill.iter().flat_map(|ill| ill.probed.iter().copied()).collect(),
        cases: ill.iter().flat_map(|ill| not_up::cases(evidence, ill.node)).collect(),
    })
}

/// The DaemonSet of the pod network's agents.
#[derive(Clone, Copy)]
struct Agent<'a> {
    namespace: &'a str,
    set: &'a str,
}

impl Agent<'_> {
    /// Whether the API server shows that the agent of a node doesn't run, and the pod that doesn't. That of a
    /// node which has other reasons for it is their consequence.
    fn missing<'a>(self, evidence: &Evidence<'a>, node: &str) -> Option<Option<&'a NetworkPod>> {
        let told = evidence.world.facts.diagnostics.iter();
        let told = told.clone().find(|told| told.node == node && self.is_told(told))?;
        let Some(pod) = self.pod(told) else {
            // Elsewhere it is seen how its pods are called and labelled.
            let mut all = evidence.world.facts.diagnostics.iter();
            return all.any(|told| self.pod(told).is_some()).then_some(None);
        };
        (pod.is_down() && !lacks_api_server(evidence, node)).then_some(Some(pod))
    }

    /// The agent's pod on a node.
    fn pod(self, told: &NodeDiagnostics) -> Option<&NetworkPod> {
        told.pods.iter().find(|pod| {
            pod.component == Component::PodNetwork
                && pod.namespace == self.namespace
                && pod.name.strip_prefix(self.set).is_some_and(|end| end.starts_with('-'))
        })
    }

    /// Whether the agent's pods on a node could be listed.
    fn is_told(self, told: &NodeDiagnostics) -> bool {
        let pods = format!("list pods in namespace {}", self.namespace);
        !told.unread.iter().any(|it| it.contains(&pods) || it.starts_with("no answer"))
    }
}

/// Whether a node's own processes don't reach the API server by its Service: then the agent can't run.
fn lacks_api_server(evidence: &Evidence<'_>, node: &str) -> bool {
    let proxies = evidence.world.facts.proxy_pods.known().into_iter().flatten();
    let mut own = proxies.filter(|pod| pod.node.as_deref() == Some(node));
    let here = |probed: &&Probed<'_>| probed.by_host() && probed.from() == Some(node);
    own.any(ProxyPod::is_crashing)
        || evidence.probed.iter().filter(here).any(|probed| probed.is_api_server() && probed.dead())
}

/// What fails at a node for want of its agent: in each family what needs its pods or its ways to others, where
/// some way of the pod network there is dead. What else is dead at the node, it has no part in.
fn depends(evidence: &Evidence<'_>, node: &str, unmade: bool) -> BTreeSet<ProbeId> {
    let mut all = BTreeSet::new();
    for family in evidence.families() {
        let elsewhere = |probed: &Probed<'_>| probed.backend().is_some_and(|to| to != node);
        let is_way = |probed: &Probed<'_>| {
            (probed.is_pod_path() && !probed.large)
                // Without pods of its own there, what the node itself sends shows its ways.
                || (unmade && probed.by_host() && probed.is_cluster_ip() && elsewhere(probed))
                || (unmade && probed.is_node_port() && probed.at() == Some(node) && elsewhere(probed))
        };
        let mut ways = evidence.touching(node, family).filter(|probed| is_way(probed));
        if ways.any(Probed::dead) {
            all.extend(isolation::explained(evidence, node, family));
        }
    }
    all
}

fn seen(evidence: &Evidence<'_>, agent: Agent<'_>, ill: &[Affected<'_>]) -> Vec<String> {
    let Agent { namespace, set } = agent;
    let mut seen: Vec<String> = ill
        .iter()
        .filter_map(|ill| ill.pod.map(|pod| (ill.node, pod)))
        .take(3)
        .map(|(node, pod)| {
            format!(
                "Pod {namespace}/{} on {node}: {}, started again {}{}",
                pod.name,
                pod.waiting.as_deref().unwrap_or("not running"),
                words::times(pod.restarts as usize),
                pod.ended.as_ref().map(|ended| format!("; ended with {ended}")).unwrap_or_default()
            )
        })
        .collect();
    let without: Vec<&str> =
        ill.iter().filter(|ill| ill.pod.is_none()).map(|ill| ill.node).collect();
    if !without.is_empty() {
        let told = evidence.world.facts.diagnostics.iter();
        let with = told.filter(|told| agent.pod(told).is_some()).map(|told| told.node.as_str());
        seen.push(format!(
            "no pod of DaemonSet {namespace}/{set} is on {}, and one is on {}",
            words::list(&without),
            words::list(with)
        ));
    }
    let unmade = ill.iter().find_map(|ill| Some((ill.node, *ill.unmade.first()?)));
    seen.extend(unmade.map(|(node, said)| format!("the kubelet of {node}: {said}")));
    let nodes = evidence.nodes();
    let dead = ill.iter().flat_map(|ill| {
        let others = nodes.iter().flat_map(|other| evidence.families().map(move |of| (*other, of)));
        others.filter_map(|(other, family)| {
            evidence.pod_path(ill.node, other, family).filter(|it| it.dead())?;
            evidence.say_pod_path(ill.node, other, family)
        })
    });
    seen.extend(dead.take(2));
    seen
}

fn fix(
    agent: Agent<'_>,
    nodes: &str,
    crashed: Option<&NetworkPod>,
    spared: Option<&str>,
) -> Vec<String> {
    let Agent { namespace, set } = agent;
    let first = match crashed {
        Some(pod) => format!(
            "See why it does not run on {nodes}: the last lines of the log of {namespace}/{} name what it can't \
             take (a setting of the pod network, a missing permission, a kernel without what it needs), or \
             `kubectl describe` that its image can't be pulled. Undo the last change of that.",
            pod.name
        ),
        None => format!(
            "Let the DaemonSet {namespace}/{set} run on {nodes} again: compare its nodeSelector, affinity and \
             tolerations with the labels and taints there; its events say what keeps a pod from starting."
        ),
    };
    let until = spared
        .map(|node| format!(" Until then keep new pods away: `kubectl cordon {node}`."))
        .unwrap_or_default();
    vec![
        first,
        format!(
            "Once it runs, it repairs the node; recreate pods that still have no network then.{until}"
        ),
    ]
}
