//! Independent artefacts, made side by side.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::{cache::Cache, error::Result};

/// One artefact to make.
pub(super) type Job<'a> = Box<dyn FnOnce() -> Result<PathBuf> + Send + 'a>;

/// Runs jobs, in their order, `lanes` at a time; gives where their artefacts are, in the same
/// order.
///
/// # Errors
/// The first failure. Whatever runs through `cache` is stopped then.
pub(super) fn run<const N: usize>(
    cache: &Cache,
    lanes: usize,
    jobs: [Job<'_>; N],
) -> Result<[PathBuf; N]> {
    let queue = Mutex::new(jobs.into_iter().enumerate().collect::<VecDeque<_>>());
    let made = Mutex::new([const { PathBuf::new() }; N]);
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..lanes.clamp(1, N) {
            scope.spawn(|| {
                while let Some((place, job)) = next(&queue) {
                    match job() {
                        Ok(path) => lock(&made)[place] = path,
                        Err(error) => {
                            // What fails afterwards fails because it was stopped.
                            lock(&failure).get_or_insert(error);
                            cache.stop();
                            lock(&queue).clear();
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(made.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// The next job. It is taken while the queue is locked and run when it is not.
fn next<T>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    lock(queue).pop_front()
}

/// A lock whose holder panicked is still a lock: what it guards is replaced as a whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::error::Error;

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path()).unwrap();
        (directory, cache)
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let (_directory, cache) = cache();
        let job = |name: &'static str| -> Job<'static> { Box::new(move || Ok(name.into())) };
        let made = run(&cache, 2, [job("a"), job("b"), job("c")]).unwrap();
        assert_eq!(made, ["a", "b", "c"].map(PathBuf::from));
    }

    #[test]
    fn as_many_jobs_run_at_once_as_there_are_lanes() {
        let (_directory, cache) = cache();
        // Each waits for the other: one lane alone would never end.
        let barrier = Barrier::new(2);
        let job = || -> Job<'_> {
            Box::new(|| {
                barrier.wait();
                Ok("x".into())
            })
        };
        run(&cache, 2, [job(), job()]).unwrap();
    }

    #[test]
    fn after_a_failure_nothing_else_is_begun_and_the_failure_is_told() {
        let (_directory, cache) = cache();
        let jobs: [Job<'_>; 2] =
            [Box::new(|| Err(Error::Missing("x".to_owned()))), Box::new(|| panic!("was begun"))];
        assert!(matches!(run(&cache, 1, jobs), Err(Error::Missing(_))));
    }
}
