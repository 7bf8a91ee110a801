//! `tcp_filtered`: TCP to a port of pods is dropped between nodes where datagrams pass.

use std::collections::BTreeSet;

use super::{
    CauseRule, Evidence, Found,
    evidence::{Origin, Probed},
    proof,
};
use crate::{
    check::{Kind, commands, words},
    fixture::BACKEND_PORT,
    net::IpFamily,
    probe::{Outcome, Target},
};

#[derive(Debug)]
pub(super) struct TcpFiltered;

impl CauseRule for TcpFiltered {
    fn id(&self) -> &'static str {
        "tcp_filtered"
    }

    fn why(&self) -> &'static str {
        "Routes carry the family, so no route fixes it: something on the path allows some ports or protocols \
         and not others. Firewalls that list ports for one family only do that."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().flat_map(|family| in_family(evidence, family)).collect()
    }
}

/// Which connections a filter on a node drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    /// Those from other nodes to its pods.
    Entering,
    /// Those of its pods to other nodes.
    Leaving,
    /// Both.
    Both,
}

/// The pairs of nodes between which TCP is lost one way while datagrams are answered.
fn pairs<'a>(evidence: &Evidence<'a>, family: IpFamily) -> BTreeSet<(&'a str, &'a str)> {
    let nodes = evidence.nodes();
    let lost = evidence
        .of(family)
        .filter(|probed| probed.is_pod_path() && !probed.large && probed.dead())
        .filter(|probed| probed.kind() != Some(Kind::Refused))
        .filter_map(|probed| {
            let to = *nodes.iter().find(|node| probed.backend() == Some(node))?;
            Some((probed.from()?, to))
        });
    lost.filter(|(from, to)| {
        from != to
            && datagrams_pass(evidence, family, from, to)
            // On a detour, a node that sees half of a connection drops it as invalid and lets datagrams by.
            && !route_is_wrong(evidence, from, to, family)
    })
    .collect()
}

/// Whether the tables of one of two nodes show no route to the pods of the other, or a wrong one.
fn route_is_wrong(evidence: &Evidence<'_>, a: &str, b: &str, family: IpFamily) -> bool {
    let wrong = |from: &str, to: &str| {
        let ip = evidence.world.fixture.backend_on(to).and_then(|pod| pod.address(family));
        ip.is_some_and(|ip| proof::route_missing(evidence.world.facts, from, to, ip).is_proof())
    };
    wrong(a, b) || wrong(b, a)
}

/// Whether datagrams from one node to the pods of another are answered, all but a few: TCP suffers
/// from a lossy path, too.
pub(super) fn datagrams_pass(
    evidence: &Evidence<'_>,
    family: IpFamily,
    from: &str,
    to: &str,
) -> bool {
    let mut ways = evidence.touching(from, family);
    ways.any(|probed| {
        probed.from() == Some(from) && probed.backend() == Some(to) && answers_datagrams(probed)
    })
}

/// Whether datagrams to the pods of a node are answered so, wherever they come from.
pub(super) fn datagrams_arrive(evidence: &Evidence<'_>, family: IpFamily, to: &str) -> bool {
    let mut ways = evidence.touching(to, family);
    ways.any(|probed| probed.backend() == Some(to) && answers_datagrams(probed))
}

fn answers_datagrams(probed: &Probed<'_>) -> bool {
    let sound = |outcome: &Outcome| match outcome {
        Outcome::Counted { trains } => {
            trains.iter().all(|train| train.answered * 8 >= train.sent * 7)
        }
        _ => false,
    };
    matches!(probed.probe.target, Target::Loss { .. })
        && probed.reading.attempts.iter().any(|attempt| sound(&attempt.outcome))
}

/// How many pods on other nodes tried to reach those of a node, or the other way round.
fn tried(evidence: &Evidence<'_>, family: IpFamily, node: &str, entering: bool) -> usize {
    let here = |place: Option<&str>| place == Some(node);
    evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && !probed.large)
        .filter(|probed| {
            let (from, to) = (here(probed.from()), here(probed.backend()));
            if entering { to && !from } else { from && !to }
        })
        .count()
}

