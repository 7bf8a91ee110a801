//! What several readings mean together.

use super::{
    Verdict,
    reading::{Reading, State, Symptom},
    words,
};

/// The verdict on readings of which none is bad: a pass, unless one can't be told.
pub(super) fn unless_unknown(readings: &[Reading<'_>]) -> Verdict {
    unknown(readings).unwrap_or_else(|| Verdict::pass(passed(readings)))
}

/// The readings that went wrong, each with how.
pub(super) fn bad<'r, 'a>(
    readings: &'r [Reading<'a>],
) -> impl Iterator<Item = (&'r Reading<'a>, &'r Symptom)> {
    readings.iter().filter_map(|reading| Some((reading, reading.symptom()?)))
}

/// A symptom's detail, which says so where only large answers are lost.
pub(super) fn sized(reading: &Reading<'_>, symptom: &Symptom) -> String {
    if reading.probe.target.is_large() {
        format!("large answers: {}", symptom.detail)
    } else {
        symptom.detail.clone()
    }
}

/// The verdict where something can't be told, or nothing was tried.
pub(super) fn unknown(readings: &[Reading<'_>]) -> Option<Verdict> {
    if readings.is_empty() {
        return Some(Verdict::inconclusive("there is nothing to test"));
    }
    let mut reasons = readings.iter().filter_map(|reading| match &reading.state {
        State::Unknown(reason) => Some(reason),
        State::Good | State::Bad(_) => None,
    });
    let first = reasons.next()?;
    Some(Verdict::inconclusive(match reasons.count() {
        0 => first.clone(),
        more => format!("{first} (and {more} more)"),
    }))
}

/// How well it went: the slowest answer, and what had to settle first.
fn passed(readings: &[Reading<'_>]) -> String {
    let settling = readings.iter().map(|reading| reading.settling).max().unwrap_or(0);
    let millis = readings.iter().filter_map(Reading::slowest).max();
    let time = millis.map_or_else(|| "answered".to_owned(), |ms| format!("answered in {ms} ms"));
    if settling == 0 { time } else { format!("{time}, succeeded on attempt {}", settling + 1) }
}

/// The shares of what went wrong: `2 of 3 backends: timed out twice`.
pub(super) fn share(bad: usize, all: usize, what: &str, detail: &str) -> String {
    if all == 1 {
        detail.to_owned()
    } else {
        format!("{bad} of {}: {detail}", words::count(all, what))
    }
}
