//! What a run tells GitHub Actions without being asked: its Markdown in the job's summary, and an
//! annotation for each cause.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    Ending, Format, ReportError, Reporter, digest::Digest, format::End, markdown, reason::Reason,
    safe, streams::Stream,
};
use crate::{check::Status, event::Event, record::Record};

/// GitHub shows no more than this many annotations of a kind for one step.
const MOST: usize = 10;
/// GitHub takes no larger summary of a step, in bytes.
const LARGEST: usize = 1 << 20;

/// The job's summary and annotations.
#[derive(Debug)]
pub(crate) struct GitHub {
    out: Stream,
    summary: Option<PathBuf>,
    end: End,
}

impl GitHub {
    /// Annotations to `out`, where the runner reads commands; `None` outside of GitHub Actions.
    pub(crate) fn from_environment(out: impl FnOnce() -> Stream) -> Option<Self> {
        if env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
            return None;
        }
        let summary = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        Some(Self::new(out(), summary.map(PathBuf::from)))
    }

    /// Annotations to `out`, and a summary that is added to this file.
    pub(super) fn new(out: Stream, summary: Option<PathBuf>) -> Self {
        Self { out, summary, end: End::default() }
    }
}

impl Reporter for GitHub {
    fn event(&mut self, event: &Event) {
        self.end.event(event);
    }

    fn finish(mut self: Box<Self>) -> Result<(), ReportError> {
        let Some(ending) = self.end.ending() else { return Ok(()) };
        let lines = annotations(ending);
        let mut result = self
            .out
            .print(&lines)
            .map_err(|error| ReportError { what: "the annotations to stdout".to_owned(), error });
        if let Some(path) = &self.summary {
            let what = format!("the job's summary to {}", path.display());
            let written = append(&markdown::FORMAT, ending, path);
            result = result.and(written.map_err(|error| ReportError { what, error }));
        }
        result
    }
}

/// Adds a report to a file that others write to as well.
fn append(format: &Format, ending: Ending<'_>, path: &Path) -> io::Result<()> {
    let Some(mut content) = (format.render)(ending)? else { return Ok(()) };
    if content.len() > LARGEST {
        content = b"The report is too large for this page; write it to a file with `--markdown`."
            .to_vec();
    }
    content.push(b'\n');
    fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(&content)
}

/// A line for each cause, each other kind of failure, and for what broke the run off.
fn annotations(ending: Ending<'_>) -> String {
    let mut lines = match ending {
        Ending::NotBegun(error) => vec![command("error", "dualstack", error)],
        Ending::Finished(record) => of_record(record),
    };
    let more = lines.len().saturating_sub(MOST);
    if more > 0 {
        lines.truncate(MOST - 1);
        lines.push(command(
            "error",
            "dualstack",
            &format!("{} more findings, see the report", more + 1),
        ));
    }
    lines.concat()
}

fn of_record(record: &Record) -> Vec<String> {
    let digest = Digest::new(record);
    let mut lines = Vec::new();
    if let Some(broken_off) = &record.broken_off {
        lines.push(command("error", "dualstack: run stopped early", &broken_off.error));
    }
    for (number, cause) in (1..).zip(&record.causes) {
        let fix = cause.fix.first().map(|fix| format!("\nFix: {fix}")).unwrap_or_default();
        let title = format!("dualstack: cause {number}");
        lines.push(command("error", &title, &format!("{}{fix}", cause.what)));
    }
    for group in digest.unexplained() {
        let Some((_, failure)) = group.members.first() else { continue };
        let title = format!("dualstack: {}", group.check);
        let more = match group.members.len() - 1 {
            0 => String::new(),
            more => format!("\nAnd {more} more like it."),
        };
        lines.push(command("error", &title, &format!("{}{more}", failure.what)));
    }
    let open = digest.tally().inconclusive;
    if open > 0 {
        let reasons = Reason::all(record, Status::Inconclusive);
        let first = reasons.first().map(|first| format!(": {}", first.text)).unwrap_or_default();
        let text = format!("{open} cases could not be determined{first}");
        lines.push(command("warning", "dualstack: inconclusive", &text));
    }
    lines
}

/// One workflow command, as a line.
fn command(level: &str, title: &str, message: &str) -> String {
    let data =
        |text: &str| safe::text(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={}::{}\n", property(title), data(message))
}
