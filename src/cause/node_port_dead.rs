//! `node_port_dead`: NodePorts of a family are dead at a node, or at all.

use std::collections::BTreeSet;

use super::{
    CauseRule, Evidence, Found,
    evidence::{Origin, Probed},
};
use crate::{
    check::{Kind, commands, remedy, words},
    net::IpFamily,
    probe::{Aim, ProbeId},
};

#[derive(Debug)]
pub(super) struct NodePortDead;

impl CauseRule for NodePortDead {
    fn id(&self) -> &'static str {
        "node_port_dead"
    }

    fn why(&self) -> &'static str {
        "Load balancers and clients that enter at the node lose every connection in this family, \
         while everything inside the cluster works."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().flat_map(|family| in_family(evidence, family)).collect()
    }
}

/// The probes of NodePorts at a node from elsewhere, that could have worked: not those that need a
/// path from the node to a backend which the pod network loses.
fn tried<'e, 'a>(
    evidence: &'e Evidence<'a>,
    family: IpFamily,
    node: &'e str,
) -> impl Iterator<Item = &'e Probed<'a>> {
    let outside_works = evidence.way_in(family);
    evidence.touching(node, family).filter(move |probed| {
        let backend = probed.backend();
        probed.is_node_port()
            && probed.at() == Some(node)
            && probed.from() != Some(node)
            && (outside_works || !matches!(probed.origin, Origin::Outside))
            && backend.is_none_or(|backend| {
                evidence.pod_path(node, backend, family).is_none_or(|path| !path.dead())
            })
    })
}

/// The nodes at which NodePorts are dead from everywhere.
pub(super) fn nodes<'a>(evidence: &Evidence<'a>, family: IpFamily) -> Vec<&'a str> {
    let mut nodes = evidence.nodes();
    nodes.retain(|node| dead(tried(evidence, family, node)));
    nodes
}

fn dead<'e>(tried: impl Iterator<Item = &'e Probed<'e>>) -> bool {
    let mut tried = tried.filter(|probed| !probed.unknown()).peekable();
    tried.peek().is_some() && tried.all(Probed::dead)
}

/// What goes wrong where NodePorts are unreachable at some nodes.
pub(super) fn explained(
    evidence: &Evidence<'_>,
    family: IpFamily,
    nodes: &[&str],
) -> BTreeSet<ProbeId> {
    // Where a node drops by port number, it drops what its own pods send to other nodes too.
    let sends_none = |node: &str| {
        dead(
            evidence
                .touching(node, family)
                .filter(|probed| probed.is_node_port() && !probed.by_host())
                .filter(|probed| probed.from() == Some(node)),
        )
    };
    let mute: Vec<&str> = nodes.iter().copied().filter(|node| sends_none(node)).collect();
    evidence.bad(|probed| {
        probed.family == family
            && probed.is_node_port()
            && (probed.at().is_some_and(|at| nodes.contains(&at))
                || probed.from().is_some_and(|from| mute.contains(&from)))
    })
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let all = nodes(evidence, family);
    let everywhere = !all.is_empty() && all.len() == evidence.nodes().len();
    let groups: Vec<Vec<&str>> =
        if everywhere { vec![all.clone()] } else { all.iter().map(|node| vec![*node]).collect() };
    let mut found: Vec<Found> =
        groups.into_iter().filter_map(|nodes| at_nodes(evidence, family, &nodes)).collect();
    let before: Vec<&str> = evidence
        .nodes()
        .into_iter()
        .filter(|node| !all.contains(node) && only_outside(evidence, family, node))
        .collect();
    found.extend(before_nodes(evidence, family, &before));
    found
}

