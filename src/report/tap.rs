//! The run as TAP 14: one test point for each case, in the record's order.
//!
//! Inconclusive is not ok: a harness must not take what is not known for a pass. What is known of a
//! failure stands in a YAML block, whose strings are written as JSON, which YAML is a superset of.

use super::{
    Ending, Format,
    digest::{self, Digest},
    safe,
};
use crate::check::Status;

/// The run as TAP.
pub(crate) static FORMAT: Format = Format {
    option: "tap",
    what: "the TAP report",
    help: "Write TAP version 14 to this file (`-`: stdout)",
    render: |ending| {
        let text = match ending {
            Ending::Finished(record) => of_digest(&Digest::new(record)),
            Ending::NotBegun(error) => of_nothing(error),
        };
        Ok(Some(text.into_bytes()))
    },
};

/// The report of a run that broke off before it began: one failed test, so that no harness takes
/// the absence of failures for success.
fn of_nothing(error: &str) -> String {
    let mut tap = Tap::new(1);
    tap.point(false, "run/finished", None);
    tap.block(&[("message", vec![error.to_owned()])]);
    tap.text
}

fn of_digest(digest: &Digest<'_>) -> String {
    let record = digest.record;
    let of_the_run = [
        ("run/finished", record.broken_off.iter().map(|it| it.error.clone()).collect::<Vec<_>>()),
        ("run/teardown", record.left_behind.clone()),
    ];
    let of_the_run: Vec<_> =
        of_the_run.into_iter().filter(|(_, lines)| !lines.is_empty()).collect();
    let mut tap = Tap::new(of_the_run.len() + record.judged.len());
    for (name, lines) in of_the_run {
        tap.point(false, name, None);
        tap.block(&[("message", lines)]);
    }
    for judged in &record.judged {
        let (status, detail) = (judged.verdict.status(), judged.verdict.detail());
        let skipped = (status == Status::Skip).then_some(detail);
        tap.point(matches!(status, Status::Pass | Status::Skip), &judged.case.name(), skipped);
        if matches!(status, Status::Pass | Status::Skip) {
            continue;
        }
        let failure = judged.verdict.failure();
        let cause = digest.cause_of(judged).and_then(|number| record.causes.get(number - 1));
        let attempts: Vec<String> = record.observations(judged).map(digest::attempts).collect();
        tap.block(&[
            ("verdict", vec![status.to_string()]),
            ("observed", vec![detail.to_owned()]),
            ("message", failure.iter().map(|failure| failure.what.clone()).collect()),
            ("cause", cause.iter().map(|cause| cause.what.clone()).collect()),
            ("attempts", attempts),
            ("reproduce", failure.map(|failure| failure.reproduce.clone()).unwrap_or_default()),
            ("fix", failure.map(|failure| failure.fix.clone()).unwrap_or_default()),
        ]);
    }
    tap.text
}

/// TAP as it is written.
struct Tap {
    text: String,
    points: usize,
}

impl Tap {
    fn new(points: usize) -> Self {
        Self { text: format!("TAP version 14\n1..{points}\n"), points: 0 }
    }

    fn point(&mut self, ok: bool, name: &str, skipped: Option<&str>) {
        self.points += 1;
        let word = if ok { "ok" } else { "not ok" };
        self.text.push_str(&format!("{word} {} - {}", self.points, escaped(name)));
        if let Some(reason) = skipped {
            self.text.push_str(&format!(" # SKIP {}", escaped(reason)));
        }
        self.text.push('\n');
    }

    /// A YAML block of lists and of strings where there is only one; what is empty is left out.
    fn block(&mut self, fields: &[(&str, Vec<String>)]) {
        self.text.push_str("  ---\n");
        for (key, values) in fields {
            match values.as_slice() {
                [] => {}
                [one] => self.text.push_str(&format!("  {key}: {}\n", quoted(one))),
                many => {
                    self.text.push_str(&format!("  {key}:\n"));
                    many.iter()
                        .for_each(|it| self.text.push_str(&format!("    - {}\n", quoted(it))));
                }
            }
        }
        self.text.push_str("  ...\n");
    }
}

/// A description on one line, in which nothing begins a directive.
fn escaped(text: &str) -> String {
    safe::line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(safe::text(text)).to_string()
}
