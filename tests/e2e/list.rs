//! The trials, one after the other on one cluster.

use std::{
    env,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use libtest_mimic::{Arguments, Completion};
use testbed::repeat::Repeats;

use super::{
    bad_input,
    bed::Bed,
    faults, healthy, lifecycle, lint, node_loss, targets, tools,
    trial::{Test, Trial},
};

static REPEATS: Repeats = Repeats::new();

/// Runs those that were asked for.
pub fn run() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let bed = Arc::new(Mutex::new(None));
    let full = env::var_os("DUALSTACK_E2E").is_some_and(|value| value == "full");
    let trials = all().into_iter().map(|Trial { name, test, long }| {
        let bed = Arc::clone(&bed);
        let named = name.clone();
        libtest_mimic::Trial::ignorable_test(name, move || complete(&bed, &named, &test))
            .with_ignored_flag(long && !full)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(bed);
    REPEATS.report();
    conclusion.exit_code()
}

fn all() -> Vec<Trial> {
    let quick = [
        healthy::QUICK,
        lifecycle::QUICK,
        bad_input::QUICK,
        lint::QUICK,
        node_loss::QUICK,
        targets::QUICK,
        tools::QUICK,
    ];
    let long = [healthy::LONG, lifecycle::LONG];
    let of = |lists: &[&[(&str, Test)]], long| -> Vec<Trial> {
        lists
            .iter()
            .flat_map(|list| *list)
            .map(|&(name, test)| Trial::new(name, test, long))
            .collect()
    };
    [of(&quick, false), faults::trials(), of(&long, true)].into_iter().flatten().collect()
}

fn complete(
    shared: &Mutex<Option<Result<Bed, String>>>,
    name: &str,
    test: &dyn Fn(&Bed),
) -> Result<Completion, libtest_mimic::Failed> {
    // A failed trial poisons the lock; the cluster is as good for the next one.
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let once = || match lock().get_or_insert_with(Bed::up) {
        Ok(bed) => {
            bed.revert_faults();
            test(bed);
            Ok(bed.skipped().map_or(Completion::Completed, Completion::ignored_with))
        }
        Err(why) if env::var_os("DUALSTACK_REQUIRE_E2E").is_some_and(|value| value == "1") => {
            Err(why.clone().into())
        }
        Err(why) => Ok(Completion::ignored_with(why.clone())),
    };
    REPEATS.attempt(name, once, || *lock() = None)
}
