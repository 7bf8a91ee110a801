//! The report where nobody watches a cursor move: a line on stderr for each thing that happens, and
//! the results on stdout.

use std::time::{Duration, Instant};

use super::{ReportError, Reporter, results::Results, streams::Stream, text::Detail};
use crate::{check::Status, event::Event};

/// Plain lines.
#[derive(Debug)]
pub(crate) struct Plain {
    results: Results,
    err: Stream,
    began: Instant,
    /// What was last said to be awaited, and when.
    awaited: Option<(String, Instant)>,
}

impl Plain {
    /// How long a line about what is awaited stands.
    const PACE: Duration = Duration::from_secs(2);

    /// Results to `out`, what happens to `err`.
    pub(crate) fn new(out: Stream, err: Stream, detail: Detail) -> Self {
        Self { results: Results::new(out, detail), err, began: Instant::now(), awaited: None }
    }

    /// Whether it is worth a line that something else is awaited: not with every pod that moves.
    fn is_news(&self, what: &str) -> bool {
        self.awaited
            .as_ref()
            .is_none_or(|(before, when)| before != what && when.elapsed() >= Self::PACE)
    }

    fn line(&self, event: &Event) -> Option<String> {
        let full = self.results.detail() == Detail::Full;
        match event {
            Event::PhaseStarted(phase) => Some(phase.doing().to_owned()),
            Event::PhaseFinished(phase, took) if full => {
                Some(format!("{} took {:.1} s", phase.doing(), took.as_secs_f64()))
            }
            Event::Waiting { what, .. } => self.is_news(what).then(|| what.clone()),
            Event::Notice(notice) => Some(format!("note: {notice}")),
            Event::NodesSelected(nodes) => {
                let selected = nodes.iter().filter(|node| node.excluded.is_none()).count();
                Some(format!("{selected} of {} nodes are tested", nodes.len()))
            }
            Event::Creating(objects) => Some(format!("creating {}", objects.join("; "))),
            Event::Planned { cases, probes } => Some(format!("{cases} cases, {probes} probes")),
            Event::Judged(judged) => {
                let (name, detail) = (judged.case.name(), judged.verdict.detail());
                match judged.verdict.status() {
                    Status::Fail => Some(format!("FAIL {name}: {detail}")),
                    Status::Inconclusive => Some(format!("inconclusive {name}: {detail}")),
                    Status::Pass if full => Some(format!("pass {name}: {detail}")),
                    Status::Skip if full => Some(format!("skip {name}: {detail}")),
                    Status::Pass | Status::Skip => None,
                }
            }
            Event::Started(_)
            | Event::BrokenOff { .. }
            | Event::PhaseFinished(..)
            | Event::Finished(_) => None,
        }
    }
}

impl Reporter for Plain {
    fn event(&mut self, event: &Event) {
        self.results.event(event);
        if self.results.detail() == Detail::Brief {
            return;
        }
        if let Some(line) = self.line(event) {
            let elapsed = self.began.elapsed().as_secs_f64();
            self.err.say(&format!("[{elapsed:6.1} s] {line}"));
            if let Event::Waiting { what, .. } = event {
                self.awaited = Some((what.clone(), Instant::now()));
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        Box::new(self.results).finish()
    }
}
