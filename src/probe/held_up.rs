//! Whether a pod of ours got its share of the processor while it probed. Pure.

use super::{Observation, Outcome, Probe, Target};

/// By how much an attempt must have run over its time to say so, in milliseconds. A tool is stopped, and
/// the clock read, within some tens of them where the processor is free.
const LONG: u32 = 1_000;

/// By how much, in milliseconds, the worst attempt from a pod ran over the time that it was given, where
/// that was long: the pod was to stop it sooner and could not, for it was kept from the processor. What
/// such a pod did not hear says little of the network.
pub(crate) fn held_up(probe: &Probe, observation: &Observation) -> Option<u32> {
    probe.vantage.node()?;
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
        if attempt.outcome == Outcome::TimedOut {
            worst = worst.max(attempt.millis.saturating_sub(limit));
        }
        if attempt.outcome.succeeded() {
            limit = after;
        }
    }
    (worst >= LONG).then_some(worst)
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
        // Nothing is concluded from what this machine or a tool with a clock of its own did.
        let late = seen(&[(9_000, false)]);
        assert_eq!(held_up(&probe(Vantage::Outside, http()), &late), None);
        let large = Target::Http { address: ([10, 0, 0, 1], 80).into(), payload: 16_384 };
        assert_eq!(held_up(&probe(pod(), large), &late), None);
    }
}
