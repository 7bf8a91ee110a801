//! A cluster with nothing wrong: what must be green, and what other suites must say of it.

use std::{collections::BTreeSet, process::Command};

use dualstack::{check::Status, net::IpFamily};

use super::{
    bed::Bed,
    product::{Run, dualstack, run},
    trial::Test,
};

pub const QUICK: &[(&str, Test)] = &[
    ("healthy::the_dual_stack_suite_passes_and_leaves_nothing", dual_stack_passes),
    ("healthy::junit_says_what_the_record_says", junit_agrees),
    ("healthy::a_saved_run_is_judged_the_same_again", rejudged),
    ("healthy::the_ipv6_primary_suite_finds_the_order_of_families", ipv6_primary),
    ("healthy::a_single_stack_suite_finds_the_other_family", single_stack),
    ("healthy::the_test_harness_passes", harness),
];

pub const LONG: &[(&str, Test)] = &[("healthy::thirty_runs_in_a_row_pass", thirty_runs)];

fn dual_stack_passes(bed: &Bed) {
    let run = run(bed, &["--suite", "dual-stack", "--outside", "required"]);
    assert_passed(bed, &run);
    for family in IpFamily::ALL {
        let green = run.judged().filter(|judged| judged.case.family == Some(family));
        assert!(green.count() > 30, "{family} was hardly tried:\n{}", run.output);
    }
    let skipped = run.cases(Status::Skip);
    assert!(skipped.is_empty(), "nothing is to be skipped here: {skipped:#?}");
}

/// Asserts that a run passed and that nothing of it is left.
pub fn assert_passed(bed: &Bed, run: &Run) {
    assert_eq!(run.code, 0, "{}", run.not_passed());
    assert!(run.cases(Status::Pass).len() > 60, "hardly anything was tried:\n{}", run.output);
    assert_eq!(run.record().left_behind, Vec::<String>::new());
    assert_eq!(bed.leftovers(), "");
}

fn junit_agrees(bed: &Bed) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.xml");
    let run = run(bed, &["--junit", path.to_str().unwrap()]);
    let xml = std::fs::read_to_string(&path).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let cases: Vec<_> = report.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    assert_eq!(cases.len(), run.judged().count());
    assert_eq!(report.failures + report.errors, 0, "{}", run.output);
}

fn rejudged(bed: &Bed) {
    let directory = tempfile::tempdir().unwrap();
    let (json, again) = (directory.path().join("run.json"), directory.path().join("again.json"));
    let first = dualstack(bed, &["run", "--json", json.to_str().unwrap()]).output().unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_dualstack"))
        .env_remove("KUBECONFIG")
        .args(["judge", json.to_str().unwrap(), "--json", again.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(first.status.code(), second.status.code());
    let judged = |path| {
        let record: dualstack::record::Record =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        record.judged
    };
    assert_eq!(judged(&json), judged(&again));
}

fn ipv6_primary(bed: &Bed) {
    let run = run(bed, &["--suite", "dual-stack-ipv6-primary"]);
    assert_eq!(run.code, 1, "{}", run.output);
    let red: BTreeSet<_> = checks(&run, Status::Fail);
    // Where Kubernetes orders the families the order is wrong; every path works all the same.
    assert_eq!(red, BTreeSet::from(ORDERED.map(str::to_owned)), "{}", run.output);
    assert!(!checks(&run, Status::Pass).is_disjoint(&BTreeSet::from(PATHS.map(str::to_owned))));
}

fn single_stack(bed: &Bed) {
    for (suite, other) in [("single-stack-ipv4", IpFamily::V6), ("single-stack-ipv6", IpFamily::V4)]
    {
        let run = run(bed, &["--suite", suite]);
        assert_eq!(run.code, 1, "{}", run.output);
        let red = checks(&run, Status::Fail);
        for check in
            ["node::pod_cidrs", "node::internal_ips", "pod::pod_ips", "service::cluster_ips"]
        {
            assert!(red.contains(check), "{suite}: {check} must be red:\n{}", run.output);
        }
        for judged in run.judged().filter(|judged| judged.verdict.status() == Status::Fail) {
            let says = judged.verdict.failure().unwrap();
            assert!(!says.fix.is_empty() && !says.reproduce.is_empty(), "{}", judged.case.name());
        }
        assert!(run.output.contains(other.as_str()), "{suite} must name {other}:\n{}", run.output);
        // What it finds is declared, not lost: no path fails.
        let paths = BTreeSet::from(PATHS.map(str::to_owned));
        assert!(red.is_disjoint(&paths), "{suite}: {red:?}\n{}", run.not_passed());
    }
}

/// The checks that look at the order of families.
const ORDERED: [&str; 4] =
    ["node::pod_cidrs", "node::internal_ips", "pod::pod_ips", "service::cluster_ips"];

/// The checks that send packets.
const PATHS: [&str; 4] = [
    "pod::reachable",
    "service::cluster_ip_reachable",
    "node_port::from_outside",
    "node_port::from_pod",
];

fn checks(run: &Run, status: Status) -> BTreeSet<String> {
    run.judged()
        .filter(|judged| judged.verdict.status() == status)
        .map(|judged| judged.case.check.clone())
        .collect()
}

fn harness(bed: &Bed) {
    let conformance = |arguments: &[&str]| {
        Command::new(env!("CARGO"))
            .args([
                "test",
                "--quiet",
                "--locked",
                "--package",
                "dualstack",
                "--test",
                "conformance",
            ])
            .arg("--")
            .args(arguments)
            .env("DUALSTACK_KUBECONFIG", &bed.kubeconfig)
            .env("DUALSTACK_REQUIRE_CLUSTER", "1")
            .env_remove("NEXTEST_RUN_ID")
            .output()
            .unwrap()
    };
    let listed = super::bed::text(&conformance(&["--list"]).stdout);
    assert!(listed.contains("service::cluster_ip_reachable::ipv6: test"), "{listed}");
    let ran = conformance(&["service::"]);
    let printed = super::bed::text(&ran.stdout);
    assert!(ran.status.success(), "{printed}");
    assert!(printed.contains("0 failed") && !printed.contains("node::"), "{printed}");
    assert_eq!(bed.leftovers(), "");
}

fn thirty_runs(bed: &Bed) {
    for _ in 0..30 {
        assert_passed(bed, &run(bed, &["--outside", "required"]));
    }
}
