//! How often a probe is tried, for those that this process carries out itself. The script in the
//! pods does the same for its own.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{Attempt, Attempts, Outcome};

/// The pause after the first failed attempt, and by how much it grows with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(300);

/// Where a probe stands.
#[derive(Debug)]
struct Progress {
    attempts: Attempts,
    failures: u32,
    successes: u32,
    /// How many successes there are in the present sample, and from which backends.
    drawn: u32,
    backends: BTreeSet<String>,
    /// Whether the present sample began when everything had had its time to settle.
    settled: bool,
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Try again after a pause.
    Again(Duration),
    /// The probe is done.
    Done,
}

impl Progress {
    const fn new(attempts: Attempts) -> Self {
        Self {
            attempts,
            failures: 0,
            successes: 0,
            drawn: 0,
            backends: BTreeSet::new(),
            settled: false,
        }
    }

    /// Takes note of an attempt. `settling` says whether things may still be
    /// following the last change: failures are forgiven until the first success, and samples are
    /// drawn anew.
    fn after(&mut self, outcome: &Outcome, settling: bool) -> Next {
        if !outcome.succeeded() {
            self.failures += 1;
            return if self.successes == 0 && settling {
                Next::Again((PAUSE * self.failures).min(LONGEST_PAUSE))
            } else {
                Next::Done
            };
        }
        if self.successes == 0 {
            self.settled = !settling;
        }
        self.successes += 1;
        self.drawn += 1;
        let backend = match outcome {
            Outcome::Answered(answer) => answer.pod.clone(),
            _ => String::new(),
        };
        self.backends.insert(backend);
        let enough = self.successes >= u32::from(self.attempts.successes)
            && self.backends.len() >= usize::from(self.attempts.distinct);
        if enough {
            Next::Done
        } else if self.drawn <= u32::from(self.attempts.bound) {
            Next::Again(Duration::ZERO)
        } else if self.settled {
            Next::Done
        } else {
            // The proxy may not know all backends yet: a sample of then says nothing of now.
            self.settled = !settling;
            self.drawn = 0;
            self.backends.clear();
            Next::Again(PAUSE * 2)
        }
    }
}

/// Tries something as often as the policy says. `start` is when the batch began. `attempt` returns
/// the outcome, or why none could be had: then the probe is lost.
///
/// Also returns why the probe was lost, where it was.
pub(super) async fn pursue<F>(
    policy: Attempts,
    start: Instant,
    mut attempt: impl FnMut() -> F,
) -> (Vec<Attempt>, Option<String>)
where
    F: Future<Output = Result<Outcome, String>>,
{
    let settled = start + Duration::from_millis(policy.settle_ms.into());
    let mut progress = Progress::new(policy);
    let mut attempts = Vec::new();
    loop {
        let begun = Instant::now();
        let outcome = match attempt().await {
            Ok(outcome) => outcome,
            Err(reason) => return (attempts, Some(reason)),
        };
        let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let next = progress.after(&outcome, Instant::now() < settled);
        attempts.push(Attempt { millis, outcome });
        match next {
            Next::Again(pause) => tokio::time::sleep(pause).await,
            Next::Done => return (attempts, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Answer;

    const POLICY: Attempts =
        Attempts { timeout_ms: 100, settle_ms: 1000, distinct: 1, successes: 2, bound: 8 };

    fn by(pod: &str) -> Outcome {
        let address = [10, 0, 0, 1].into();
        let pod = pod.to_owned();
        Outcome::Answered(Answer { pod, server: address, client: address, payload: 0 })
    }

    fn run(attempts: Attempts, outcomes: &[Outcome], settling: bool) -> usize {
        let mut progress = Progress::new(attempts);
        let again = |outcome: &&Outcome| progress.after(outcome, settling) != Next::Done;
        outcomes.iter().take_while(again).count() + 1
    }

    #[test]
    fn failures_are_forgiven_while_a_path_settles_and_until_its_first_success() {
        let outcomes = [Outcome::Refused, Outcome::TimedOut, by("a"), Outcome::Reset, by("a")];
        assert_eq!(run(POLICY, &outcomes, true), 4);
        assert_eq!(run(POLICY, &outcomes, false), 1);
    }

    #[test]
    fn a_probe_goes_on_until_every_backend_answered() {
        let distinct = Attempts { distinct: 2, ..POLICY };
        assert_eq!(run(distinct, &[by("a"), by("a"), by("a"), by("b"), by("a")], false), 4);
    }

    #[test]
    fn a_probe_ends_at_its_bound() {
        let distinct = Attempts { distinct: 2, bound: 3, ..POLICY };
        assert_eq!(run(distinct, &vec![by("a"); 9], false), 4);
    }

    #[test]
    fn a_sample_drawn_while_the_path_settles_is_drawn_anew() {
        let distinct = Attempts { distinct: 2, bound: 3, ..POLICY };
        let mut progress = Progress::new(distinct);
        let mut draw = |settling| (0..4).map(|_| progress.after(&by("a"), settling)).last();
        assert_eq!(draw(true), Some(Next::Again(PAUSE * 2)));
        assert_eq!(draw(false), Some(Next::Again(PAUSE * 2)), "it began while settling");
        assert_eq!(draw(false), Some(Next::Done));
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let mut progress = Progress::new(POLICY);
        let pauses: Vec<_> = (0..6).map(|_| progress.after(&Outcome::Refused, true)).collect();
        assert_eq!(pauses[0], Next::Again(PAUSE));
        assert_eq!(pauses[1], Next::Again(2 * PAUSE));
        assert_eq!(pauses[5], Next::Again(LONGEST_PAUSE));
    }

    #[tokio::test]
    async fn an_attempt_without_an_outcome_loses_the_probe_but_not_what_came_before() {
        let mut outcomes = vec![Err("no more descriptors".to_owned()), Ok(Outcome::Refused)];
        let next = || std::future::ready(outcomes.pop().unwrap());
        let (attempts, lost) = pursue(POLICY, Instant::now(), next).await;
        assert_eq!(attempts.len(), 1);
        assert_eq!(lost.as_deref(), Some("no more descriptors"));
    }
}
