//! `family_slow`: answers of one family take longer than the operator allows, on ways that have a node or
//! nothing but the family in common.

use std::collections::{BTreeMap, BTreeSet};

use super::{CauseRule, Evidence, Found, Judged, evidence::Probed};
use crate::{
    check::{Status, commands},
    net::IpFamily,
    probe::{Aim, FamilyTimes, ProbeId, Vantage},
};

/// How much longer a connection takes to open whose first packet is lost, in milliseconds: TCP repeats it
/// after a second (RFC 6298), and busy machines are late.
const FIRST_PACKET_LOST: std::ops::Range<u32> = 900..1_900;

#[derive(Debug)]
pub(super) struct FamilySlow;

impl CauseRule for FamilySlow {
    fn id(&self) -> &'static str {
        "family_slow"
    }

    fn why(&self) -> &'static str {
        "A family that is slow passes every test of whether it works. Programs that prefer that family, or try \
         it first, wait on each connection; those that prefer the other one don't, so the same Service is slow \
         for some clients and fast for others."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        IpFamily::ALL.into_iter().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// The same from the same place to the same thing, over both families.
struct Way<'e> {
    probes: Vec<&'e Probed<'e>>,
    times: FamilyTimes,
}

impl<'e> Way<'e> {
    fn udp(&self) -> bool {
        self.probes.iter().any(|probed| probed.udp())
    }

    /// The nodes that it surely has to do with; `None` where it may lead to any.
    fn nodes(&self) -> Option<BTreeSet<&'e str>> {
        let first = self.probes.first()?;
        let shared = first.service().is_some() && first.backend().is_none();
        let nodes = [first.from(), first.at(), first.backend()];
        (!shared).then(|| nodes.into_iter().flatten().collect())
    }

    fn ids(&self) -> impl Iterator<Item = ProbeId> {
        self.probes.iter().map(|probed| probed.id())
    }
}

/// How long each way that was timed took in both families.
fn ways<'e>(evidence: &'e Evidence<'e>, timed: &BTreeSet<ProbeId>) -> Vec<Way<'e>> {
    let mut found: BTreeMap<(&Vantage, &Aim, bool), Vec<&Probed<'_>>> = BTreeMap::new();
    for probed in evidence.probed.iter().filter(|probed| timed.contains(&probed.id())) {
        let way = (&probed.probe.vantage, &probed.probe.aim, probed.udp());
        found.entry(way).or_default().push(probed);
    }
    let way = |probes: Vec<&'e Probed<'e>>| Some(Way { times: times(&probes)?, probes });
    found.into_values().filter_map(way).collect()
}

