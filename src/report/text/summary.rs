//! The last lines: how it ended, of how many, in what time.

use super::{
    layout::{BOLD, DIM, Detail, Layout, Prose, RED, paint, paint_verdict},
    reasons::EACH,
};
use crate::{
    event::Finished,
    exit::Exit,
    probe::{Attempt, Outcome},
    record::{Phase, PhaseTime, Record},
    report::Tally,
};

/// The summary.
pub(super) fn render(finished: &Finished, layout: Layout) -> String {
    let record = &finished.record;
    let mut prose = Prose::new(layout);
    if layout.detail == Detail::Full && !record.phases.is_empty() {
        prose.paragraph(&paint(DIM, &phases(record)));
    }
    if !record.left_behind.is_empty() {
        prose
            .line(&paint(RED, "Left behind in the cluster"))
            .points(record.left_behind.iter().cloned())
            .line("Remove it with `dualstack cleanup`.");
    }
    if let Some(broken_off) = &record.broken_off {
        let error = &broken_off.error;
        prose.paragraph(&format!("{} {error}", paint(RED, "Run stopped early:")));
    }
    let word = match finished.exit {
        Exit::Passed => "PASSED",
        Exit::Failed => "FAILED",
        Exit::Inconclusive => "INCONCLUSIVE",
        Exit::Interrupted => "INTERRUPTED",
        Exit::Usage | Exit::Cluster => "NOT RUN",
        Exit::NothingSelected => "NOTHING SELECTED",
    };
    prose.paragraph(&format!("{} {}", paint_verdict(finished.exit, word), sentence(record)));
    if layout.detail < Detail::Full || record.causes.len() > 1 {
        for (number, cause) in (1..).zip(&record.causes) {
            prose.paragraph(&format!(
                "  {} {}",
                paint(BOLD, &format!("cause {number}:")),
                cause.what
            ));
        }
    }
    prose.into_text()
}

/// `suite dual-stack: 11 failed, 99 passed of 110 cases on 3 of 4 nodes in 7.3 s`.
pub(super) fn sentence(record: &Record) -> String {
    let tally = Tally::of(&record.judged, &record.review());
    let mut text = format!("suite {}: {tally}", record.suite.name);
    if tally.total() > 0 && tally.total() != tally.passed {
        text.push_str(&format!(" of {} cases", tally.total()));
    }
    if let Some(fixture) = &record.fixture {
        let (selected, all) = (fixture.selected().count(), fixture.nodes.len());
        if selected == all {
            text.push_str(&format!(", on {}", counted(all, "node")));
        } else {
            text.push_str(&format!(", on {selected} of {}", counted(all, "node")));
        }
        // A green says what it rests on.
        let (tried, pairs) = fixture.mesh.pairs();
        if tried < pairs {
            text.push_str(&format!(" ({tried} of {pairs} pairs of them tested)"));
        }
        let untested: Vec<&str> = fixture.untested().map(|(name, _)| name).collect();
        if !untested.is_empty() {
            let named = untested.iter().take(EACH).copied().collect::<Vec<_>>().join(", ");
            text.push_str(&format!(" (not tested: {named}"));
            if untested.len() > EACH {
                text.push_str(&format!(" and {} more", untested.len() - EACH));
            }
            text.push(')');
        }
    }
    if let Some((verdicts, teardown)) = times(record) {
        text.push_str(&format!(", in {}", seconds(verdicts)));
        if let Some(teardown) = teardown {
            text.push_str(&format!(" and {} to tear down", seconds(teardown)));
        }
    }
    // Proxies and DNS servers learn of new Services after a moment: what fails until then and not
    // after is no news. What fails on other ways, or after it had worked, is.
    let retried = record.probes.iter().filter(|(_, probe, observation)| {
        let attempts = || observation.iter().flat_map(|observation| &observation.attempts);
        let settles =
            |outcome: &Outcome| probe.aim.needs_proxy() || matches!(outcome, Outcome::NoSuchName);
        let failed = |attempt: &Attempt| !attempt.outcome.succeeded();
        let first = attempts().position(|attempt| attempt.outcome.succeeded());
        first.is_some_and(|first| {
            let mut attempts = attempts().enumerate();
            attempts.any(|(i, it)| failed(it) && (i > first || !settles(&it.outcome)))
        })
    });
    match retried.count() {
        0 => {}
        1 => text.push_str("; 1 probe succeeded only on retry"),
        count => text.push_str(&format!("; {count} probes succeeded only on retry")),
    }
    text
}

/// The time until the last verdict, and that of the teardown, in milliseconds.
fn times(record: &Record) -> Option<(u64, Option<u64>)> {
    let (teardown, before): (Vec<&PhaseTime>, Vec<&PhaseTime>) =
        record.phases.iter().partition(|time| time.phase == Phase::Teardown);
    let verdicts = before.iter().map(|time| time.start_ms + time.millis).max()?;
    Some((verdicts, teardown.first().map(|time| time.millis)))
}

fn phases(record: &Record) -> String {
    let phases = record.phases.iter();
    let parts: Vec<String> =
        phases.map(|phase| format!("{} {}", phase.phase.doing(), seconds(phase.millis))).collect();
    format!("Time: {}.", parts.join(", "))
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[expect(clippy::cast_precision_loss, reason = "seconds are shown with one digit")]
fn seconds(millis: u64) -> String {
    format!("{:.1} s", millis as f64 / 1000.0)
}
