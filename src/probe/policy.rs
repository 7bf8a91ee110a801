//! How often a probe is tried, for those that this process carries out itself. The script in the
//! pods does the same for its own.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{Attempt, Attempts, Outcome};

/// The pause after the first failed attempt, and by how much it grows with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(300);

/// How long attempts may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As the policy says: little at first, as long as there may be a next attempt.
    Growing,
    /// Each attempt has its whole time.
    Whole,
}

/// Where a probe stands.
#[derive(Debug)]
struct Progress {
    attempts: Attempts,
    /// How long the next attempt may take at most, before the first success.
    patience: Duration,
    failures: u32,
    successes: u32,
    /// How many successes there are in the present sample, and from which backends.
    drawn: u32,
    backends: BTreeSet<String>,
    /// Whether an attempt ran out of time after a success: more must show what that was.
    stumbled: bool,
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
    const fn new(attempts: Attempts, patience: Patience) -> Self {
        let patience = match patience {
            Patience::Growing => Duration::from_millis(attempts.patience_ms as u64),
            Patience::Whole => Duration::MAX,
        };
        Self {
            attempts,
            patience,
            failures: 0,
            successes: 0,
            drawn: 0,
            backends: BTreeSet::new(),
            stumbled: false,
            settled: false,
        }
    }

    /// How long the next attempt may take, and whether that is less than its whole time.
    fn limit(&mut self, settling: bool) -> (Duration, bool) {
        let whole = Duration::from_millis(self.attempts.timeout_ms.into());
        if self.successes > 0 || !settling || self.patience >= whole {
            return (whole, false);
        }
        let limit = self.patience;
        self.patience *= 2;
        (limit, true)
    }

