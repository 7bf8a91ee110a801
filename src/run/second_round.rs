//! What to try once more where a mesh is sparse and something failed: enough around each suspect to
//! tell what every node would have told. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Ledger;
use crate::check::{Reading, World};

/// How many pairs of nodes are tried in both directions at most.
const PAIRS: usize = 64;

/// How many nodes at most are tried with others all around.
const SUSPECTS: usize = 8;

/// With how many others.
const AROUND: usize = 8;

/// By node, the others that a second round should try: each pair that failed in both directions, and
/// the nodes that most failures have in common from and to others all over the cluster. Empty where
/// the mesh is full, or nothing failed that a pair of nodes may be behind.
pub fn second_round(world: World<'_>, ledger: &Ledger) -> BTreeMap<String, Vec<String>> {
    let mesh = &world.fixture.mesh;
    let mut more: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if mesh.is_full() {
        return more;
    }
    let mut pairs: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut partners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (probe, observation) in ledger.failed() {
        if Reading::of(world, probe, observation).symptom().is_none() {
            continue;
        }
        let from = probe.vantage.node();
        let way = [from, probe.aim.node(), probe.aim.backend()];
        let way: Vec<&str> = way.into_iter().flatten().collect();
        for (a, b) in way.iter().zip(way.iter().skip(1)).filter(|(a, b)| a != b) {
            pairs.insert(if a < b { (*a, *b) } else { (*b, *a) });
            partners.entry(a).or_default().insert(b);
            partners.entry(b).or_default().insert(a);
        }
    }
    let mut add = |from: &str, to: &str| {
        let known = mesh.pods.get(from).is_none_or(|others| others.iter().any(|it| it == to));
        // What is tried over the pod network already may still be new at Services and NodePorts.
        let everywhere =
            known && mesh.entries.get(from).is_some_and(|others| others.iter().any(|it| it == to));
        let others = more.entry(from.to_owned()).or_default();
        if from != to && !everywhere && !others.iter().any(|it| it == to) {
            others.push(to.to_owned());
        }
    };
    let mut suspects: Vec<(&str, usize)> =
        partners.iter().map(|(node, others)| (*node, others.len())).collect();
    suspects.sort_by_key(|(node, count)| (usize::MAX - count, *node));
    // One failure with one other node is that pair's.
    for (suspect, _) in suspects.iter().filter(|(_, count)| *count > 1).take(SUSPECTS) {
        let nodes: Vec<&str> = world.fixture.selected().filter(|node| node != suspect).collect();
        let step = (nodes.len() / AROUND).max(1);
        for other in nodes.iter().step_by(step).take(AROUND) {
            add(suspect, other);
            add(other, suspect);
        }
    }
    for (a, b) in pairs.into_iter().take(PAIRS) {
        add(a, b);
        add(b, a);
    }
    more.retain(|_, others| !others.is_empty());
    more
}
