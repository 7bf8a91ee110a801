//! How long each phase takes.

use std::time::{Duration, Instant};

use crate::{
    event::Event,
    record::{Phase, PhaseTime},
};

/// Times the phases of a run, and tells of them.
#[derive(Debug)]
pub(super) struct Stopwatch {
    began: Instant,
    events: super::Events,
    phases: Vec<PhaseTime>,
}

/// A phase that is under way; ends with [`Stopwatch::end`].
#[derive(Debug)]
pub(super) struct Running {
    phase: Phase,
    began: Instant,
}

impl Stopwatch {
    pub(super) fn start(events: super::Events) -> Self {
        Self { began: Instant::now(), events, phases: Vec::new() }
    }

    pub(super) fn begin(&self, phase: Phase) -> Running {
        self.events.send(Event::PhaseStarted(phase));
        Running { phase, began: Instant::now() }
    }

    pub(super) fn end(&mut self, running: Running) {
        let took = running.began.elapsed();
        self.phases.push(PhaseTime {
            phase: running.phase,
            start_ms: millis(running.began.duration_since(self.began)),
            millis: millis(took),
        });
        self.events.send(Event::PhaseFinished(running.phase, took));
    }

    pub(super) fn into_phases(mut self) -> Vec<PhaseTime> {
        self.phases.sort_by_key(|phase| (phase.start_ms, phase.phase));
        self.phases
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
