//! What an observation means: whether a probe got what this world promises.

use std::collections::BTreeSet;

use super::{
    World,
    expected::Expected,
    step::{Kind, Step},
    words,
};
use crate::probe::{Attempt, Observation, Outcome, Probe};

/// The readings that a case is judged by.
#[derive(Clone, Debug, Default)]
pub struct Readings<'a> {
    /// Of its own probes, in the order in which they were planned.
    pub(crate) own: Vec<Reading<'a>>,
    /// Of the probes that it only compares with.
    pub(crate) witnesses: Vec<Reading<'a>>,
}

/// What became of a probe.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'a> {
    /// The probe.
    pub(crate) probe: &'a Probe,
    /// The conclusion.
    pub(crate) state: State,
    /// Every attempt that was made.
    pub(crate) attempts: &'a [Attempt],
    /// How many attempts failed before the first that succeeded.
    pub(crate) settling: usize,
    /// Whether it can't be told only because one attempt ran out of time between answers, of which there
    /// were enough afterwards to exclude a backend that is gone.
    pub(crate) stumbled: bool,
    /// The backends that answered, by pod name.
    pub(crate) answered: BTreeSet<&'a str>,
}

/// The conclusion from a probe's attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It got what it should.
    Good,
    /// It didn't.
    Bad(Symptom),
    /// It can't be told, and why.
    Unknown(String),
}

/// How a probe went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symptom {
    /// In one word.
    pub(crate) kind: Kind,
    /// Whether it had succeeded before.
    pub(crate) intermittent: bool,
    /// In a phrase (`timed out 3 times`).
    pub(crate) detail: String,
}

impl<'a> Reading<'a> {
    /// Reads what was observed of a probe; `None` where it was not tried.
    pub(crate) fn of(
        world: World<'a>,
        probe: &'a Probe,
        observation: Option<&'a Observation>,
    ) -> Self {
        let Some(observation) = observation else {
            let state = State::Unknown("it was not tested before the run ended".to_owned());
            let answered = BTreeSet::new();
            return Self { probe, state, attempts: &[], settling: 0, stumbled: false, answered };
        };
        let attempts = observation.attempts.as_slice();
        let judge = Expected::of(world, probe);
        let steps: Vec<Step<'a>> =
            attempts.iter().map(|attempt| judge.step(&attempt.outcome)).collect();
        let right = |step: &Step<'_>| matches!(step, Step::AsExpected(_));
        let settling = steps.iter().position(right).unwrap_or(steps.len());
        let answered: BTreeSet<&str> = steps
            .iter()
            .filter_map(|step| match step {
                Step::AsExpected(pod) => *pod,
                Step::Wrong(..) | Step::Failed(..) => None,
            })
            .collect();
        let state = conclude(probe, &steps, settling, answered.len(), observation.lost.as_deref());
        let steps = steps.get(settling..).unwrap_or_default();
        let enough = || steps.iter().rev().take_while(|&step| right(step)).count();
        let stumbled = matches!(&state, State::Unknown(_))
            && stumbled(probe, steps).is_some()
            && enough() >= usize::from(probe.attempts.once_more());
        let late = || attempts.iter().find_map(|attempt| judge.late(&attempt.outcome));
        let state = if says_nothing(probe, &state) {
            State::Unknown("no answer, but servers need not answer datagrams".to_owned())
        } else if matches!(&state, State::Bad(symptom) if symptom.kind == Kind::Unanswered)
            && let Some(pod) = late()
        {
            // More pods share the connections than were counted on.
            State::Unknown(format!(
                "{pod} answered, but became ready only after the run had stopped waiting for it"
            ))
        } else {
            state
        };
        Self { probe, state, attempts, settling, stumbled, answered }
    }

    /// How it went wrong, where it did.
    pub(crate) const fn symptom(&self) -> Option<&Symptom> {
        match &self.state {
            State::Bad(symptom) => Some(symptom),
            State::Good | State::Unknown(_) => None,
        }
    }

    /// Whether any attempt shows that packets get to the target and back.
    pub(crate) fn proves_a_way(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.outcome.proves_a_way())
    }

    /// Whether it answers in the end as often as it must, whatever was before.
    pub(crate) fn answers_again(&self) -> bool {
        let in_the_end = self.attempts.iter().rev().map(|attempt| &attempt.outcome);
        let answers: Vec<Option<&str>> = in_the_end
            .take_while(|outcome| outcome.succeeded())
            .map(|outcome| match outcome {
                Outcome::Answered(answer) => Some(answer.pod.as_str()),
                _ => None,
            })
            .collect();
        let wanted = self.probe.attempts;
        let backends: BTreeSet<_> = answers.iter().collect();
        answers.len() >= usize::from(wanted.successes.max(1))
            && backends.len() >= usize::from(wanted.distinct)
    }

    /// The longest of its attempts that succeeded, in milliseconds.
    pub(crate) fn slowest(&self) -> Option<u32> {
        self.attempts
            .iter()
            .filter(|attempt| attempt.outcome.succeeded())
            .map(|attempt| attempt.millis)
            .max()
    }
}

