//! The run as JUnit XML: one test suite for each check, one test case for each case.
//!
//! Fail is a failure, or where the baseline knows it skipped with the baseline's reason; inconclusive
//! is an error, skip is skipped with its reason. Family, source,
//! target and node stand in properties, so that a pipeline's report can be searched by them.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    time::Duration,
};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Ending, Format};
use crate::{
    baseline::{Entry, Review},
    cause::{Cause, Judged},
    check::{self, Failure, Status, Subject, Verdict},
    record::Record,
};

/// The run as JUnit XML.
pub(crate) static FORMAT: Format = Format {
    option: "junit",
    what: "the JUnit report",
    help: "Write JUnit XML to this file (`-`: stdout)",
    render: |ending| {
        let report = match ending {
            Ending::Finished(record) => of_record(record),
            Ending::NotBegun(error) => of_nothing(error),
        };
        report.to_string().map(|xml| Some(xml.into_bytes())).map_err(io::Error::other)
    },
};

/// The name of the report and of the suite that speaks of the run as a whole.
const NAME: &str = "dualstack";

/// The report of a run that broke off before it began: one error, so that no pipeline takes the
/// absence of failures for success.
pub(crate) fn of_nothing(error: &str) -> Report {
    let mut report = Report::new(NAME);
    report.add_test_suite(run_suite(Some(error), &[]));
    report
}

/// The report of a record.
pub(crate) fn of_record(record: &Record) -> Report {
    let mut report = Report::new(NAME);
    if let Some(end) = record.phases.iter().map(|phase| phase.start_ms + phase.millis).max() {
        report.set_time(Duration::from_millis(end));
    }
    let error = record.broken_off.as_ref().map(|broken_off| broken_off.error.as_str());
    if error.is_some() || !record.left_behind.is_empty() {
        report.add_test_suite(run_suite(error, &record.left_behind));
    }
    // The record is in the registry's order, so the cases of a check follow one another.
    let review = record.review();
    if !review.findings.is_empty() {
        report.add_test_suite(baseline_suite(&review));
    }
    let mut causes = Causes::new();
    for cause in &record.causes {
        for name in &cause.explains {
            causes.entry(name).or_insert(cause);
        }
    }
    for cases in record.judged.chunk_by(|a, b| a.case.check == b.case.check) {
        report.add_test_suite(suite(cases, record, &review, &causes));
    }
    report
}

/// The causes by the names of the cases that they explain.
type Causes<'a> = HashMap<&'a str, &'a Cause>;

/// The suite that speaks of the run as a whole: that it broke off, what it left behind.
fn run_suite(broken_off: Option<&str>, left_behind: &[String]) -> TestSuite {
    let mut suite = TestSuite::new("run");
    if let Some(error) = broken_off {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(error).set_type("broken-off");
        let mut case = TestCase::new("run/finished", status);
        case.set_classname("run");
        suite.add_test_case(case);
    }
    if !left_behind.is_empty() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status
            .set_message(
                "objects were left behind in the cluster; remove them with `dualstack cleanup`",
            )
            .set_type("left-behind")
            .set_description(left_behind.join("\n"));
        let mut case = TestCase::new("run/teardown", status);
        case.set_classname("run");
        suite.add_test_case(case);
    }
    suite
}

/// What is wrong with the baseline: a case for each entry that has expired, matches nothing, or stands
/// for what no longer fails. They are skipped and not failed, as they don't decide the exit code; what
/// an expired entry no longer covers fails by itself.
fn baseline_suite(review: &Review<'_>) -> TestSuite {
    let mut suite = TestSuite::new("baseline");
    for finding in &review.findings {
        let mut status = TestCaseStatus::skipped();
        status.set_type("baseline").set_message(finding.to_string());
        let Entry { case, line, reason, owner, .. } = finding.entry;
        let mut test_case = TestCase::new(format!("baseline/{case} (line {line})"), status);
        test_case.set_classname("baseline");
        test_case.add_property(("reason", reason.as_str())).add_property(("owner", owner.as_str()));
        suite.add_test_case(test_case);
    }
    suite
}

fn suite(cases: &[Judged], record: &Record, review: &Review<'_>, causes: &Causes<'_>) -> TestSuite {
    let id = cases.first().map_or(NAME, |judged| judged.case.check.as_str());
    let mut suite = TestSuite::new(id);
    let server = &record.started.server;
    suite
        .add_property(("suite", record.suite.name.as_str()))
        .add_property(("context", server.context.as_deref().unwrap_or("in-cluster")))
        .add_property(("server", server.url.as_str()))
        .add_property(("kubernetes", server.version.as_str()));
    if let Some(check) = check::by_id(id) {
        suite
            .add_property(("promise", check.promise().summary))
            .add_property(("documentation", check.promise().source));
    }
    let mut total = Duration::ZERO;
    for judged in cases {
        let time = time_of(judged, record);
        total += time;
        suite.add_test_case(test_case(judged, time, record, review, causes));
    }
    suite.set_time(total);
    suite
}

