//! The product against real clusters: healthy ones, and ones broken on purpose.
//!
//! One cluster of the testbed serves all trials, which therefore run one after the other. Where the
//! testbed can't run the trials are skipped aloud, unless `DUALSTACK_REQUIRE_E2E=1`. The long ones
//! (thirty runs in a row, ten kills, ten rounds of each fault) run with `DUALSTACK_E2E=full`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a trial fails by a panic; with a harness of our own clippy takes it for a program"
)]

mod bad_input;
mod bed;
mod faults;
mod healthy;
mod lifecycle;
mod lint;
mod node_loss;
mod product;
mod tools;
mod topology;

use std::{
    env,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use bed::Bed;
use libtest_mimic::{Arguments, Completion, Trial};

/// What a trial does with the cluster; it panics where a fact doesn't hold.
type Test = fn(&Bed);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let bed = Arc::new(Mutex::new(None));
    let full = env::var_os("DUALSTACK_E2E").is_some_and(|value| value == "full");
    let quick = [
        healthy::QUICK,
        faults::QUICK,
        lifecycle::QUICK,
        bad_input::QUICK,
        lint::QUICK,
        node_loss::QUICK,
        tools::QUICK,
    ]
    .concat();
    let long = [healthy::LONG, faults::LONG, lifecycle::LONG].concat();
    let trials = quick
        .into_iter()
        .map(|test| (test, false))
        .chain(long.into_iter().map(|test| (test, true)))
        .map(|((name, test), long)| {
            let bed = Arc::clone(&bed);
            Trial::ignorable_test(name, move || complete(&bed, test))
                .with_ignored_flag(long && !full)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(bed);
    conclusion.exit_code()
}

fn complete(
    shared: &Mutex<Option<Result<Bed, String>>>,
    test: Test,
) -> Result<Completion, libtest_mimic::Failed> {
    // A failed trial poisons the lock; the cluster is as good for the next one.
    let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match shared.get_or_insert_with(Bed::up) {
        Ok(bed) => {
            bed.revert_faults();
            test(bed);
            Ok(bed.skipped().map_or(Completion::Completed, Completion::ignored_with))
        }
        Err(why) if env::var_os("DUALSTACK_REQUIRE_E2E").is_some_and(|value| value == "1") => {
            Err(why.clone().into())
        }
        Err(why) => Ok(Completion::ignored_with(why.clone())),
    }
}