/// Whether what came of a datagram to a server of somebody else's leaves open whether it arrived.
fn says_nothing(probe: &Probe, state: &State) -> bool {
    let silent = matches!(state, State::Bad(symptom) if symptom.kind == Kind::TimedOut);
    silent && probe.aim.target().is_some() && probe.target.is_udp()
}

fn conclude(
    probe: &Probe,
    steps: &[Step<'_>],
    settling: usize,
    answered: usize,
    lost: Option<&str>,
) -> State {
    let bad = |kind, intermittent, detail| State::Bad(Symptom { kind, intermittent, detail });
    // What answered wrongly did so whatever came before or after.
    let wrong = steps.iter().find_map(|step| match step {
        Step::Wrong(kind, detail) => Some((*kind, detail)),
        Step::AsExpected(_) | Step::Failed(..) => None,
    });
    if let Some((kind, detail)) = wrong {
        return bad(kind, settling < steps.len(), detail.clone());
    }
    let after = &steps[settling..];
    let failed = after.iter().find_map(|step| match step {
        Step::Failed(kind, _) => Some(*kind),
        Step::AsExpected(_) | Step::Wrong(..) => None,
    });
    let succeeded = after.iter().filter(|step| matches!(step, Step::AsExpected(_))).count();
    if let Some(reason) = stumbled(probe, after) {
        return State::Unknown(reason);
    }
    // One attempt that ran out of time would have been followed by more.
    if let (Some(reason), [.., Step::AsExpected(_), Step::Failed(Kind::TimedOut, _)]) =
        (lost, after)
        && succeeded + 1 == after.len()
    {
        return State::Unknown(reason.to_owned());
    }
    if let Some(kind) = failed {
        let detail = format!("{} after it had answered {}", kind, words::times(succeeded));
        return bad(kind, true, detail);
    }
    if let Some(reason) = lost {
        return State::Unknown(reason.to_owned());
    }
    let Some(last) = steps.last() else {
        return State::Unknown("no attempt was recorded".to_owned());
    };
    if let Step::Failed(kind, _) = last {
        return bad(*kind, false, tally(steps));
    }
    let wanted = probe.attempts;
    let distinct = usize::from(wanted.distinct.max(1));
    if distinct > 1 && answered < distinct {
        if after.len() > usize::from(wanted.bound) {
            let detail =
                format!("only {answered} of {distinct} answered in {succeeded} connections");
            return bad(Kind::Unanswered, false, detail);
        }
    } else if succeeded >= usize::from(wanted.successes) {
        return State::Good;
    }
    State::Unknown(format!("it ended after {}", words::count(steps.len(), "attempt")))
}

/// Why a path is doubtful that answered, ran out of time once, and then answered as often as it must: a
/// busy machine does that, and so does a network that loses packets.
fn stumbled(probe: &Probe, after: &[Step<'_>]) -> Option<String> {
    let place = after.iter().position(|step| !matches!(step, Step::AsExpected(_)))?;
    let (late, then) = after[place..].split_first()?;
    let wanted = probe.attempts;
    let answered: BTreeSet<_> = then
        .iter()
        .map_while(|step| match step {
            Step::AsExpected(pod) => Some(*pod),
            Step::Wrong(..) | Step::Failed(..) => None,
        })
        .collect();
    let least = if wanted.distinct > 1 { wanted.once_more() } else { wanted.successes.max(1) };
    let recovered = then.len() >= usize::from(least)
        && then.iter().all(|step| matches!(step, Step::AsExpected(_)))
        // Whoever answers without a name is none of the backends that must.
        && (wanted.distinct <= 1
            || answered.iter().flatten().count() >= usize::from(wanted.distinct));
    let timed_out = matches!(late, Step::Failed(Kind::TimedOut, _));
    (timed_out && recovered).then(|| {
        format!(
            "it timed out once and then answered {} again: packets were lost, or something was busy",
            words::times(then.len())
        )
    })
}

/// Failures in the order in which they came, equal ones counted: `refused twice, timed out once`.
fn tally(steps: &[Step<'_>]) -> String {
    let mut runs: Vec<(Kind, usize, Option<&str>)> = Vec::new();
    for step in steps {
        let Step::Failed(kind, detail) = step else { continue };
        match runs.last_mut() {
            Some((last, n, latest)) if last == kind => {
                *n += 1;
                *latest = detail.or(*latest);
            }
            _ => runs.push((*kind, 1, *detail)),
        }
    }
    // A path that flaps between two failures would make a long list; its end tells the most.
    let shown = runs.iter().skip(runs.len().saturating_sub(3));
    let mut parts: Vec<String> = shown
        .map(|(kind, n, detail)| match detail {
            Some(detail) => format!("{kind} {} ({detail})", words::times(*n)),
            None => format!("{kind} {}", words::times(*n)),
        })
        .collect();
    if runs.len() > 3 {
        parts.insert(0, "…".to_owned());
    }
    parts.join(", then ")
}
