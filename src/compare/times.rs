//! Paths whose time changed.

use super::{model::TimeChange, pairs::Pair};
use crate::{cause::Judged, check::Status, probe::Target, record::Record};

/// The least change that is told, in milliseconds. Pods count in tens of them, and a busy machine
/// wakes a process late by some more.
const LEAST_MS: u32 = 100;

/// The least change that is told, as a factor.
const FACTOR: u32 = 3;

/// The paths that pass in both runs and are notably slower, and those that are notably faster.
///
/// A probe's time is that of its fastest success, which no wait for a busy machine can shorten, and
/// a case's that of its slowest probe. Only probes with two successes or more count: one may have
/// been unlucky. Notable is a change by [`FACTOR`] and by [`LEAST_MS`]. Trains of datagrams, whose
/// time depends on what is lost, have no part in it.
pub(super) fn compare(
    old: &Record,
    new: &Record,
    pairs: &[Pair<'_>],
) -> (Vec<TimeChange>, Vec<TimeChange>) {
    let notable = |less: u32, more: u32| {
        more.saturating_sub(less) >= LEAST_MS && more >= less.saturating_mul(FACTOR)
    };
    let (mut slower, mut faster) = (Vec::new(), Vec::new());
    for pair in pairs {
        let Pair::Both(before, now) = pair else { continue };
        let (Some(before_ms), Some(now_ms)) = (time(before, old), time(now, new)) else { continue };
        let to = match (notable(before_ms, now_ms), notable(now_ms, before_ms)) {
            (true, _) => &mut slower,
            (_, true) => &mut faster,
            _ => continue,
        };
        to.push(TimeChange {
            case: now.case.name(),
            check: now.case.check.clone(),
            family: now.case.family,
            subject: now.case.subject.clone(),
            before_ms,
            now_ms,
        });
    }
    (slower, faster)
}

/// How long a case's path takes, in milliseconds; `None` where it didn't pass or nothing was timed.
fn time(judged: &Judged, record: &Record) -> Option<u32> {
    if judged.verdict.status() != Status::Pass {
        return None;
    }
    let probes = judged.case.probes.iter();
    let timed = probes.filter_map(|&id| {
        let (probe, observation) = (record.probes.probe(id)?, record.probes.observation(id)?);
        if matches!(probe.target, Target::Loss { .. }) {
            return None;
        }
        let successes = observation.attempts.iter().filter(|attempt| attempt.outcome.succeeded());
        let millis: Vec<u32> = successes.map(|attempt| attempt.millis).collect();
        if millis.len() < 2 { None } else { millis.into_iter().min() }
    });
    timed.max()
}
