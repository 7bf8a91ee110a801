//! Every fault of the catalogue: injected, seen to break what it says and nothing else, reverted,
//! and seen no more.

mod expected;
mod paths;

use std::time::Duration;

use testbed::{
    fault::{self, Fault},
    spec::Family,
};

pub(crate) use self::expected::expected;
use self::paths::Path;
use crate::{
    cluster::workload,
    probe::{Scope, expect, expect_health},
    support::{Test, settles},
    workload::Workload,
};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// One test for each fault.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for family in [None, Some(Family::V6), Some(Family::V4)] {
        for fault in Fault::examples(family) {
            let name = format!("fault::{fault}").replace(" --", "::").replace(' ', "=");
            // The mirror in the other family proves that families are told apart.
            let slow = family == Some(Family::V4);
            tests.push(Test::new(&name, slow, move || inject_and_revert(&fault)));
        }
    }
    tests
}

fn inject_and_revert(fault: &Fault) {
    let workload = workload();
    let injection = fault::injected(workload.cluster, fault)
        .unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()));
    // First: one of the faults ends by itself.
    expect_paths(workload, fault, true);
    let new_pods = matches!(fault, Fault::PodAddressMissing(_) | Fault::NodeCidrMissing(_));
    let scope = Scope { new_pods, mute: expected::mute(fault) };
    expect(workload, scope, |probe| expected(fault, probe));
    if matches!(fault, Fault::ApiServerPaused(_)) {
        // It comes back before it is reverted.
        expect_paths(workload, fault, false);
    }
    injection.revert().unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()));
    expect_health(workload);
    expect_paths(workload, fault, false);
    assert!(fault::active(workload.cluster).unwrap().is_empty());
}

/// Waits until the path that this fault alone is about, if there is one, is broken in the fault's
/// family (or in both), and works in the other; or, once it is reverted, works in both.
#[track_caller]
fn expect_paths(workload: &Workload<'_>, fault: &Fault, injected: bool) {
    let Some(path) = Path::of(fault) else { return };
    for family in FAMILIES {
        let broken = injected && fault.family().is_none_or(|broken| broken == family);
        let settled = settles(Duration::from_secs(25), || path.works(workload, family) != broken);
        let state = if broken { "works" } else { "is broken" };
        assert!(settled, "{fault}: {path:?} {state} in {family}, against expectation");
    }
}
