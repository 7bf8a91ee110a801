//! `parity::answer_times`

use std::collections::HashMap;

use crate::{
    check::{
        About, Blocked, Check, DynCheck, Failure, Need, Planned, Promise, Readings, Subject,
        Verdict, World, node_port, plan, pod, service,
    },
    probe::{Aim, FamilyTimes, Probe, Vantage},
    suite::FamilyGap,
};

use super::kinds::KINDS;

/// How many ways of each kind are timed from a place: times are those of a family, not of a path.
const WAYS: usize = 2;

/// Both families answer in about the same time.
#[derive(Debug)]
pub(in crate::check) struct AnswerTimes;

/// The paths of one kind from one place.
#[derive(Debug)]
pub(in crate::check) struct Ways {
    /// The check that says whether they work.
    check: &'static str,
    from: String,
    to: &'static str,
    gap: FamilyGap,
}

impl Check for AnswerTimes {
    type Subject = Ways;

    const PROMISE: Promise = Promise {
        id: "parity::answer_times",
        summary: "from every node, answers of each kind of path take about as long in both families, within \
         --max-family-gap",
        why: "A family that works but is slow passes every other check. Programs that prefer IPv6 then have \
              slow connections for no visible reason: another route, a tunnel, or a firewall or proxy that \
              handles the two families differently. Only you can say how far apart they may be.",
        source: "Your own limit, --max-family-gap or max_family_gap of the suite; RFC 6724 says which family \
         programs prefer",
        about: About::own().titled("Answer times of both families"),
        per_family: false,
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Ways>> {
        let Some(gap) = world.suite.max_family_gap else { return Vec::new() };
        let checks = [pod::CHECKS, service::CHECKS, node_port::CHECKS].concat();
        let of = |id| checks.iter().copied().find(|check: &&dyn DynCheck| check.id() == id);
        let mut cases = Vec::new();
        for (check, to) in KINDS {
            let mut places: Vec<(String, Vec<Probe>)> = Vec::new();
            let mut known: HashMap<String, usize> = HashMap::new();
            for case in of(check).into_iter().flat_map(|check| check.cases(world)) {
                let Subject::Path { from, .. } = case.subject else { continue };
                let place = *known.entry(from.clone()).or_insert(places.len());
                match places.get_mut(place) {
                    Some((_, probes)) => probes.extend(case.probes),
                    None => places.push((from, case.probes)),
                }
            }
            for (from, mut probes) in places {
                // What stays on a node, or may, is quick whatever the way between nodes is.
                if probes.iter().any(leaves_its_node) {
                    probes.retain(leaves_its_node);
                }
                let probes = timed(world, probes);
                let subject = Subject::path(&from, to);
                if probes.is_empty() {
                    let verdict = Verdict::skip(format!("{check} has no probes from there"));
                    cases.push(Planned::settled(subject, None, verdict));
                    continue;
                }
                cases.push(
                    Planned::new(subject, None, Ways { check, from, to, gap }).beside(&probes),
                );
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, ways: &Ways, readings: &Readings<'_>) -> Verdict {
        let seen = readings.witnesses.iter().map(|reading| (reading.probe, reading.attempts));
        let Some(times) = FamilyTimes::of(seen) else {
            let reason = format!("no path from {} to {} answered in both", ways.from, ways.to);
            return Blocked { by: Some(ways.check), reason }.verdict(world.suite);
        };
        let (fast, quick, slow) = times.ordered();
        if ways.gap.is_exceeded(quick.median_ms, slow.median_ms) {
            let detail =
                format!("{} {} ms, {fast} {} ms", fast.other(), slow.median_ms, quick.median_ms);
            // A busy machine makes some answers late, and so does a slow way that only some of them take.
            return if slow.quickest_ms > quick.slowest_ms {
                Verdict::fail(detail, ways.failure(&times))
            } else {
                Verdict::inconclusive(format!(
                    "{detail}, and single answers scatter too much to tell ({} to {} ms, {} to {} ms)",
                    slow.quickest_ms, slow.slowest_ms, quick.quickest_ms, quick.slowest_ms
                ))
            };
        }
        Verdict::pass(format!("IPv4 {} ms, IPv6 {} ms", times.ipv4.median_ms, times.ipv6.median_ms))
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let family = crate::net::IpFamily::V6;
        let slow = crate::lab::Fault::Slow { at: "n2", millis: 210, family };
        Some(crate::lab::Lab::dual().within("100ms").with(slow))
    }
}

/// The first ways of some probes, to be tried once more when all else is done: each in both families side by
/// side, so that what the machine has to do beside concerns both alike.
fn timed(world: World<'_>, probes: Vec<Probe>) -> Vec<Probe> {
    let mut ways: Vec<(Aim, bool, Vec<Probe>)> = Vec::new();
    for probe in probes.into_iter().filter(|probe| !probe.target.is_large()) {
        let udp = probe.target.is_udp();
        let probe = Probe { attempts: plan::timed(world.suite), ..probe };
        match ways.iter_mut().find(|(aim, is_udp, _)| *aim == probe.aim && *is_udp == udp) {
            Some((.., of_way)) if of_way.iter().any(|it| it.family() == probe.family()) => {}
            Some((.., of_way)) => of_way.push(probe),
            None => ways.push((probe.aim.clone(), udp, vec![probe])),
        }
    }
    ways.into_iter()
        .map(|(.., of_way)| of_way)
        .filter(|it| it.len() == 2)
        .take(WAYS)
        .flatten()
        .collect()
}

/// Whether a way surely leads from one place to another.
fn leaves_its_node(probe: &Probe) -> bool {
    let nodes = [probe.vantage.node(), probe.aim.node(), probe.aim.backend()];
    let mut nodes = nodes.into_iter().flatten();
    let first = nodes.next();
    probe.vantage == Vantage::Outside || nodes.any(|node| Some(node) != first)
}

impl Ways {
    fn failure(&self, times: &FamilyTimes) -> Failure {
        let Self { from, to, gap, check } = self;
        let (fast, quick, late) = times.ordered();
        let slow = fast.other();
        Failure::new(format!(
            "From {from} to {to}, answers over {slow} take {} ms in the median and never less than {} ms, over \
             {fast} {} ms in the median and never more than {} ms, on {} paths that answer in both: the \
             medians are more than {gap} apart.",
            late.median_ms, late.quickest_ms, quick.median_ms, quick.slowest_ms, times.paths
        ))
        .reproduce([
            format!("dualstack run {check} --output wide"),
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,\
             ADDRESSES:.status.addresses[*].address"
                .to_owned(),
        ])
        .fix([
            format!(
                "Compare the ways of both families from {from}: the routes (`ip -4 route`, `ip -6 \
                 route` on the node), tunnels, and firewalls that handle {slow} by other means."
            ),
            "Run again when the machine is quiet: delays caused by load disappear, and a slow path stays slow."
                .to_owned(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        check::Status,
        lab::{Fault, Lab},
        net::IpFamily::V6,
    };

    #[test]
    fn only_what_lies_further_apart_than_the_limit_is_red() {
        let slow = Fault::Slow { at: "n2", millis: 210, family: V6 };
        let red = |limit: &str| {
            let run = Lab::dual().within(limit).with(slow.clone()).run();
            run.names(Status::Fail)
        };
        let names = red("100ms");
        assert!(names.iter().all(|name| name.starts_with("parity::answer_times/")), "{names:?}");
        assert!(names.contains(&"parity::answer_times/n2 -> pods".to_owned()), "{names:?}");
        assert!(!names.contains(&"parity::answer_times/n1 -> pods".to_owned()), "{names:?}");
        assert_eq!(red("300ms"), [""; 0]);
        // Half of its answers are as quick as ever.
        let run = Lab::dual().within("100ms").with(slow.clone()).run();
        let other = run.case("parity::answer_times/n1 -> pods");
        assert_eq!(other.verdict.status(), Status::Inconclusive);
        assert!(red("3x").contains(&"parity::answer_times/n2 -> pods".to_owned()));
    }

    #[test]
    fn without_a_limit_nothing_is_judged() {
        let slow = Fault::Slow { at: "n2", millis: 210, family: V6 };
        let run = Lab::dual().with(slow).run();
        assert!(!run.record.judged.iter().any(|it| it.case.check.starts_with("parity")));
    }

    #[test]
    fn a_family_that_does_not_answer_is_another_checks_matter() {
        let silent = Fault::NotForwarding { on: "n2", family: V6 };
        let run = Lab::dual().within("100ms").with(silent).run();
        let case = run.case("parity::answer_times/n2 -> pods");
        assert_eq!(case.verdict.status(), Status::Skip);
        assert!(case.verdict.detail().starts_with("blocked by pod::reachable: no path from n2"));
    }
}
