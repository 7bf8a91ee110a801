//! Trials on machines that others use, too.
//!
//! A cluster's kubelets, containerd and etcd have time-outs of their own. On a machine that is starved for
//! seconds some of them run out, whatever the program under test does. A trial that failed is therefore
//! tried once more, on a cluster made anew; what passes then is listed at the end, for a person to look at.
//! What fails twice fails, and so does everything that fails once [`MOST`] trials were repeated.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Mutex, PoisonError},
};

/// How many trials of one program may be repeated: more are no accident.
pub const MOST: usize = 3;

/// The trials of one program that were repeated.
#[derive(Debug, Default)]
pub struct Repeats {
    names: Mutex<Vec<String>>,
}

#[expect(clippy::print_stderr, reason = "trials speak on stderr, as their panics do")]
impl Repeats {
    /// None so far.
    pub const fn new() -> Self {
        Self { names: Mutex::new(Vec::new()) }
    }

    /// Carries a trial out, and where it panics once more after `renew`.
    ///
    /// # Panics
    ///
    /// Where the trial panics twice, or once when enough others were repeated.
    pub fn attempt<T>(&self, name: &str, mut test: impl FnMut() -> T, renew: impl FnOnce()) -> T {
        match catch_unwind(AssertUnwindSafe(&mut test)) {
            Ok(value) => value,
            Err(panic) if !self.may_repeat(name) => resume_unwind(panic),
            Err(_) => {
                eprintln!("{name} failed; retrying once on a new cluster");
                renew();
                test()
            }
        }
    }

    /// Says which trials were repeated, if any.
    pub fn report(&self) {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.is_empty() {
            eprintln!("failed at first and were retried: {}", names.join(", "));
        }
    }

    fn may_repeat(&self, name: &str) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let may = names.len() < MOST;
        if may {
            names.push(name.to_owned());
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a trial is carried out that fails so many times, and whether it passes in the end.
    fn tried(repeats: &Repeats, failures: usize) -> (usize, bool) {
        let mut tried = 0;
        let mut renewed = 0;
        let test = || {
            tried += 1;
            assert!(tried > failures, "it fails");
        };
        let trial = AssertUnwindSafe(|| repeats.attempt("trial", test, || renewed += 1));
        let passed = catch_unwind(trial).is_ok();
        assert_eq!(renewed, tried - 1);
        (tried, passed)
    }

    #[test]
    fn a_trial_that_fails_once_is_repeated_and_one_that_fails_twice_fails() {
        let repeats = Repeats::new();
        assert_eq!(tried(&repeats, 0), (1, true));
        assert_eq!(tried(&repeats, 1), (2, true));
        assert_eq!(tried(&repeats, 2), (2, false));
    }

    #[test]
    fn no_more_than_a_few_trials_are_repeated() {
        let repeats = Repeats::new();
        for _ in 0..MOST {
            assert_eq!(tried(&repeats, 1), (2, true));
        }
        assert_eq!(tried(&repeats, 1), (1, false));
    }
}
