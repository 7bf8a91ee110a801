//! `pod_route_missing`: packets from one node to the pods of another get lost.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands, remedy},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct PodRouteMissing;

impl CauseRule for PodRouteMissing {
    fn id(&self) -> &'static str {
        "pod_route_missing"
    }

    fn why(&self) -> &'static str {
        "A route that is missing in one direction breaks connections in both, for answers take it \
         too. Services pick such a path now and then, so applications see one request in several \
         fail."
    }

    fn find(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence
            .families()
            .flat_map(|family| {
                let pairs = evidence.pairs(family, Probed::dead);
                pairs.into_iter().filter_map(move |(a, b)| find(evidence, a, b, family))
            })
            .collect()
    }
}

/// How the two directions between two nodes look together.
enum Loss<'n> {
    /// What the first sends to the pods of the second gets lost, its answers to them too.
    OneWay(&'n str, &'n str),
    /// Neither has a way to the other's pods.
    BothWays,
    /// Something drops packets without a word, one way or both.
    Dropped,
    /// Connections get through from the second to the first, but not from the first to the second.
    Filtered(&'n str, &'n str),
}

fn find<'n>(evidence: &Evidence<'_>, a: &'n str, b: &'n str, family: IpFamily) -> Option<Found> {
    let there = evidence.pod_path(a, b, family);
    let back = evidence.pod_path(b, a, family);
    let dead = |probed: Option<&Probed<'_>>| probed.is_some_and(Probed::dead);
    let unreachable = |probed: Option<&Probed<'_>>| {
        dead(probed) && probed.and_then(Probed::kind) == Some(Kind::Unreachable)
    };
    let loss: Loss<'n> = match (dead(there), dead(back)) {
        (false, false) => return None,
        (true, true) => match (unreachable(there), unreachable(back)) {
            (true, true) => Loss::BothWays,
            (true, false) => Loss::OneWay(a, b),
            (false, true) => Loss::OneWay(b, a),
            // A NodePort shows one direction alone: the node sends to the backend with its own
            // address, so the answer doesn't take a route to the node's pods.
            (false, false) => {
                match (forwards(evidence, a, b, family), forwards(evidence, b, a, family)) {
                    (Some(false), Some(true)) => Loss::OneWay(a, b),
                    (Some(true), Some(false)) => Loss::OneWay(b, a),
                    _ => Loss::Dropped,
                }
            }
        },
        (true, false) if back.is_some_and(Probed::good) => Loss::Filtered(a, b),
        (false, true) if there.is_some_and(Probed::good) => Loss::Filtered(b, a),
        // Only one direction was tried.
        _ if unreachable(there) => Loss::OneWay(a, b),
        _ if unreachable(back) => Loss::OneWay(b, a),
        _ => Loss::Dropped,
    };
    let what = match loss {
        Loss::OneWay(from, to) => format!(
            "Node {from} has no {family} route to the pods on node {to} or loses what it sends them, its \
             answers too."
        ),
        Loss::BothWays => {
            format!("Nodes {a} and {b} have no {family} route to each other's pods.")
        }
        Loss::Dropped => format!(
            "{family} packets between the pods of node {a} and node {b} are dropped without a word, in \
             one direction or in both."
        ),
        Loss::Filtered(from, to) => format!(
            "{family} connections from pods on node {from} to pods on node {to} are dropped, while \
             those from {to} to {from} work: a filter, not a route."
        ),
    };
    let ip = |node| evidence.world.fixture.backend_on(node)?.address(family);
    let reproduce: Vec<String> = [(a, b), (b, a)]
        .into_iter()
        .filter_map(|(from, to)| Some(commands::route(from, ip(to)?)))
        .collect();
    let filter = format!(
        "Look for a NetworkPolicy that selects the pods on one side, and for rules on {b} and {a} that \
         match {family} only: `{}`.",
        commands::on_node_as_root(b, "nft list ruleset")
    );
    let mut fix = remedy::pod_network(evidence.world, family);
    match loss {
        Loss::OneWay(from, to) => fix.insert(
            0,
            format!(
                "Restart the pod network's pod on {from}, which should set the route to the {family} \
                 podCIDR of {to}, and read its log."
            ),
        ),
        Loss::Filtered(..) => fix.insert(0, filter),
        Loss::BothWays => {}
        Loss::Dropped => fix.push(filter),
    }
    let probed = match loss {
        Loss::OneWay(from, to) => {
            evidence.bad(|probed| touches(evidence, probed, from, to, family, true))
        }
        _ => evidence.bad(|probed| touches(evidence, probed, a, b, family, false)),
    };
    Some(Found {
        what,
        evidence: [(a, b), (b, a)]
            .into_iter()
            .filter_map(|(from, to)| evidence.say_pod_path(from, to, family))
            .collect(),
        reproduce,
        fix,
        probed,
        ..Found::default()
    })
}

/// Whether a node's NodePorts reach the backend on another node: whether what it sends arrives.
fn forwards(evidence: &Evidence<'_>, at: &str, to: &str, family: IpFamily) -> Option<bool> {
    let mut tried = evidence
        .touching(at, family)
        .filter(|probed| probed.is_node_port() && probed.at() == Some(at))
        .filter(|probed| probed.backend() == Some(to) && probed.from() != Some(to))
        .peekable();
    tried.peek()?;
    Some(!tried.all(Probed::dead))
}

fn touches<'a>(
    evidence: &Evidence<'a>,
    probed: &Probed<'a>,
    a: &str,
    b: &str,
    family: IpFamily,
    directed: bool,
) -> bool {
    let speaks =
        if probed.is_dns() { evidence.dns_speaks(family) } else { probed.family == family };
    speaks && evidence.crosses(probed, a, b, directed)
}