/// Whether nobody outside gets in by a node's NodePorts, though its pods meet.
fn shuts_out(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> bool {
    let mut entries = evidence.touching(node, family).filter(|probed| {
        probed.is_node_port()
            && probed.at() == Some(node)
            && matches!(probed.origin, Origin::Outside)
    });
    let mut any = false;
    entries.all(|probed| {
        any = true;
        probed.dead() && probed.kind() == Some(Kind::TimedOut)
    }) && any
        && evidence.pod_path(node, node, family).is_some_and(Probed::good)
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let mut open = pairs(evidence, family);
    let mut found = Vec::new();
    if open.is_empty() {
        return found;
    }
    // All that others send to one node, or that one node sends, points at that node.
    for node in evidence.nodes() {
        let into: BTreeSet<_> = open.iter().copied().filter(|(_, to)| *to == node).collect();
        let out: BTreeSet<_> = open.iter().copied().filter(|(from, _)| *from == node).collect();
        let whole = |lost: &BTreeSet<_>, entering: bool| {
            // Between two nodes, those outside tell which of them it is.
            let several = lost.len() > 1 || (entering && shuts_out(evidence, family, node));
            several && !lost.is_empty() && lost.len() == tried(evidence, family, node, entering)
        };
        let (dropped, lost) = match (whole(&into, true), whole(&out, false)) {
            (true, true) => (Dropped::Both, into.union(&out).copied().collect()),
            (true, false) => (Dropped::Entering, into),
            (false, true) => (Dropped::Leaving, out),
            (false, false) => continue,
        };
        found.extend(at_node(evidence, family, node, dropped, &lost));
        open.retain(|pair| !lost.contains(pair));
    }
    found.extend(open.into_iter().filter_map(|pair| between(evidence, family, pair)));
    found
}

fn facts(evidence: &Evidence<'_>, family: IpFamily, lost: &BTreeSet<(&str, &str)>) -> Vec<String> {
    let mut facts: Vec<String> = lost
        .iter()
        .take(2)
        .filter_map(|(from, to)| evidence.say_pod_path(from, to, family))
        .collect();
    facts.push(format!("datagrams to the same port are answered over {family} on the same paths"));
    facts
}

/// What is done with the connections. Somebody who rejects them says so now and then: kernels limit how many
/// errors they send (`icmp_ratelimit`). No route can be missing where datagrams pass.
fn fate(evidence: &Evidence<'_>, family: IpFamily, lost: &BTreeSet<(&str, &str)>) -> &'static str {
    let told = lost.iter().filter_map(|(from, to)| evidence.pod_path(from, to, family)).any(|it| {
        let mut attempts = it.reading.attempts.iter();
        attempts.any(|attempt| matches!(attempt.outcome, Outcome::Unreachable { .. }))
    });
    if told { "rejected" } else { "dropped" }
}

fn remedies(family: IpFamily, place: &str) -> Vec<String> {
    vec![
        format!(
            "Look for a rule on {place}, a security group or a NetworkPolicy that lists ports or \
             protocols, and let TCP {BACKEND_PORT} over {family} through as for the other family."
        ),
        "Other ports may be dropped the same way: the rule shows which.".to_owned(),
    ]
}

fn at_node(
    evidence: &Evidence<'_>,
    family: IpFamily,
    node: &str,
    dropped: Dropped,
    lost: &BTreeSet<(&str, &str)>,
) -> Option<Found> {
    let done = fate(evidence, family, lost);
    let what = match dropped {
        Dropped::Entering => format!(
            "A filter on node {node}: {family} connections from other nodes to TCP port \
             {BACKEND_PORT} of its pods are {done}; datagrams pass."
        ),
        Dropped::Leaving => format!(
            "A filter on node {node}: {family} connections of its pods to TCP port {BACKEND_PORT} of \
             pods on other nodes are {done}; datagrams pass."
        ),
        Dropped::Both => format!(
            "A filter on node {node}: {family} connections between its pods and TCP port {BACKEND_PORT} of \
             pods on other nodes are {done}, in both directions; datagrams pass."
        ),
    };
    let (from, to) = lost.first()?;
    let ip = evidence.world.fixture.backend_on(to)?.address(family)?;
    let concerns = |probed: &Probed<'_>| {
        let shared = probed.is_shared();
        // What comes by a NodePort of the node has the server's port once it is translated.
        let elsewhere = probed.at().or(probed.from()) != Some(node);
        let enters = (probed.backend() == Some(node) && elsewhere)
            || (probed.at() == Some(node) && probed.from() != Some(node));
        let leaves = probed.backend() != Some(node)
            && (probed.from() == Some(node) || probed.at() == Some(node));
        shared
            || match dropped {
                Dropped::Entering => enters,
                Dropped::Leaving => leaves,
                // Connections of its pods to each other are forwarded, too.
                Dropped::Both => enters || leaves || probed.from() == Some(node),
            }
    };
    Some(Found {
        what,
        evidence: facts(evidence, family, lost),
        reproduce: vec![
            commands::rules(node),
            commands::on_node(from, &format!("nc -v -z -w 2 {ip} {BACKEND_PORT}")),
        ],
        fix: remedies(family, node),
        probed: evidence.bad(|probed| {
            probed.family == family
                && !probed.udp()
                && !probed.is_dns()
                && !probed.is_dns_server()
                && concerns(probed)
        }),
        ..Found::default()
    })
}

fn between(evidence: &Evidence<'_>, family: IpFamily, pair: (&str, &str)) -> Option<Found> {
    let (from, to) = pair;
    let ip = evidence.world.fixture.backend_on(to)?.address(family)?;
    let places = words::list([to, from]);
    let lost = BTreeSet::from([pair]);
    let done = fate(evidence, family, &lost);
    Some(Found {
        what: format!(
            "{family} connections from node {from} to TCP port {BACKEND_PORT} of pods on node {to} are \
             {done}; datagrams pass: a filter, not a route."
        ),
        evidence: facts(evidence, family, &lost),
        reproduce: vec![
            commands::rules(to),
            commands::on_node(from, &format!("nc -v -z -w 2 {ip} {BACKEND_PORT}")),
        ],
        fix: remedies(family, &places),
        probed: evidence.bad(|probed| {
            probed.family == family
                && !probed.udp()
                && !probed.is_dns()
                && !probed.is_dns_server()
                && evidence.crosses(probed, from, to, true)
        }),
        ..Found::default()
    })
}
