//! Where datagrams get lost: the place that all paths which lose some have in common. Pure.

use std::collections::BTreeMap;

use super::loss::is_lossy;
use crate::{
    check::{Busy, Reading, World, words},
    net::IpFamily,
    probe::{Outcome, ProbeTable, Target, Train, Vantage},
};

/// How many datagrams between two nodes must have been lost, of all and of a hundred. A sound path loses none.
const LEAST: u32 = 3;
const PERCENT: u32 = 2;

/// Where datagrams get lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LossyPlace<'n> {
    /// On all ways between a node and others.
    Node(&'n str),
    /// PairLoss two nodes alone.
    Pair(&'n str, &'n str),
    /// PairLoss any two nodes.
    Everywhere,
}

/// What is lost at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlaceLoss<'n> {
    pub(crate) place: LossyPlace<'n>,
    /// All trains on the ways that lose some.
    pub(crate) train: Train,
    /// Whether a path there is red for it.
    pub(crate) red: bool,
}

/// What was lost between two nodes, both ways.
#[derive(Clone, Copy, Debug, Default)]
struct PairLoss {
    sent: u32,
    answered: u32,
    red: bool,
}

impl PairLoss {
    const fn train(self) -> Train {
        Train { sent: self.sent, answered: self.answered }
    }

    const fn loses(self) -> bool {
        let lost = self.train().lost();
        lost >= LEAST && lost * 100 >= self.sent * PERCENT
    }
}

/// The places at which a family loses datagrams between nodes, as few as explain all. What a machine
/// missed that was too busy to listen was not lost there.
pub(crate) fn losing<'n>(
    world: World<'n>,
    busy: &Busy<'_>,
    probes: &'n ProbeTable,
    family: IpFamily,
) -> Vec<PlaceLoss<'n>> {
    let mut pairs: BTreeMap<(&str, &str), PairLoss> = BTreeMap::new();
    for (_, probe, observation) in probes.iter().filter(|(_, probe, _)| probe.family() == family) {
        let (Vantage::Pod { node: from }, Target::Loss { .. }) = (&probe.vantage, &probe.target)
        else {
            continue;
        };
        let Some(to) = probe.aim.backend().filter(|to| to != from) else { continue };
        if busy.explains_loss(world, &Reading::of(world, probe, observation)) {
            continue;
        }
        let attempts = observation.into_iter().flat_map(|seen| &seen.attempts);
        for attempt in attempts {
            let Outcome::Counted { trains } = &attempt.outcome else { continue };
            let between = pairs.entry((from.as_str().min(to), from.as_str().max(to))).or_default();
            between.sent += trains.iter().map(|train| train.sent).sum::<u32>();
            between.answered += trains.iter().map(|train| train.answered).sum::<u32>();
            between.red |= is_lossy(trains);
        }
    }
    let mut losing: BTreeMap<(&str, &str), PairLoss> = pairs.clone();
    losing.retain(|_, between| between.loses());
    if losing.len() > 2 && losing.len() == pairs.len() {
        return vec![all(LossyPlace::Everywhere, &losing)];
    }
    let mut found = Vec::new();
    while let Some(node) = common(&pairs, &losing) {
        let (its, others) = losing.into_iter().partition(|((a, b), _)| *a == node || *b == node);
        found.push(all(LossyPlace::Node(node), &its));
        losing = others;
    }
    found.extend(losing.into_iter().map(|(pair, between)| {
        all(LossyPlace::Pair(pair.0, pair.1), &BTreeMap::from([(pair, between)]))
    }));
    found
}

/// The node all of whose ways lose, at least two of them; of several the one with the most.
fn common<'n>(
    pairs: &BTreeMap<(&'n str, &'n str), PairLoss>,
    losing: &BTreeMap<(&'n str, &'n str), PairLoss>,
) -> Option<&'n str> {
    let count = |pairs: &BTreeMap<(&str, &str), PairLoss>, node: &str| {
        pairs.keys().filter(|(a, b)| *a == node || *b == node).count()
    };
    let ends = losing.keys().flat_map(|(a, b)| [*a, *b]);
    ends.filter(|node| count(losing, node) > 1 && count(losing, node) == count(pairs, node))
        .max_by_key(|node| (count(losing, node), std::cmp::Reverse(*node)))
}

