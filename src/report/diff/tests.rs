//! Comparisons of runs in the lab, as a person sees them.

use super::*;
use crate::{
    check::Subject,
    compare::compare,
    lab::{Fault, Lab},
    net::IpFamily::{V4, V6},
    record::Record,
    report::{tests::SOME, text::Layout},
};

const NARROW: Layout = Layout { width: 80, detail: crate::report::text::Detail::Normal };

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn route_lost_and_hairpin_fixed() -> Comparison {
    let old = Lab::dual().only(SOME).with(Fault::HairpinOff { at: "n1" }).run().record;
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    let new = Lab::new(3, &[V4, V6]).only(SOME).with(fault).changed(|lab| {
        lab.facts.server.version = "v1.37.0".to_owned();
        lab.suite.checks.retain(|name| !name.starts_with("dns"));
    });
    compare(&old, &new.run().record)
}

#[test]
fn a_comparison_reads_well_at_80_columns() {
    let text = plain(&text(&route_lost_and_hairpin_fixed(), NARROW));
    let wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
    insta::assert_snapshot!(text);
}

#[test]
fn a_comparison_reads_well_in_a_pull_request() {
    insta::assert_snapshot!(markdown(&route_lost_and_hairpin_fixed()));
}

#[test]
fn nothing_changed_is_said_in_three_lines() {
    let record = Lab::dual().only(SOME).run().record;
    let text = plain(&text(&compare(&record, &record), NARROW));
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 3, "{text}");
    assert!(text.contains("NO REGRESSION") && text.contains(" unchanged"), "{text}");
}

#[test]
fn json_holds_every_changed_case_with_what_it_was() {
    let value: serde_json::Value =
        serde_json::from_str(&json(&route_lost_and_hairpin_fixed())).unwrap();
    let first = &value["regressions"][0];
    assert_eq!((first["before"].as_str(), first["now"].as_str()), (Some("pass"), Some("fail")));
    assert!(value["gone"][0]["because"]["reason"].as_str() == Some("check_not_run"), "{value}");
}

/// A record whose words would move the cursor, be a picture and call a team.
fn hostile() -> Record {
    let mut record = Lab::dual().only(SOME).with(Fault::HairpinOff { at: "n1" }).run().record;
    let evil = "\u{1b}[2J<script>alert(1)</script> ![x](http://x) @team | `rm`";
    record.started.run = evil.to_owned();
    record.facts.server.version = evil.to_owned();
    for cause in &mut record.causes {
        cause.what = evil.to_owned();
    }
    for judged in &mut record.judged {
        judged.case.subject = match &judged.case.subject {
            Subject::Node { name } => Subject::Node { name: format!("{name}{evil}") },
            Subject::Pod { workload, node } => {
                Subject::Pod { workload: workload.clone(), node: format!("{node}{evil}") }
            }
            other => other.clone(),
        };
    }
    record
}

#[test]
fn hostile_names_stay_words() {
    let found = compare(&Lab::dual().only(SOME).run().record, &hostile());
    let shown = plain(&text(&found, NARROW));
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown}");
    assert!(shown.contains("\\u{1b}[2J<script>"), "{shown}");
    let shown = markdown(&found);
    // What stands between backticks is shown as code, and does nothing.
    for evil in ["<script", "![x]", "@team", "\u{1b}"] {
        assert!(!shown.contains(evil), "{evil}: {shown}");
    }
}
