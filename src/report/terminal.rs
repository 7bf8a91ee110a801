//! The report for somebody at a terminal: one line on stderr that says what is going on and for how
//! long, and the results on stdout.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{
    ReportError, Reporter, Tally, results::Results, streams::Stream, text::Detail, text::where_to,
};
use crate::event::{Event, Phase, Started};

/// A progress line, then the results.
#[derive(Debug)]
pub(crate) struct Terminal {
    results: Results,
    bar: ProgressBar,
    /// Since when what the line shows has been going on.
    since: Arc<Mutex<Instant>>,
    /// The phases under way, the latest last.
    phases: Vec<InProgress>,
    /// Whether the line has a bar for the cases that are judged.
    probing: bool,
    cases: usize,
    tally: Tally,
}

#[derive(Debug)]
struct InProgress {
    phase: Phase,
    since: Instant,
    awaited: String,
}

impl Terminal {
    /// Results to `out`; the progress line goes to stderr, which must be a terminal.
    pub(crate) fn new(out: Stream, detail: Detail) -> Self {
        let since = Arc::new(Mutex::new(Instant::now()));
        let target = if detail == Detail::Brief {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(None, target).with_style(style(false, &since));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self {
            results: Results::new(out, detail),
            bar,
            since,
            phases: Vec::new(),
            probing: false,
            cases: 0,
            tally: Tally::default(),
        }
    }

    fn started(&self, started: &Started) {
        if !self.results.is_interactive() {
            // The results go elsewhere; who watches must still see what is about to be touched.
            let server = &started.server;
            self.bar.println(format!("{}, {} ({})", where_to(server), server.url, server.version));
        }
    }

    fn show(&mut self) {
        let probing = self.cases > 0
            && self.phases.last().is_some_and(|current| current.phase == Phase::Probe);
        if probing != self.probing {
            self.probing = probing;
            self.bar.set_style(style(probing, &self.since));
        }
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.bar.set_length(count(self.cases));
        self.bar.set_position(count(self.tally.total()));
        let Some(current) = self.phases.last() else {
            // Between two phases.
            self.bar.set_prefix("working");
            self.bar.set_message("");
            return;
        };
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = current.since;
        self.bar.set_prefix(current.phase.doing());
        self.bar.set_message(match (current.phase, current.awaited.as_str()) {
            (Phase::Probe, "") if self.tally.total() > 0 => {
                format!(": {} of {} cases, {}", self.tally.total(), self.cases, self.tally)
            }
            (_, "") => String::new(),
            (_, awaited) => format!(": {awaited}"),
        });
    }
}

/// The line: what is going on and for how long, and while probes are carried out a bar.
fn style(with_bar: bool, since: &Arc<Mutex<Instant>>) -> ProgressStyle {
    let shown = Arc::clone(since);
    let elapsed = move |_: &ProgressState, text: &mut dyn Write| {
        let since = *shown.lock().unwrap_or_else(PoisonError::into_inner);
        // A formatter that can't be written to has no way to say so here.
        let _ = write!(text, "{:.1} s", since.elapsed().as_secs_f64());
    };
    let bar = if with_bar { " [{bar:20}]" } else { "" };
    // The template is a constant; should it ever not parse, indicatif's own does.
    ProgressStyle::with_template(&format!("{{spinner}} {{prefix}} ({{took}}){bar}{{wide_msg}}"))
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("took", elapsed)
        .progress_chars("=> ")
}

impl Reporter for Terminal {
    fn event(&mut self, event: &Event) {
        let results = &mut self.results;
        self.bar.suspend(|| results.event(event));
        match event {
            Event::Started(started) => self.started(started),
            Event::PhaseStarted(phase) => self.phases.push(InProgress {
                phase: *phase,
                since: Instant::now(),
                awaited: String::new(),
            }),
            Event::PhaseFinished(phase, _) => {
                self.phases.retain(|underway| underway.phase != *phase);
            }
            Event::Waiting { phase, what } => {
                let underway = self.phases.iter_mut().find(|underway| underway.phase == *phase);
                if let Some(underway) = underway {
                    underway.awaited.clone_from(what);
                }
            }
            Event::Notice(notice) => self.bar.println(format!("note: {notice}")),
            Event::Planned { cases, .. } => self.cases = *cases,
            Event::Judged(judged) => self.tally.add(judged.verdict.status()),
            Event::Creating(objects) if !self.results.is_interactive() => {
                self.bar.println(format!("creating {}", objects.join("; ")));
            }
            Event::NodesSelected(_)
            | Event::Creating(_)
            | Event::BrokenOff { .. }
            | Event::Finished(_) => {}
        }
        self.show();
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        self.bar.finish_and_clear();
        Box::new(self.results).finish()
    }
}
