//! The report for people: failures first and in full sentences, then what was tried, as tables,
//! then why the rest is not known, and one line that says it all.

mod failures;
mod layout;
mod reasons;
mod subjects;
mod summary;
mod tables;

pub(crate) use layout::Prose;
pub use layout::{Detail, Layout};

use std::collections::HashMap;

use crate::{
    cause::Judged,
    event::{Finished, Started},
    facts::Server,
    probe::Attempt,
    record::Record,
};
use layout::{BOLD, DIM, paint};

/// What is about to be touched, as the first words of a run.
pub fn header(started: &Started, layout: Layout) -> String {
    let Started { run, server, suite, namespace } = started;
    let mut prose = Prose::new(layout);
    prose
        .paragraph(&format!(
            "{} on {}, {} ({})",
            paint(BOLD, &format!("dualstack {}", env!("CARGO_PKG_VERSION"))),
            where_to(server),
            server.url,
            server.version,
        ))
        .paragraph(&paint(DIM, &format!("suite {suite}, namespace {namespace}, run {run}")));
    prose.into_text()
}

/// What is about to be created, a paragraph for each namespace.
pub fn creating(objects: &[String], layout: Layout) -> String {
    let mut prose = Prose::new(layout);
    for object in objects {
        prose.paragraph(&paint(DIM, &format!("creating {object}")));
    }
    prose.into_text()
}

/// The context, or what stands for one.
pub(super) fn where_to(server: &Server) -> String {
    match &server.context {
        Some(context) => format!("context {context}"),
        None => "the cluster it runs in".to_owned(),
    }
}

/// Everything that was found, except the [`header`]. `notices` are those of the run's events.
pub fn body(finished: &Finished, notices: &[String], layout: Layout) -> String {
    let view = View::new(&finished.record, layout);
    let mut parts = vec![failures::render(&view)];
    if layout.detail > Detail::Brief {
        parts.push(tables::render(&view));
        parts.push(reasons::render(&view, notices));
    }
    parts.push(summary::render(finished, layout));
    parts.retain(|part| !part.is_empty());
    format!("\n{}", parts.join("\n"))
}

/// A record, with what belongs together found quickly.
struct View<'a> {
    record: &'a Record,
    layout: Layout,
    /// The number in the report, from 1, of the cause that explains a case, by the case's name.
    causes: HashMap<&'a str, usize>,
}

impl<'a> View<'a> {
    fn new(record: &'a Record, layout: Layout) -> Self {
        let mut causes = HashMap::new();
        for (number, cause) in (1..).zip(&record.causes) {
            for name in &cause.explains {
                causes.entry(name.as_str()).or_insert(number);
            }
        }
        Self { record, layout, causes }
    }

    /// The number of the cause that explains a case.
    fn cause_of(&self, judged: &Judged) -> Option<usize> {
        self.causes.get(judged.case.name().as_str()).copied()
    }

    /// Every attempt of a case's own probes.
    fn attempts(&self, judged: &'a Judged) -> impl Iterator<Item = &'a Attempt> {
        self.record.observations(judged).flat_map(|observation| &observation.attempts)
    }

    /// Whether something had to be tried again.
    fn was_retried(&self, judged: &'a Judged) -> bool {
        self.attempts(judged).any(|attempt| !attempt.outcome.succeeded())
    }

    /// How many subjects or sentences of one kind prose may list.
    const fn most(&self) -> usize {
        match self.layout.detail {
            Detail::Full => usize::MAX,
            Detail::Brief | Detail::Normal => 6,
        }
    }
}
