//! The trials, one after the other: on one cluster, and those of other pod networks on one of each.

use std::{
    env,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use libtest_mimic::{Arguments, Completion};
use testbed::{repeat::Repeats, spec::Cni};

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
    let trials = all().into_iter().map(|Trial { name, test, long, network }| {
        let bed = Arc::clone(&bed);
        let named = name.clone();
        let complete = move || complete(&bed, network, &named, &test);
        libtest_mimic::Trial::ignorable_test(name, complete).with_ignored_flag(long && !full)
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
    let networks = faults::of_networks();
    let of = |lists: &[&[(&str, Test)]], long| -> Vec<Trial> {
        lists
            .iter()
            .flat_map(|list| *list)
            .map(|&(name, test)| Trial::new(name, test, long))
            .collect()
    };
    let own = [of(&quick, false), faults::trials(), of(&long, true)];
    own.into_iter().flatten().chain(networks).collect()
}

/// The cluster of the trials, or why it can't be had.
type Shared = Mutex<Option<(Cni, Result<Bed, String>)>>;

fn complete(
    shared: &Shared,
    network: Cni,
    name: &str,
    test: &dyn Fn(&Bed),
) -> Result<Completion, libtest_mimic::Failed> {
    // A failed trial poisons the lock; the cluster is as good for the next one.
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let over_another = || lock().as_ref().is_some_and(|(known, _)| *known != network);
    if over_another() {
        // Two clusters at once would slow each other.
        *lock() = None;
    }
    let once = || match &lock().get_or_insert_with(|| (network, Bed::up(network))).1 {
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
