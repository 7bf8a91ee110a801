//! A record as reports that are read at a glance look at it: counts, causes, and what no cause
//! explains.

use std::collections::{BTreeSet, HashMap};

use super::{Tally, grouped::grouped};
use crate::{
    cause::Judged, check::Failure, exit::Exit, net::IpFamily, probe::Observation, record::Record,
};

/// A record, with what belongs together found quickly.
#[derive(Debug)]
pub(super) struct Digest<'a> {
    pub(super) record: &'a Record,
    /// The cases of each check, in the record's order.
    pub(super) checks: Vec<Checked<'a>>,
    /// The families that cases are of; `None` for cases of both at once.
    pub(super) families: Vec<Option<IpFamily>>,
    /// The number, from 1, of the cause that explains a case, by the case's name.
    causes: HashMap<&'a str, usize>,
}

/// The cases of a check.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    pub(super) id: &'a str,
    pub(super) cases: Vec<&'a Judged>,
}

impl Checked<'_> {
    /// How the cases of one family ended.
    pub(super) fn tally(&self, family: Option<IpFamily>) -> Tally {
        let of = self.cases.iter().copied().filter(|judged| judged.case.family == family);
        of.collect()
    }
}

/// Failures of one check and family that want the same done about them.
#[derive(Debug)]
pub(super) struct Unexplained<'a> {
    pub(super) check: &'a str,
    pub(super) family: Option<IpFamily>,
    pub(super) members: Vec<(&'a Judged, &'a Failure)>,
}

impl<'a> Digest<'a> {
    pub(super) fn new(record: &'a Record) -> Self {
        let mut causes = HashMap::new();
        for (number, cause) in (1..).zip(&record.causes) {
            for name in &cause.explains {
                causes.entry(name.as_str()).or_insert(number);
            }
        }
        let mut checks: Vec<Checked<'a>> = Vec::new();
        for judged in &record.judged {
            let id = judged.case.check.as_str();
            match checks.iter_mut().rev().find(|checked| checked.id == id) {
                Some(checked) => checked.cases.push(judged),
                None => checks.push(Checked { id, cases: vec![judged] }),
            }
        }
        let present: BTreeSet<_> = record.judged.iter().map(|judged| judged.case.family).collect();
        let families = [Some(IpFamily::V4), Some(IpFamily::V6), None];
        let families = families.into_iter().filter(|family| present.contains(family)).collect();
        Self { record, checks, families, causes }
    }

    /// The number of the cause that explains a case.
    pub(super) fn cause_of(&self, judged: &Judged) -> Option<usize> {
        self.causes.get(judged.case.name().as_str()).copied()
    }

    /// How all cases ended.
    pub(super) fn tally(&self) -> Tally {
        self.record.judged.iter().collect()
    }

    /// The failures that no cause explains, in groups.
    pub(super) fn unexplained(&self) -> Vec<Unexplained<'a>> {
        let failures = self.record.judged.iter().filter_map(|judged| {
            let failure = judged.verdict.failure()?;
            self.cause_of(judged).is_none().then_some((judged, failure))
        });
        let key = |(judged, failure): &(&'a Judged, &'a Failure)| {
            (judged.case.check.as_str(), judged.case.family, failure.fix.as_slice())
        };
        let groups = grouped(failures, key).into_iter();
        groups.map(|((check, family, _), members)| Unexplained { check, family, members }).collect()
    }
}

/// How a run ended, in one or two words.
pub(super) const fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Passed => "Passed",
        Exit::Failed => "Failed",
        Exit::Inconclusive => "Inconclusive",
        Exit::Interrupted => "Interrupted",
        Exit::Usage | Exit::Cluster => "Not run",
        Exit::NothingSelected => "Nothing selected",
    }
}

/// A family as a column's title.
pub(super) const fn family_name(family: Option<IpFamily>) -> &'static str {
    match family {
        Some(family) => family.as_str(),
        None => "both families",
    }
}

/// A number of things: `1 node`, `3 nodes`.
pub(super) fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// A time as people say it: `80 ms`, `13.6 s`.
#[expect(clippy::cast_precision_loss, reason = "seconds are shown with one digit")]
pub(super) fn time(millis: u64) -> String {
    if millis < 1000 { format!("{millis} ms") } else { format!("{:.1} s", millis as f64 / 1000.0) }
}

/// Attempts as text, like ones together in the order of the first: `timed out (500, 1000 ms)`,
/// `answered by nginx-1 (12 times, 0 to 30 ms)`.
pub(super) fn attempts(observation: &Observation) -> String {
    const LISTED: usize = 6;
    let mut alike: Vec<(String, Vec<u32>)> = Vec::new();
    for attempt in &observation.attempts {
        let outcome = attempt.outcome.to_string();
        match alike.iter_mut().find(|(of, _)| *of == outcome) {
            Some((_, times)) => times.push(attempt.millis),
            None => alike.push((outcome, vec![attempt.millis])),
        }
    }
    let mut parts: Vec<String> = alike
        .into_iter()
        .map(|(outcome, times)| {
            let (least, most) = (times.iter().min(), times.iter().max());
            match (least, most) {
                (Some(least), Some(most)) if times.len() > LISTED => {
                    format!("{outcome} ({} times, {least} to {most} ms)", times.len())
                }
                _ => {
                    let times: Vec<String> = times.iter().map(ToString::to_string).collect();
                    format!("{outcome} ({} ms)", times.join(", "))
                }
            }
        })
        .collect();
    if let Some(lost) = &observation.lost {
        parts.push(format!("cut off: {lost}"));
    }
    parts.join("; ")
}