    /// Takes note of an attempt. `settling` says whether things may still be
    /// following the last change: failures are forgiven until the first success, and samples are
    /// drawn anew. Nor does an attempt end the probe that was cut short.
    fn after(&mut self, outcome: &Outcome, settling: bool, cut_short: bool) -> Next {
        if !outcome.succeeded() {
            self.failures += 1;
            let may_stumble = self.successes > 0 && !self.stumbled;
            if may_stumble && *outcome == Outcome::TimedOut {
                self.stumbled = true;
                let before = u16::try_from(self.successes).unwrap_or(u16::MAX);
                let more = self.attempts.once_more();
                self.attempts.successes = before.saturating_add(more);
                self.attempts.bound = self.attempts.bound.max(more);
                self.drawn = 0;
                self.backends.clear();
                return Next::Again(Duration::ZERO);
            }
            return if self.successes == 0 && (settling || cut_short) {
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

/// Tries something as often as the policy says. `start` is when the batch began. `attempt` is told
/// how long it may take, and returns the outcome, or why none could be had: then the probe is lost.
///
/// Also returns why the probe was lost, where it was.
pub(super) async fn pursue<F>(
    policy: Attempts,
    start: Instant,
    patience: Patience,
    mut attempt: impl FnMut(Duration) -> F,
) -> (Vec<Attempt>, Option<String>)
where
    F: Future<Output = Result<Outcome, String>>,
{
    let settled = start + Duration::from_millis(policy.settle_ms.into());
    let mut progress = Progress::new(policy, patience);
    let mut attempts = Vec::new();
    loop {
        let begun = Instant::now();
        let (limit, cut_short) = progress.limit(begun < settled);
        let outcome = match attempt(limit).await {
            Ok(outcome) => outcome,
            Err(reason) => return (attempts, Some(reason)),
        };
        let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let next = progress.after(&outcome, Instant::now() < settled, cut_short);
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

    const POLICY: Attempts = Attempts {
        timeout_ms: 1000,
        patience_ms: 300,
        settle_ms: 1000,
        distinct: 1,
        successes: 2,
        bound: 8,
    };

    fn by(pod: &str) -> Outcome {
        let address = [10, 0, 0, 1].into();
        let pod = pod.to_owned();
        Outcome::Answered(Answer { pod, server: address, client: address, payload: 0 })
    }

    fn run(attempts: Attempts, outcomes: &[Outcome], settling: bool) -> usize {
        let mut progress = Progress::new(attempts, Patience::Whole);
        let again = |outcome: &&Outcome| progress.after(outcome, settling, false) != Next::Done;
        outcomes.iter().take_while(again).count() + 1
    }

    #[test]
    fn failures_are_forgiven_while_a_path_settles_and_until_its_first_success() {
        let outcomes = [Outcome::Refused, Outcome::TimedOut, by("a"), Outcome::Reset, by("a")];
        assert_eq!(run(POLICY, &outcomes, true), 4);
        assert_eq!(run(POLICY, &outcomes, false), 1);
    }

    #[test]
    fn one_time_out_after_a_success_is_followed_by_eight_successes_or_by_the_end() {
        let again = [[by("a"), Outcome::TimedOut].as_slice(), &vec![by("a"); 9]].concat();
        assert_eq!(run(POLICY, &again, false), 10);
        let twice = [by("a"), Outcome::TimedOut, by("a"), Outcome::TimedOut, by("a")];
        assert_eq!(run(POLICY, &twice, false), 4);
        assert_eq!(run(POLICY, &[by("a"), Outcome::Reset, by("a")], false), 2);
        // With several backends it may be another one that is dead: a whole sample must show them all.
        let distinct = Attempts { distinct: 2, bound: 3, ..POLICY };
        let answers = [by("a"), by("b"), by("b"), by("a"), by("a")];
        let late = [[by("a"), Outcome::TimedOut].as_slice(), &answers].concat();
        assert_eq!(run(distinct, &late, false), 5, "three answers of both backends");
        let dead = [[by("a"), Outcome::TimedOut].as_slice(), &vec![by("a"); 5]].concat();
        assert_eq!(run(distinct, &dead, false), 6, "one more than the bound");
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
        let mut progress = Progress::new(distinct, Patience::Whole);
        let mut draw = |settling| (0..4).map(|_| progress.after(&by("a"), settling, false)).last();
        assert_eq!(draw(true), Some(Next::Again(PAUSE * 2)));
        assert_eq!(draw(false), Some(Next::Again(PAUSE * 2)), "it began while settling");
        assert_eq!(draw(false), Some(Next::Done));
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let mut progress = Progress::new(POLICY, Patience::Whole);
        let pauses: Vec<_> =
            (0..6).map(|_| progress.after(&Outcome::Refused, true, false)).collect();
        assert_eq!(pauses[0], Next::Again(PAUSE));
        assert_eq!(pauses[1], Next::Again(2 * PAUSE));
        assert_eq!(pauses[5], Next::Again(LONGEST_PAUSE));
    }

    #[test]
    fn patience_grows_until_a_first_success_and_an_attempt_cut_short_proves_no_failure() {
        let attempts = Attempts { timeout_ms: 1000, ..POLICY };
        let millis = |progress: &mut Progress, settling| {
            let (limit, cut_short) = progress.limit(settling);
            (limit.as_millis(), cut_short)
        };
        let mut progress = Progress::new(attempts, Patience::Growing);
        assert_eq!(millis(&mut progress, true), (300, true));
        assert_ne!(progress.after(&Outcome::TimedOut, false, true), Next::Done);
        assert_eq!(millis(&mut progress, false), (1000, false), "the settling time is over");
        assert_eq!(progress.after(&Outcome::TimedOut, false, false), Next::Done);

        let mut progress = Progress::new(attempts, Patience::Growing);
        let limits: Vec<_> = (0..3).map(|_| millis(&mut progress, true)).collect();
        assert_eq!(limits, [(300, true), (600, true), (1000, false)]);

        let mut progress = Progress::new(attempts, Patience::Growing);
        progress.after(&by("a"), true, false);
        assert_eq!(millis(&mut progress, true), (1000, false), "no failure is forgiven any more");
    }

    #[tokio::test]
    async fn an_attempt_without_an_outcome_loses_the_probe_but_not_what_came_before() {
        let mut outcomes = vec![Err("no more descriptors".to_owned()), Ok(Outcome::Refused)];
        let next = |_| std::future::ready(outcomes.pop().unwrap());
        let (attempts, lost) = pursue(POLICY, Instant::now(), Patience::Whole, next).await;
        assert_eq!(attempts.len(), 1);
        assert_eq!(lost.as_deref(), Some("no more descriptors"));
    }
}
