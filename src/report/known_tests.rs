//! The reports of runs with a baseline.

use std::sync::Arc;

use quick_junit::{Report, TestCaseStatus};

use super::{
    junit,
    text::{self, Layout},
};
use crate::{
    baseline::Baseline,
    event::Finished,
    lab::{Fault, Lab},
    net::IpFamily::V6,
    record::Record,
};

/// A firewall of two nodes drops NodePorts from outside; one of them is known, and so is what works.
fn partly_known() -> Record {
    let filtered = |at| Fault::NodePortFiltered { at, family: V6 };
    let lab = Lab::dual().with(filtered("n2")).with(filtered("n3"));
    let lab = lab.only(&["node_port::from_outside"]);
    let text = "known:\n- case: \"*/ipv6/outside -> n2\"\n  reason: \"<b>NET-42</b>\"\n  owner: net & co\n  \
                until: 2027-01-31\n- case: node_port::from_outside/ipv4/*\n  reason: Old.\n  owner: net\n  \
                until: 2027-01-31\n";
    let baseline = Baseline::parse("known.yaml", text, "2026-11-25".parse().unwrap()).unwrap();
    Record { baseline: Some(baseline), ..lab.run().record }
}

#[test]
fn known_failures_have_a_word_of_their_own_and_are_counted() {
    let record = partly_known();
    let finished = Arc::new(Finished { exit: record.exit(), record });
    let shown = text::body(&finished, &[], Layout { width: 80, ..Layout::default() });
    let shown = anstream::adapter::strip_str(&shown).to_string();
    assert_eq!(shown.lines().find(|line| line.chars().count() > 80 && !line.contains("$ ")), None);
    insta::assert_snapshot!(shown);
}

#[test]
fn junit_skips_a_known_failure_with_its_reason_and_keeps_what_was_seen() {
    let report = junit::of_record(&partly_known()).to_string().unwrap();
    let report = Report::deserialize_from_str(&report).unwrap();
    // One of the skipped ones is the entry that nothing fails for any more.
    assert_eq!((report.tests, report.failures, report.skipped), (7, 1, 2));
    let mut cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    let case = cases.find(|case| case.name.as_str().ends_with("ipv6/outside -> n2")).unwrap();
    let TestCaseStatus::Skipped { ty, message, description, .. } = &case.status else {
        panic!("it is skipped");
    };
    assert_eq!(ty.as_ref().unwrap().as_str(), "known");
    let message = message.as_ref().unwrap().as_str();
    assert_eq!(message, "known to fail: <b>NET-42</b> (net & co, until 2027-01-31)");
    assert!(description.as_ref().unwrap().as_str().contains("Reproduce:"));
}

#[test]
fn junit_has_a_skipped_case_for_each_entry_of_the_baseline_that_is_out_of_date() {
    let report = junit::of_record(&partly_known()).to_string().unwrap();
    let report = Report::deserialize_from_str(&report).unwrap();
    let suite = report.test_suites.iter().find(|suite| suite.name.as_str() == "baseline").unwrap();
    let [case] = suite.test_cases.as_slice() else { panic!("{suite:?}") };
    assert_eq!(case.name.as_str(), "baseline/node_port::from_outside/ipv4/* (line 6)");
    let TestCaseStatus::Skipped { ty, message, .. } = &case.status else {
        panic!("it is skipped");
    };
    assert_eq!(ty.as_ref().unwrap().as_str(), "baseline");
    let message = message.as_ref().unwrap().as_str();
    assert!(
        message.ends_with("matches 3 cases, none of which fails any more; remove it"),
        "{message}"
    );
}

#[test]
fn every_page_names_the_entries_of_a_baseline_that_are_out_of_date() {
    let record = partly_known();
    for format in super::FORMATS.iter().filter(|it| ["html", "markdown"].contains(&it.option)) {
        let page = (format.render)(super::Ending::Finished(&record)).unwrap().unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains("none of which fails any more"), "{}", format.option);
    }
}

#[test]
fn a_record_keeps_its_baseline_and_ends_alike_when_it_is_judged_again() {
    let record = partly_known();
    let text = serde_json::to_string(&record).unwrap();
    let back: Record = serde_json::from_str(&text).unwrap();
    assert_eq!(back, record);
    let checks = back.suite.checks();
    assert_eq!(crate::run::rejudge(back, checks).exit(), record.exit());
}
