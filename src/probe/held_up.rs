//! Whether a pod of ours got its share of the processor while it probed. Pure.

use super::{Observation, Outcome, Probe, Target};

/// By how much an attempt must have run over its time to say so, in milliseconds. In some forty runs on
/// machines with time to spare it was never 300 ms; in each run with wrong time-outs it was 500 ms and
/// more, several times.
const LONG: u32 = 500;

/// By how much, in milliseconds, the worst attempt ran over the time that it was given, where that was
/// long: whoever was to stop it sooner could not, for it was kept from the processor. What it did not hear
/// says little of the network.
pub(crate) fn held_up(probe: &Probe, observation: &Observation) -> Option<u32> {
    let timeout = probe.attempts.timeout_ms;
    // The tools that end by themselves count in seconds of their own: they begin anew with each step of
    // the exchange, and nslookup with each server.
    let (before, after) = match probe.target {
        Target::Http { payload: 0, .. } => (timeout, timeout.saturating_mul(3)),
        Target::Tcp { .. }
        | Target::Closed { .. }
        | Target::Unanswered { .. }
        | Target::Health { .. }
        | Target::Udp { .. } => (timeout, timeout),
        _ => return None,
    };
    let mut limit = before;
    let mut worst = 0;
    for attempt in &observation.attempts {
        if matches!(attempt.outcome, Outcome::TimedOut | Outcome::Silent) {
            worst = worst.max(attempt.millis.saturating_sub(limit));
        }
        if attempt.outcome.succeeded() {
            limit = after;
        }
    }
    (worst >= LONG).then_some(worst)
}

/// By how much, in milliseconds, a first attempt ran over the little time that it was given, where that was
/// long. That alone does not call a time-out in question, for many probes begin at once and hinder each
/// other; it explains one among many answers.
pub(crate) fn began_late(probe: &Probe, observation: &Observation) -> Option<u32> {
    let wanted = probe.attempts;
    let cut_short = wanted.settle_ms > 0 && wanted.patience_ms < wanted.timeout_ms;
    let measured = matches!(
        probe.target,
        Target::Http { payload: 0, .. } | Target::Tcp { .. } | Target::Udp { .. }
    );
    let first = observation.attempts.first().filter(|_| cut_short && measured)?;
    let silent = matches!(first.outcome, Outcome::TimedOut | Outcome::Silent);
    let over = first.millis.saturating_sub(wanted.patience_ms);
    (silent && over >= LONG).then_some(over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Aim, Answer, Attempt, Attempts, Vantage};

    fn probe(vantage: Vantage, target: Target) -> Probe {
        let attempts = Attempts {
            timeout_ms: 3_000,
            patience_ms: 500,
            settle_ms: 6_000,
            distinct: 1,
            successes: 2,
            bound: 1,
        };
        Probe { vantage, aim: Aim::Node { node: "n1".to_owned() }, target, attempts }
    }

    fn seen(attempts: &[(u32, bool)]) -> Observation {
        let outcome = |answered| match answered {
            true => Outcome::Answered(Answer {
                pod: "a".to_owned(),
                server: [10, 0, 0, 1].into(),
                client: [10, 0, 0, 2].into(),
                payload: 0,
            }),
            false => Outcome::TimedOut,
        };
        let attempts = attempts.iter();
        let attempts =
            attempts.map(|&(millis, answered)| Attempt { millis, outcome: outcome(answered) });
        Observation { attempts: attempts.collect(), lost: None }
    }

    fn http() -> Target {
        Target::Http { address: ([10, 0, 0, 1], 80).into(), payload: 0 }
    }

    fn pod() -> Vantage {
        Vantage::Pod { node: "n1".to_owned() }
    }

    #[test]
    fn an_attempt_that_was_stopped_much_too_late_shows_a_pod_that_was_held_up() {
        let probe = probe(pod(), http());
        assert_eq!(held_up(&probe, &seen(&[(500, false), (8_770, false)])), Some(5_770));
        assert_eq!(held_up(&probe, &seen(&[(500, false), (3_060, false)])), None);
    }

    #[test]
    fn a_path_that_is_slow_by_itself_holds_nobody_up() {
        // wget gives each step of an exchange its whole time, once the path has answered.
        let slow = seen(&[(10, true), (9_100, false)]);
        assert_eq!(held_up(&probe(pod(), http()), &slow), None);
        let stopped = seen(&[(10, true), (18_170, false)]);
        assert_eq!(held_up(&probe(pod(), http()), &stopped), Some(9_170));
        // Nothing is concluded from what a tool with a clock of its own did.
        let late = seen(&[(9_000, false)]);
        let large = Target::Http { address: ([10, 0, 0, 1], 80).into(), payload: 16_384 };
        assert_eq!(held_up(&probe(pod(), large), &late), None);
    }

    #[test]
    fn a_first_attempt_that_ran_over_its_little_time_began_late() {
        let probe = probe(pod(), http());
        assert_eq!(began_late(&probe, &seen(&[(1_200, false), (20, true)])), Some(700));
        assert_eq!(began_late(&probe, &seen(&[(690, false), (20, true)])), None);
        assert_eq!(began_late(&probe, &seen(&[(1_200, true)])), None, "it was answered");
        assert_eq!(held_up(&probe, &seen(&[(1_200, false), (20, true)])), None);
    }
}
