//! Other people's tools, which must read what we write and drive what we offer. A trial whose tool
//! isn't there is skipped aloud, unless `DUALSTACK_REQUIRE_TOOLS=1`.

use std::{collections::BTreeMap, env, process::Command};

use dualstack::check::Status;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use testbed::{fault::NodePortDropped, spec::Family};

use super::{
    bed::{Bed, text},
    faults::route_missing,
    product::run,
    trial::Test,
};

pub const QUICK: &[(&str, Test)] = &[
    ("tools::junitparser_and_quick_junit_read_the_counts_and_names_of_a_red_run", junit_readers),
    ("tools::nextest_lists_the_trials_and_one_process_runs_them_all", nextest),
];

/// Skips the trial, or fails it where its tool is required.
fn without_tool(bed: &Bed, why: &str) {
    assert!(
        env::var_os("DUALSTACK_REQUIRE_TOOLS").is_none_or(|value| value != "1"),
        "{why}, and DUALSTACK_REQUIRE_TOOLS=1 requires it"
    );
    bed.skip(why);
}

/// What a reader of JUnit makes of a report: how each case ended, by its name, and the totals of
/// the report's head: tests, failures, errors, skipped.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
struct Seen {
    cases: BTreeMap<String, String>,
    totals: [usize; 4],
}

/// Prints what junitparser makes of a report.
const JUNITPARSER: &str = r#"
import json, sys
from junitparser import JUnitXml
report = JUnitXml.fromfile(sys.argv[1])
cases = {}
for suite in report:
    for case in suite:
        kinds = [type(result).__name__ for result in case.result]
        assert len(kinds) < 2 and case.name not in cases, (case.name, kinds)
        cases[case.name] = kinds[0] if kinds else "Passed"
totals = [report.tests, report.failures, report.errors, report.skipped]
sums = [sum(getattr(suite, of) for suite in report) for of in ("tests", "failures", "errors", "skipped")]
# The head's own count of what was skipped is no part of JUnit; its suites' is.
report.update_statistics()
assert sums[:3] == totals[:3], (sums, totals)
assert [report.tests, report.failures, report.errors, report.skipped] == sums, sums
print(json.dumps({"cases": cases, "totals": sums}))
"#;

fn junit_readers(bed: &Bed) {
    let python = env::var("DUALSTACK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import junitparser"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        return without_tool(
            bed,
            &format!("{python} has no junitparser (pip install junitparser)"),
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.xml");
    let red = {
        let _broken = bed.break_on_purpose(&route_missing());
        run(bed, &["--junit", path.to_str().unwrap()])
    };
    assert_eq!(red.code, 1, "{}", red.output);
    let cases: BTreeMap<String, String> = red
        .judged()
        .map(|judged| {
            let kind = match judged.verdict.status() {
                Status::Pass => "Passed",
                Status::Fail => "Failure",
                Status::Skip => "Skipped",
                Status::Inconclusive => "Error",
            };
            (judged.case.name(), kind.to_owned())
        })
        .collect();
    let count = |kind: &str| cases.values().filter(|of| *of == kind).count();
    let totals = [cases.len(), count("Failure"), count("Error"), count("Skipped")];
    assert!(totals[1] > 0, "{}", red.output);
    let written = Seen { cases, totals };

    let output = Command::new(&python).args(["-c", JUNITPARSER]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let by_junitparser: Seen = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(by_junitparser, written);
    assert_eq!(by_quick_junit(&std::fs::read_to_string(&path).unwrap()), written);
}

fn by_quick_junit(xml: &str) -> Seen {
    let report = Report::deserialize_from_str(xml).unwrap();
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases).map(|case| {
        let kind = match &case.status {
            TestCaseStatus::Success { .. } => "Passed",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "Failure",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "Error",
            TestCaseStatus::Skipped { .. } => "Skipped",
        };
        (case.name.as_str().to_owned(), kind.to_owned())
    });
    let skipped = report.test_suites.iter().map(|suite| suite.skipped).sum();
    Seen { cases: cases.collect(), totals: [report.tests, report.failures, report.errors, skipped] }
}

fn nextest(bed: &Bed) {
    let nextest = |arguments: &[&str]| {
        Command::new(env!("CARGO"))
            .arg("nextest")
            .args(arguments)
            .env("DUALSTACK_KUBECONFIG", &bed.kubeconfig)
            .env("DUALSTACK_REQUIRE_CLUSTER", "1")
            .env("DUALSTACK_DENY_SKIPS", "1")
            .env("NEXTEST_USER_CONFIG_FILE", "none")
            .output()
            .unwrap()
    };
    if !nextest(&["--version"]).status.success() {
        return without_tool(bed, "cargo nextest is not installed");
    }
    let of = ["--locked", "--package", "dualstack", "--test", "conformance"];
    let listed = nextest(&[&["list", "--message-format", "oneline"], &of[..]].concat());
    let listed = text(&listed.stdout);
    let trials: Vec<_> = listed.lines().filter(|line| line.contains("::conformance ")).collect();
    assert!(trials.len() > 12, "{listed}");
    assert_eq!(bed.leftovers(), "", "listing touched the cluster");

    // Several processes at a time, as by default: one of them carries the run out, all judge from
    // its record.
    let runs_before = namespaces_made(bed);
    let ran = nextest(&[&["run", "--no-fail-fast", "--test-threads", "4"], &of[..]].concat());
    let said = text(&ran.stderr);
    assert!(ran.status.success(), "{said}{}", text(&ran.stdout));
    assert!(
        said.contains(&format!("{} tests run: {} passed", trials.len(), trials.len())),
        "{said}"
    );
    assert_eq!(namespaces_made(bed) - runs_before, 1, "the processes did not share one run");
    assert_eq!(bed.leftovers(), "");

    let broken = {
        let fault = NodePortDropped { family: Family::V6, node: "n2".to_owned() };
        let _broken = bed.break_on_purpose(&fault.into());
        nextest(&[&["run", "--no-fail-fast"], &of[..], &["node_port"]].concat())
    };
    let said = text(&broken.stderr);
    assert!(!broken.status.success(), "{said}");
    assert!(said.contains("4 tests run: 2 passed, 2 failed"), "{said}");
    assert_eq!(bed.leftovers(), "");
}

/// How many namespaces runs have made since the cluster is up, by the API server's own count of
/// its requests.
fn namespaces_made(bed: &Bed) -> u64 {
    let metrics = bed.kubectl(&["get", "--raw", "/metrics"]);
    let made = metrics.lines().filter(|line| {
        line.starts_with("apiserver_request_total{")
            && line.contains("resource=\"namespaces\"")
            && (line.contains("verb=\"APPLY\"") || line.contains("verb=\"PATCH\""))
            && line.contains("code=\"201\"")
    });
    made.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}
