//! `forward_filtered`: a node drops what it forwards for its pods, and passes what it masquerades.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, isolation};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct ForwardFiltered;

impl CauseRule for ForwardFiltered {
    fn id(&self) -> &'static str {
        "forward_filtered"
    }

    fn why(&self) -> &'static str {
        "Docker, ufw and many firewall scripts set the policy of the FORWARD chain to DROP, and never reset \
         it. kube-proxy accepts what it masquerades and replies to known connections, so NodePorts look healthy \
         while the node's pods can neither open nor receive connections."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

/// How it shows that a node loses what it forwards to and from its own pods, and nothing else.
pub(super) struct Lost {
    pub(super) seen: Vec<String>,
    /// Whether what enters by its NodePorts reaches its own backend.
    pub(super) lets_in: bool,
}

/// Whether a node does.
pub(super) fn lost(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Lost> {
    let silent = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let mut between = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && !probed.large)
        .filter(|probed| (probed.from() == Some(node)) != (probed.backend() == Some(node)))
        .peekable();
    // Where the node's own pods meet, routes to it may be missing elsewhere.
    let own = evidence.pod_path(node, node, family)?;
    if evidence.nodes().len() == 1 {
        return lost_alone(evidence, node, family, own).filter(|_| silent(own));
    }
    let first = *between.peek()?;
    if !between.all(silent) || !silent(own) {
        return None;
    }
    let entries = |to_own: bool| {
        evidence.touching(node, family).find(move |probed| {
            probed.is_node_port()
                && probed.at() == Some(node)
                && probed.from() != Some(node)
                && probed.backend().is_some_and(|backend| (backend == node) == to_own)
                && probed.good()
        })
    };
    let (into, onward) = (entries(true), entries(false)?);
    // A node without Services of its own lets nobody enter for its backend, so it may as well lack
    // the routes to its pods.
    if into.is_none() && evidence.world.fixture.mesh.serves(node) {
        return None;
    }
    let entered: Vec<String> = into
        .into_iter()
        .chain([onward])
        .map(|probed| format!("{} at {}", probed.whence(), probed.probe.target))
        .collect();
    let has_routes = if into.is_some() { "has routes and forwards" } else { "forwards" };
    Some(Lost {
        seen: vec![
            format!(
                "no pod on {node} opens a connection over {family}, and none is opened to them"
            ),
            first.told(),
            format!("pod on {node} to pod on {node}: {}", own.seen()),
            format!("{}: work, so {node} {has_routes}", entered.join(", ")),
        ],
        lets_in: into.is_some(),
    })
}

/// The same of the only node: its pods don't meet, and do where what one sends is masqueraded.
fn lost_alone(
    evidence: &Evidence<'_>,
    node: &str,
    family: IpFamily,
    own: &Probed<'_>,
) -> Option<Lost> {
    let mut ports = evidence.touching(node, family).filter(|probed| {
        probed.is_node_port() && probed.backend() == Some(node) && !probed.by_host()
    });
    let entered = ports.find(|probed| probed.good())?;
    Some(Lost {
        seen: vec![
            format!("pod on {node} to pod on {node}: {}", own.seen()),
            format!(
                "{} at {}: works, so {node} has routes and forwards",
                entered.whence(),
                entered.probe.target
            ),
        ],
        lets_in: true,
    })
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let Lost { seen, lets_in } = lost(evidence, node, family)?;
    let tables = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    Some(Found {
        what: format!(
            "Node {node} drops the {family} packets that it forwards to and from its pods, except what kube-proxy \
             masquerades: by the policy of its FORWARD chain, or a rule in it."
        ),
        evidence: seen,
        reproduce: vec![
            commands::on_node_as_root(node, &format!("{tables} -S FORWARD")),
            commands::rules(node),
        ],
        fix: vec![
            format!(
                "If the first line is `-P FORWARD DROP`, Docker is the usual reason: `{tables} -P \
                 FORWARD ACCEPT` on {node} fixes it until Docker starts again. Set \"ip-forward-no-drop\": true in \
                 /etc/docker/daemon.json (Docker 28 or later). Uninstall Docker only where it is not the kubelet's \
                 runtime (`kubectl get node {node} -o jsonpath={{.status.nodeInfo.containerRuntimeVersion}}`), and \
                 keep containerd.io, which may be."
            ),
            format!(
                "If the policy is ACCEPT, a rule in a forward chain drops {family} (ufw, firewalld, \
                 libvirt): let the pod ranges through, for each family by its own rule."
            ),
        ],
        confidence: if lets_in { Confidence::Likely } else { Confidence::Possible },
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    })
}