/// Whether NodePorts at a node are dead from outside and work from pods.
fn only_outside(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> bool {
    let outside = |probed: &&Probed<'_>| matches!(probed.origin, Origin::Outside);
    dead(tried(evidence, family, node).filter(outside))
        && tried(evidence, family, node).any(|probed| !outside(&probed) && probed.good())
}

fn at_nodes(evidence: &Evidence<'_>, family: IpFamily, nodes: &[&str]) -> Option<Found> {
    let node = *nodes.first()?;
    let example = tried(evidence, family, node).find(|probed| probed.dead())?;
    let port = example.probe.target.address()?.port();
    let refused = tried(evidence, family, node).all(|probed| probed.kind() == Some(Kind::Refused));
    let dropped = example.kind() == Some(Kind::TimedOut);
    let own = evidence.touching(node, family).find(|probed| {
        probed.is_node_port()
            && !probed.by_host()
            && probed.at() == Some(node)
            && probed.from() == Some(node)
    });
    // What the node's own pods get through is open, and something stands before it.
    let opened = own.is_some_and(Probed::good);
    let what = match nodes {
        [node] if refused && opened => format!(
            "Node {node} opens NodePorts over {family} to its own pods, and a filter refuses them to \
             others."
        ),
        [node] if refused => format!("Node {node} refuses NodePorts over {family}: it opens none."),
        [node] if dropped => format!("Node {node} drops {family} packets to NodePorts."),
        [node] => format!("NodePorts are unreachable at node {node} over {family}."),
        _ if refused => format!("No node opens NodePorts over {family}: all refuse them."),
        _ if dropped => format!("Every node drops {family} packets to NodePorts."),
        _ => format!("NodePorts are unreachable at every node over {family}."),
    };
    let mut seen = vec![format!("{}: {}", example.probe.target, example.seen())];
    if let Some(own) = own {
        seen.push(format!("from a pod on {node} itself: {}", own.seen()));
    }
    if evidence
        .touching(node, family)
        .any(|probed| probed.is_cluster_ip() && probed.from() == Some(node) && probed.good())
    {
        seen.push(format!("ClusterIPs work over {family} from {node}"));
    }
    Some(Found {
        what,
        evidence: seen,
        reproduce: if opened {
            vec![commands::rules(node)]
        } else {
            remedy::inspect_own(evidence.world, family, node, &port.to_string())
        },
        fix: if opened {
            vec![remedy::node_port_filter(family, node)]
        } else {
            remedy::node_port(evidence.world, family, node)
        },
        probed: explained(evidence, family, nodes),
        ..Found::default()
    })
}

fn before_nodes(evidence: &Evidence<'_>, family: IpFamily, nodes: &[&str]) -> Option<Found> {
    let node = *nodes.first()?;
    let example = evidence.of(family).find(|probed| {
        probed.is_node_port()
            && probed.at() == Some(node)
            && matches!(probed.origin, Origin::Outside)
            && probed.bad()
    })?;
    let names = words::list(nodes);
    let outside = |probed: &Probed<'_>| matches!(probed.origin, Origin::Outside);
    let theirs = |place: Option<&str>| place.is_some_and(|place| nodes.contains(&place));
    // Where no port of theirs answers, it is not NodePorts that are dropped, and their pods hear nothing either.
    let control = evidence.of(family).find(|probed| {
        outside(probed) && !probed.is_node_port() && theirs(probed.at()) && probed.dead()
    });
    let apart = control.is_some();
    let leaves = |probed: &Probed<'_>| {
        apart && matches!(probed.probe.aim, Aim::Outside) && theirs(probed.from())
    };
    let mut seen = vec![format!("{} from outside: {}", example.probe.target, example.seen())];
    seen.extend(control.map(Probed::told));
    seen.push(format!("pods on other nodes reach the NodePorts at {node}"));
    Some(Found {
        what: if apart {
            format!(
                "This machine gets no answer over {family} from any port of {names}, but pods do: something \
                 between them drops the packets, or a route there is missing."
            )
        } else {
            format!(
                "NodePorts at {names} are unreachable over {family} from this machine, but work from pods: \
                 something in front of the nodes drops or rejects them."
            )
        },
        evidence: seen,
        reproduce: vec![commands::rules(node)],
        fix: vec![
            if apart {
                format!(
                    "Check that packets over {family} get from this machine to {names} and back: the platform's \
                     firewall (security group, network ACL), whose rules for IPv4 and IPv6 are often kept apart, \
                     and the routes on both sides."
                )
            } else {
                format!(
                    "Let the platform's firewall (security group, network ACL) admit over {family} to the NodePorts of \
                     {names} the same clients as over {other}: its rules for IPv4 and IPv6 are often kept apart.",
                    other = family.other()
                )
            },
            format!("Look for rules on {node} that admit the pods' and nodes' addresses only."),
        ],
        probed: evidence.bad(|probed| {
            let here = outside(probed) && theirs(probed.at()) && (apart || probed.is_node_port());
            probed.family == family && (here || leaves(probed))
        }),
        ..Found::default()
    })
}