fn all<'n>(place: LossyPlace<'n>, pairs: &BTreeMap<(&'n str, &'n str), PairLoss>) -> PlaceLoss<'n> {
    let sum = |of: fn(&PairLoss) -> u32| pairs.values().map(of).sum();
    PlaceLoss {
        place,
        train: Train { sent: sum(|it| it.sent), answered: sum(|it| it.answered) },
        red: pairs.values().any(|it| it.red),
    }
}

/// Sentences for the operator: where some datagrams were lost, and too few for a failure.
pub fn notices(world: World<'_>, probes: &ProbeTable) -> Vec<String> {
    let families = IpFamily::ALL.into_iter().filter(|family| world.suite.families.contains(family));
    let busy = Busy::of(world, probes);
    let few = families.flat_map(|family| {
        losing(world, &busy, probes, family).into_iter().map(move |it| (family, it))
    });
    few.filter(|(_, losing)| !losing.red)
        .map(|(family, PlaceLoss { place, train, .. })| {
            let (between, node) = match place {
                LossyPlace::Node(node) => (format!("{node} and all others that it was tried with"), node),
                LossyPlace::Pair(a, b) => (format!("{a} and {b}"), a),
                LossyPlace::Everywhere => ("any two nodes".to_owned(), "each"),
            };
            format!(
                "{} of {} over {family} were lost between {between}, too few for a failure: compare the drop and \
                 error counters there (`ip -s link` on {node}), for TCP repeats a lost SYN only after a second",
                train.lost(),
                words::count(train.sent as usize, "datagram"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lab::{Fault, Lab},
        net::IpFamily::{V4, V6},
    };

    fn lossy(between: [&'static str; 2], percent: u32) -> Fault {
        Fault::Lossy { between, percent, family: V6 }
    }

    fn losing<'n>(lab: &'n Lab, probes: &'n ProbeTable, family: IpFamily) -> Vec<PlaceLoss<'n>> {
        let world = lab.world();
        super::losing(world, &Busy::of(world, probes), probes, family)
    }

    #[test]
    fn losses_on_all_ways_of_a_node_are_at_the_node() {
        let lab = Lab::dual().with(lossy(["n1", "n2"], 5)).with(lossy(["n2", "n3"], 5));
        let run = lab.run();
        let found = losing(&lab, &run.record.probes, V6);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, LossyPlace::Node("n2"));
        assert!(!found[0].red && found[0].train.lost() * 20 == found[0].train.sent, "{found:?}");
        assert_eq!(losing(&lab, &run.record.probes, V4), Vec::new());
    }

    #[test]
    fn losses_on_all_ways_of_all_nodes_are_everywhere() {
        let pairs = [["n1", "n2"], ["n1", "n3"], ["n2", "n3"]];
        let lab = pairs.into_iter().map(|pair| lossy(pair, 8)).fold(Lab::dual(), Lab::with);
        let run = lab.run();
        let found = losing(&lab, &run.record.probes, V6);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, LossyPlace::Everywhere);
    }

    #[test]
    fn a_loss_between_two_nodes_is_between_them() {
        let lab = Lab::dual().with(lossy(["n1", "n2"], 30));
        let run = lab.run();
        let found = losing(&lab, &run.record.probes, V6);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0].place, found[0].red), (&LossyPlace::Pair("n1", "n2"), true));
    }

    #[test]
    fn a_loss_too_small_for_a_failure_is_told_with_its_place() {
        let told = |percent| {
            let lab =
                Lab::dual().with(lossy(["n1", "n2"], percent)).with(lossy(["n2", "n3"], percent));
            notices(lab.world(), &lab.run().record.probes)
        };
        let few = told(5);
        let [notice] = few.as_slice() else { panic!("{few:?}") };
        assert!(notice.contains("over IPv6 were lost between n2 and all others"), "{notice}");
        assert_eq!(told(0), Vec::<String>::new());
        // What is red says so itself.
        assert_eq!(told(30), Vec::<String>::new());
    }
}
