//! The figures over all rows: how many faults were caught, explained and proved, and how long a
//! broken cluster takes beside a healthy one.

use std::time::Duration;

use dualstack::cause::Confidence;

use crate::{error::Error, row::Row, seen::Seen, truth::Judgement};

/// Rows with what was seen, or why nothing was.
pub(crate) type Results<'a> = [(&'a Row, Result<Vec<Seen>, Error>)];

/// The figures as sentences; none where no fault was tried.
pub(crate) fn lines(results: &Results<'_>) -> Vec<String> {
    let all = results.iter().filter_map(|(row, result)| Some((*row, result.as_ref().ok()?)));
    let (broken, whole): (Vec<_>, Vec<_>) = all
        .flat_map(|(row, seen)| seen.iter().map(move |seen| (row, seen)))
        .partition(|(row, _)| matches!(row, Row::Fault(_) | Row::NetworkFault(..)));
    let broken: Vec<&Seen> = broken.into_iter().map(|(_, seen)| seen).collect();
    let healthy = whole.into_iter().filter(|(row, _)| matches!(row, Row::Healthy | Row::Repaired));
    let healthy: Vec<&Seen> = healthy.map(|(_, seen)| seen).collect();
    [faults(&broken), times(&healthy, &broken)].into_iter().flatten().collect()
}

/// How many faults were caught, exactly, with the right cause and a proof.
fn faults(broken: &[&Seen]) -> Option<String> {
    let judged: Vec<(&Seen, &Judgement)> = broken
        .iter()
        .filter_map(|seen| Some((*seen, seen.judgement.as_ref()?)))
        .filter(|(_, judgement)| !judgement.is_invisible())
        .collect();
    if judged.is_empty() {
        return None;
    }
    let share = |what: &str, holds: &dyn Fn(&Seen, &Judgement) -> bool| {
        let count = judged.iter().filter(|(seen, judgement)| holds(seen, judgement)).count();
        format!("{count} {what} ({} %)", count * 100 / judged.len())
    };
    let proved = |seen: &Seen, judgement: &Judgement| {
        let first = seen.causes.first();
        judgement.is_right_first()
            && first.is_some_and(|cause| cause.confidence == Confidence::Proved)
    };
    Some(format!(
        "Of {} faults that can show: {}.",
        judged.len(),
        [
            share("caught", &|_, judgement| judgement.is_red()),
            share("with exactly the right cases and causes", &|_, judgement| {
                judgement.is_red() && judgement.is_exact()
            }),
            share("with the right cause", &|_, judgement| {
                judgement.is_red() && judgement.has_right_cause()
            }),
            share("with it first", &|_, judgement| judgement.is_red()
                && judgement.is_right_first()),
            share("with it first and proved", &proved),
        ]
        .join(", ")
    ))
}

/// The medians of the times of healthy and of broken clusters.
fn times(healthy: &[&Seen], broken: &[&Seen]) -> Option<String> {
    let healthy = median(healthy)?;
    let broken = median(broken)?;
    Some(format!(
        "Median time of a run: {} healthy, {} with a fault ({:.1} times as long).",
        seconds(healthy),
        seconds(broken),
        broken.as_secs_f64() / healthy.as_secs_f64().max(f64::EPSILON)
    ))
}

fn median(seen: &[&Seen]) -> Option<Duration> {
    let mut times: Vec<Duration> = seen.iter().filter_map(|seen| seen.took).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// `9.4 s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(seconds: u64) -> Seen {
        Seen { took: Some(Duration::from_secs(seconds)), ..Seen::default() }
    }

    #[test]
    fn the_median_passes_over_runs_without_a_record() {
        let runs = [ran(30), ran(9), Seen::default(), ran(11)];
        assert_eq!(median(&runs.each_ref()), Some(Duration::from_secs(11)));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_fault_that_nothing_can_show_counts_in_no_share() {
        let judged = |judgement| Seen { judgement: Some(judgement), ..Seen::default() };
        let name = || ["a case".to_owned()].into();
        let caught = judged(Judgement {
            right: name(),
            right_causes: vec!["path_mtu"],
            causes: vec!["path_mtu".to_owned()],
            ..Judgement::default()
        });
        let missed = judged(Judgement { missed: name(), ..Judgement::default() });
        let invisible = judged(Judgement::default());
        assert_eq!(
            faults(&[&caught, &missed, &invisible]).unwrap(),
            "Of 2 faults that can show: 1 caught (50 %), 1 with exactly the right cases and \
             causes (50 %), 1 with the right cause (50 %), 1 with it first (50 %), \
             0 with it first and proved (0 %)."
        );
    }
}