/// How long the case's own probes took: they run side by side, the attempts of one in turn.
fn time_of(judged: &Judged, record: &Record) -> Duration {
    let millis = record.observations(judged).map(|observation| {
        observation.attempts.iter().map(|attempt| u64::from(attempt.millis)).sum::<u64>()
    });
    Duration::from_millis(millis.max().unwrap_or(0))
}

fn test_case(
    judged: &Judged,
    time: Duration,
    record: &Record,
    review: &Review<'_>,
    causes: &Causes<'_>,
) -> TestCase {
    let name = judged.case.name();
    let cause = causes.get(name.as_str()).copied();
    let status = match review.entry(judged) {
        Some(entry) => known(judged, entry, cause),
        None => status(judged, cause),
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(judged.case.check.as_str()).set_time(time);
    for (name, value) in properties(judged, record) {
        case.add_property((name, value.as_str()));
    }
    if judged.verdict.status() == Status::Pass {
        case.set_system_out(judged.verdict.detail());
    }
    case
}

/// A failure that the baseline knows: skipped, so that it doesn't fail the pipeline, with all that
/// there is to say of it.
fn known(judged: &Judged, entry: &Entry, cause: Option<&Cause>) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_type("known").set_message(format!("known to fail: {}", entry.told()));
    if let Some(failure) = judged.verdict.failure() {
        status.set_description(full_text(judged.verdict.detail(), failure, cause));
    }
    status
}

fn status(judged: &Judged, cause: Option<&Cause>) -> TestCaseStatus {
    match &judged.verdict {
        Verdict::Pass { .. } => TestCaseStatus::success(),
        Verdict::Skip { detail } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(detail.as_str());
            status
        }
        Verdict::Inconclusive { detail } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(detail.as_str()).set_type("inconclusive");
            status
        }
        Verdict::Fail { detail, failure } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(failure.what.as_str());
            status.set_description(full_text(detail, failure, cause));
            status.set_type(cause.map_or("fail", |cause| cause.id.as_str()));
            status
        }
    }
}

/// Everything that is known of a failure, with how to see and to fix it.
fn full_text(detail: &str, failure: &Failure, cause: Option<&Cause>) -> String {
    let mut text = Vec::new();
    let mut section = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            text.push(format!("{title}:"));
            text.extend(lines.iter().map(|line| format!("  {line}")));
        }
    };
    let one = |line: &str| [line.to_owned()];
    section("What", &one(&failure.what));
    section("Observed", &one(detail));
    if let Some(cause) = cause {
        section("Cause", &one(&cause.what));
        section("Why it matters", &one(&cause.why));
        section("Evidence", &cause.evidence);
        section("See the cause", &cause.reproduce);
        section("Fix the cause", &cause.fix);
    }
    section("Reproduce", &failure.reproduce);
    section("Fix", &failure.fix);
    text.join("\n")
}

fn properties(judged: &Judged, record: &Record) -> Vec<(&'static str, String)> {
    let mut properties = Vec::new();
    if let Some(family) = judged.case.family {
        properties.push(("family", family.to_string()));
    }
    match &judged.case.subject {
        Subject::Cluster => {}
        Subject::Node { name } => properties.push(("node", name.clone())),
        Subject::Pod { workload, node } => {
            properties.push(("workload", workload.clone()));
            properties.push(("node", node.clone()));
        }
        Subject::Service { name } => properties.push(("service", name.clone())),
        Subject::Path { from, to } => {
            properties.push(("source", from.clone()));
            properties.push(("target", to.clone()));
        }
    }
    let probes = judged.case.probes.iter().filter_map(|&id| record.probes.probe(id));
    let addresses: BTreeSet<String> = probes.map(|probe| probe.target.to_string()).collect();
    if !addresses.is_empty() {
        let addresses: Vec<_> = addresses.into_iter().collect();
        properties.push(("address", addresses.join(" ")));
    }
    let attempts: usize =
        record.observations(judged).map(|observation| observation.attempts.len()).sum();
    if attempts > 0 {
        properties.push(("attempts", attempts.to_string()));
    }
    properties
}
