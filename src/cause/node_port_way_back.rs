//! `node_port_way_back`: NodePorts of other nodes are dead for pods, while they answer this machine.

use super::{
    CauseRule, Evidence, Found,
    evidence::{Origin, Probed},
};
use crate::{
    check::{commands, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct NodePortWayBack;

impl CauseRule for NodePortWayBack {
    fn id(&self) -> &'static str {
        "node_port_way_back"
    }

    fn why(&self) -> &'static str {
        "The nodes open their NodePorts, but pods of other nodes don't reach them or get no reply: applications \
         that use a node's address, and load balancers that run in the cluster, \
         lose every connection, while clients outside are not affected."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().flat_map(|family| in_family(evidence, family)).collect()
    }
}

/// The small probes of NodePorts at a node.
fn tried<'e, 'a>(
    evidence: &'e Evidence<'a>,
    family: IpFamily,
    node: &'e str,
) -> impl Iterator<Item = &'e Probed<'a>> {
    evidence
        .touching(node, family)
        .filter(move |probed| probed.is_node_port() && !probed.large && probed.at() == Some(node))
}

/// Whether a pod sent it to another node, along a path that works between pods.
fn by_pod(evidence: &Evidence<'_>, family: IpFamily, probed: &Probed<'_>) -> bool {
    let (Some(from), Some(at)) = (probed.from(), probed.at()) else { return false };
    from != at && !probed.by_host() && evidence.pod_path(from, at, family).is_none_or(Probed::good)
}

/// The small probes of NodePorts at a node that pods of others sent, along paths that work.
fn entering<'e, 'a>(
    evidence: &'e Evidence<'a>,
    family: IpFamily,
    node: &'e str,
) -> impl Iterator<Item = &'e Probed<'a>> {
    tried(evidence, family, node).filter(move |probed| by_pod(evidence, family, probed))
}

/// The small probes of NodePorts at other nodes that pods of a node sent, along paths that work.
fn leaving<'e, 'a>(
    evidence: &'e Evidence<'a>,
    family: IpFamily,
    node: &'e str,
) -> impl Iterator<Item = &'e Probed<'a>> {
    evidence.touching(node, family).filter(move |probed| {
        probed.is_node_port()
            && !probed.large
            && probed.from() == Some(node)
            && by_pod(evidence, family, probed)
    })
}

fn all_dead<'e>(probes: impl Iterator<Item = &'e Probed<'e>>) -> bool {
    let mut probes = probes.peekable();
    probes.peek().is_some() && probes.all(Probed::dead)
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let from_outside = |node: &str| {
        tried(evidence, family, node)
            .any(|probed| matches!(probed.origin, Origin::Outside) && probed.good())
    };
    let mut entries = evidence.nodes();
    entries.retain(|node| all_dead(entering(evidence, family, node)) && from_outside(node));
    let mut senders = evidence.nodes();
    senders.retain(|node| {
        all_dead(leaving(evidence, family, node))
            && leaving(evidence, family, node).all(|probed| probed.at().is_some_and(from_outside))
    });
    let all = evidence.nodes().len();
    let mut found = Vec::new();
    // Where some nodes are dead for all, they are the common end; where pods of some nodes reach none,
    // those are.
    if !entries.is_empty() {
        found.extend(at(evidence, family, &entries, entries.len() == all));
    } else if !senders.is_empty() {
        found.extend(of(evidence, family, &senders));
    }
    found
}

fn seen(evidence: &Evidence<'_>, family: IpFamily, example: &Probed<'_>) -> Vec<String> {
    let at = example.at().unwrap_or_default();
    let from = example.from().unwrap_or_default();
    let mut seen =
        vec![example.told(), format!("this machine reaches the NodePorts of {at} over {family}")];
    seen.extend(evidence.say_pod_path(from, at, family));
    seen
}

fn commands(evidence: &Evidence<'_>, family: IpFamily, from: &str, at: &str) -> Vec<String> {
    let pod = evidence.world.fixture.probe_on(from).and_then(|pod| pod.address(family));
    let way_back = pod.map(|pod| commands::route(at, pod));
    way_back.into_iter().chain([commands::rules(at)]).collect()
}

fn fix(family: IpFamily, nodes: &str) -> Vec<String> {
    let mut fix = vec![
        format!(
            "Check that {nodes} answer the pods of other nodes by the route that their packets come by \
             (`ip {} route get POD from NODE`), and that {} doesn't drop them.",
            commands::flag(family),
            match family {
                IpFamily::V4 => "rp_filter",
                IpFamily::V6 =>
                    "a reverse path rule (`-m rpfilter`, `fib saddr`, firewalld's IPv6_rpfilter)",
            }
        ),
        format!(
            "Look for rules on the nodes, or security groups, that drop {family} between pods' \
             addresses and nodes' addresses (NodePorts 30000-32767)."
        ),
    ];
    fix.push(
        "Check whether the pod network masquerades what pods send to nodes' addresses, and to which \
         address: the answer goes there."
            .to_owned(),
    );
    fix
}

fn at(
    evidence: &Evidence<'_>,
    family: IpFamily,
    nodes: &[&str],
    everywhere: bool,
) -> Option<Found> {
    let node = *nodes.first()?;
    let example = entering(evidence, family, node).find(|probed| probed.dead())?;
    let names = if everywhere { "every node".to_owned() } else { words::list(nodes) };
    Some(Found {
        what: format!(
            "NodePorts at {names} are unreachable over {family} for pods of other nodes, but answer this machine: \
             packets between pods and node addresses, or the replies, are lost."
        ),
        evidence: seen(evidence, family, example),
        reproduce: commands(evidence, family, example.from()?, node),
        fix: fix(family, "the nodes"),
        probed: evidence.bad(|probed| {
            probed.family == family
                && probed.at().is_some_and(|at| nodes.contains(&at))
                && probed.from().is_some()
                && probed.from() != probed.at()
        }),
        ..Found::default()
    })
}

fn of(evidence: &Evidence<'_>, family: IpFamily, nodes: &[&str]) -> Option<Found> {
    let node = *nodes.first()?;
    let example = leaving(evidence, family, node).find(|probed| probed.dead())?;
    let names = words::list(nodes);
    Some(Found {
        what: format!(
            "Pods on {names} don't reach NodePorts of other nodes over {family}, which answer this machine: packets \
             from these pods to node addresses, or the replies, are lost."
        ),
        evidence: seen(evidence, family, example),
        reproduce: commands(evidence, family, node, example.at()?),
        fix: fix(family, "other nodes"),
        probed: evidence.bad(|probed| {
            probed.family == family
                && probed.at().is_some()
                && probed.from().is_some_and(|from| nodes.contains(&from))
                && probed.from() != probed.at()
        }),
        ..Found::default()
    })
}
