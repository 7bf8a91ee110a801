//! The report for people: failures first and in full sentences, then what was tried, as tables,
//! then why the rest is not known, and one line that says it all.

mod failures;
mod grid;
mod layout;
mod parity;
mod reasons;
mod subjects;
mod summary;
mod tables;
mod view;

pub(crate) use layout::{Detail, Layout};
pub(crate) use layout::{Prose, paint_verdict};

use crate::{
    event::{Finished, Started},
    exit::Exit,
    facts::Server,
    record::Record,
};
use layout::{BOLD, DIM, paint};
use view::View;

/// What is about to be touched, as the first words of a run.
pub(crate) fn header(started: &Started, layout: Layout) -> String {
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
pub(crate) fn creating(objects: &[String], layout: Layout) -> String {
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

/// How a run ended, of how many cases, in what time: one sentence.
pub(super) fn sentence(record: &Record) -> String {
    summary::sentence(record)
}

/// Everything that was found, except the [`header`]. `notices` are those of the run's events.
pub(crate) fn body(finished: &Finished, notices: &[String], layout: Layout) -> String {
    let view = View::new(&finished.record, layout);
    let mut parts = vec![failures::render(&view)];
    if layout.detail > Detail::Brief {
        parts.push(tables::render(&view));
        parts.push(parity::render(&view));
        parts.push(reasons::render(&view, notices));
    } else {
        if finished.exit == Exit::Inconclusive {
            parts.push(reasons::undetermined(&view));
        }
        parts.push(reasons::baseline(&view));
    }
    parts.push(summary::render(finished, layout));
    parts.retain(|part| !part.is_empty());
    format!("\n{}", parts.join("\n"))
}