fn times(probes: &[&Probed<'_>]) -> Option<FamilyTimes> {
    FamilyTimes::of(probes.iter().map(|probed| (probed.probe, probed.reading.attempts)))
}

/// The places of the cases of answer times.
fn cases(evidence: &Evidence<'_>, want: impl Fn(&Judged) -> bool) -> BTreeSet<usize> {
    let places = 0..evidence.judged.len();
    let is = |judged: &Judged| judged.case.check == "parity::answer_times" && want(judged);
    places.filter(|&place| evidence.judged.get(place).is_some_and(&is)).collect()
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let gap = evidence.world.suite.max_family_gap?;
    let timed = cases(evidence, |_| true);
    let timed = timed.iter().filter_map(|&place| evidence.judged.get(place));
    let timed: BTreeSet<ProbeId> =
        timed.flat_map(|judged| judged.case.witnesses.iter().copied()).collect();
    let (slow, quick): (Vec<Way<'_>>, Vec<Way<'_>>) =
        ways(evidence, &timed).into_iter().partition(|way| {
            let (fast, quick, slow) = way.times.ordered();
            fast != family && gap.is_exceeded(quick.median_ms, slow.median_ms)
        });
    let ids: BTreeSet<ProbeId> = slow.iter().flat_map(Way::ids).collect();
    let concerned = |judged: &Judged| judged.case.witnesses.iter().any(|id| ids.contains(id));
    let red = |judged: &Judged| judged.verdict.status() == Status::Fail && concerned(judged);
    if cases(evidence, red).is_empty() {
        return None;
    }
    let node = common(&slow).filter(|node| elsewhere(&quick, node));
    let (fast, quick_times, slow_times) = whole(&slow)?.ordered();
    let (late, soon) = (slow_times.median_ms, quick_times.median_ms);
    let quick_datagrams = quick.iter().any(|way| {
        way.udp() && node.is_none_or(|node| way.nodes().is_some_and(|it| it.contains(node)))
    });
    let opening = quick_datagrams && !slow.iter().any(Way::udp);
    let first_lost = opening && FIRST_PACKET_LOST.contains(&late.saturating_sub(soon));
    let what = if opening { "connections" } else { "answers" };
    let place = match node {
        Some(node) => format!(" to and from node {node}"),
        None if quick.is_empty() => String::new(),
        None => format!(" on {} of {} paths", slow.len(), slow.len() + quick.len()),
    };
    let mut seen = examples(&slow, family);
    if opening {
        seen.push(
            "datagrams are as fast as in the other family: only opening connections is slow"
                .to_owned(),
        );
    }
    if first_lost {
        seen.push(
            "that is about a second more, as when the first packet (SYN) of a connection is lost and TCP \
             retransmits it"
                .to_owned(),
        );
    }
    if let (Some(node), Some(way)) = (node, quick.first()) {
        let (_, _, slow) = way.times.ordered();
        seen.push(format!("paths that don't involve {node} take {} ms", slow.median_ms));
    }
    let example = slow.first()?;
    Some(Found {
        what: format!(
            "Over {family}, {what}{place} take {late} ms in the median, and {soon} ms over {fast}."
        ),
        evidence: seen,
        reproduce: commands::repeat(evidence.world, example.probes.iter().map(|it| it.probe))
            .into_iter()
            .chain(node.map(commands::rules))
            .collect(),
        fix: fix(family, node, first_lost),
        cases: cases(evidence, |judged| {
            matches!(judged.verdict.status(), Status::Fail | Status::Inconclusive)
                && concerned(judged)
        }),
        ..Found::default()
    })
}

/// All of some ways together.
fn whole(ways: &[Way<'_>]) -> Option<FamilyTimes> {
    let probes: Vec<&Probed<'_>> = ways.iter().flat_map(|way| way.probes.iter().copied()).collect();
    times(&probes)
}

/// The one node that all ways have in common whose nodes are known.
fn common<'e>(ways: &[Way<'e>]) -> Option<&'e str> {
    let mut known = ways.iter().filter_map(Way::nodes);
    let first = known.next()?;
    let shared = known.fold(first, |shared, nodes| &shared & &nodes);
    shared.into_iter().next().filter(|_| ways.len() > 1)
}

/// Whether a way is quick that has nothing to do with a node.
fn elsewhere(quick: &[Way<'_>], node: &str) -> bool {
    quick.iter().any(|way| way.nodes().is_some_and(|nodes| !nodes.contains(node)))
}

fn examples(slow: &[Way<'_>], family: IpFamily) -> Vec<String> {
    let say = |way: &Way<'_>| {
        let probed = way.probes.iter().find(|probed| probed.family == family)?;
        let (fast, quick, slow) = way.times.ordered();
        Some(format!(
            "{} to {}: {} ms, and {} ms over {fast}",
            probed.whence(),
            probed.probe.target,
            slow.median_ms,
            quick.median_ms
        ))
    };
    slow.iter().filter_map(say).take(3).collect()
}

fn fix(family: IpFamily, node: Option<&str>, first_lost: bool) -> Vec<String> {
    let place = node.map_or_else(|| "the nodes".to_owned(), |node| format!("node {node}"));
    let mut fix = Vec::new();
    if first_lost {
        fix.push(format!(
            "Look on {place}, and on what lies between the nodes, for what drops the first packet of a \
             connection: a firewall rule that limits new {family} connections or learns of them first \
             (`nft list ruleset`, `ip6tables-save`, `iptables-save`; limit, recent, hashlimit, set), and \
             a full or racing table of connections (`conntrack -S`: insert_failed, drop)."
        ));
    }
    fix.push(format!(
        "Compare the ways of both families from {place}: routes (`ip {} route get ADDRESS`), tunnels, and \
         firewalls or proxies that handle {family} by other means.",
        commands::flag(family)
    ));
    fix.push(
        "Run again when the machines are quiet: delays caused by load disappear, and a slow path stays slow."
            .to_owned(),
    );
    fix
}
