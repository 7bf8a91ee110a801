//! How the two directions between two nodes look together.

use super::super::{
    Evidence,
    evidence::Probed,
    proof::{self, Proof},
};
use crate::{check::Kind, net::IpFamily, probe::Outcome};

/// What is lost between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss<'n> {
    /// What the first sends to the pods of the second gets lost, its answers to them too.
    OneWay(&'n str, &'n str),
    /// Neither has a way to the other's pods.
    BothWays(&'n str, &'n str),
    /// Something drops packets without a word, one way or both.
    Dropped(&'n str, &'n str),
    /// Connections get through from the second to the first, but not from the first to the second.
    Filtered(&'n str, &'n str),
}

impl<'n> Loss<'n> {
    /// The two nodes.
    pub(super) const fn ends(self) -> (&'n str, &'n str) {
        match self {
            Self::OneWay(a, b)
            | Self::BothWays(a, b)
            | Self::Dropped(a, b)
            | Self::Filtered(a, b) => (a, b),
        }
    }
}

/// What is lost between any two nodes in a family, in the order of the nodes.
pub(super) fn losses<'n>(evidence: &Evidence<'n>, family: IpFamily) -> Vec<Loss<'n>> {
    let pairs = evidence.pairs(family, lost).into_iter();
    // What loses much, but not all, has its ways.
    let pairs = pairs.filter(|(a, b)| !loses_some(evidence, a, b, family));
    pairs.filter_map(|(a, b)| between(evidence, a, b, family)).collect()
}

/// Whether an eighth and more of the datagrams between two nodes is lost, and not all of them.
fn loses_some(evidence: &Evidence<'_>, a: &str, b: &str, family: IpFamily) -> bool {
    let some = |outcome: &Outcome| {
        let Outcome::Counted { trains } = outcome else { return false };
        let (sent, lost) =
            trains.iter().fold((0, 0), |(sent, lost), it| (sent + it.sent, lost + it.lost()));
        lost < sent && lost * 8 >= sent
    };
    let ends = [(Some(a), Some(b)), (Some(b), Some(a))];
    evidence.touching(a, family).any(|probed| {
        ends.contains(&(probed.from(), probed.backend()))
            && probed.reading.attempts.iter().any(|attempt| some(&attempt.outcome))
    })
}

/// Whether nothing shows that packets get there and back, as a refusal does.
fn lost(probed: &Probed<'_>) -> bool {
    probed.dead() && probed.kind() != Some(Kind::Refused)
}

fn between<'n>(
    evidence: &Evidence<'_>,
    a: &'n str,
    b: &'n str,
    family: IpFamily,
) -> Option<Loss<'n>> {
    let there = evidence.pod_path(a, b, family);
    let back = evidence.pod_path(b, a, family);
    let dead = |probed: Option<&Probed<'_>>| probed.is_some_and(lost);
    let (there_lost, back_lost) = (dead(there), dead(back));
    if there_lost || back_lost {
        // What the nodes' own tables say is better than any guess.
        let (missing, missing_back) =
            (misses(evidence, a, b, family), misses(evidence, b, a, family));
        match (missing, missing_back) {
            (true, true) => return Some(Loss::BothWays(a, b)),
            (true, false) => return Some(Loss::OneWay(a, b)),
            (false, true) => return Some(Loss::OneWay(b, a)),
            (false, false) => {}
        }
    }
    let unreachable = |probed: Option<&Probed<'_>>| {
        dead(probed) && probed.and_then(Probed::kind) == Some(Kind::Unreachable)
    };
    Some(match (dead(there), dead(back)) {
        (false, false) => return None,
        (true, true) => match (unreachable(there), unreachable(back)) {
            (true, true) => Loss::BothWays(a, b),
            (true, false) => Loss::OneWay(a, b),
            (false, true) => Loss::OneWay(b, a),
            // A NodePort shows one direction alone: the node sends to the backend with its own
            // address, so the answer doesn't take a route to the node's pods.
            (false, false) => {
                match (forwards(evidence, a, b, family), forwards(evidence, b, a, family)) {
                    (Some(false), Some(true)) => Loss::OneWay(a, b),
                    (Some(true), Some(false)) => Loss::OneWay(b, a),
                    _ => Loss::Dropped(a, b),
                }
            }
        },
        (true, false) if back.is_some_and(Probed::good) => Loss::Filtered(a, b),
        (false, true) if there.is_some_and(Probed::good) => Loss::Filtered(b, a),
        // Only one direction was tried.
        _ if unreachable(there) => Loss::OneWay(a, b),
        _ if unreachable(back) => Loss::OneWay(b, a),
        _ => Loss::Dropped(a, b),
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

/// Whether a node's own tables show that it has no right route to the pods on another.
fn misses(evidence: &Evidence<'_>, at: &str, to: &str, family: IpFamily) -> bool {
    route_of(evidence, at, to, family).is_some_and(|shown| shown.is_proof())
}

/// What a node's own tables show of its route to the pods on another.
pub(super) fn route_of(
    evidence: &Evidence<'_>,
    at: &str,
    to: &str,
    family: IpFamily,
) -> Option<Proof> {
    let ip = evidence.world.fixture.backend_on(to)?.address(family)?;
    Some(proof::route_missing(evidence.world.facts, at, to, ip))
}
