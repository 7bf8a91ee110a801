//! The rules' own examples, and what holds for all rules.

use std::collections::HashSet;

use super::{
    Live, LiveDocument, Options, Report, lint_text,
    rules::{Example, RULES},
};

fn lint(example: &Example) -> Report {
    let live = example.live.map(|text| Live {
        documents: vec![LiveDocument { name: "live".into(), text: text.into() }],
        unread: Vec::new(),
    });
    let options = Options { asked: example.asked, ..Options::default() };
    lint_text("example.yaml", example.text.as_bytes().to_vec(), live.as_ref(), &options)
}

fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn every_bad_example_yields_exactly_its_codes() {
    let mut wrong = Vec::new();
    for rule in RULES {
        for example in rule.bad {
            let mut wanted = vec![rule.code];
            wanted.extend(example.also);
            wanted.sort_unstable();
            let report = lint(example);
            if codes(&report) != wanted {
                wrong.push(format!(
                    "{}: {wanted:?} wanted, but:\n{:#?}\n{}",
                    rule.code,
                    report.findings.iter().map(|f| (f.code, &f.message)).collect::<Vec<_>>(),
                    example.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_good_example_yields_nothing() {
    let mut wrong = Vec::new();
    for rule in RULES {
        assert!(!rule.good.is_empty() && !rule.bad.is_empty(), "{}", rule.code);
        for example in rule.good {
            let report = lint(example);
            if !report.findings.is_empty() {
                wrong.push(format!(
                    "{}: {:#?}\n{}",
                    rule.code,
                    report.findings.iter().map(|f| (f.code, &f.message)).collect::<Vec<_>>(),
                    example.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn codes_and_names_are_unique_and_in_order() {
    let codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes.len(), sorted.len());
    let names: HashSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn installations_that_are_told_the_same_have_one_row_of_capacity() {
    let talos = "machine: {type: controlplane}\ncluster: {network: {podSubnets: [10.244.0.0/16], \
                 serviceSubnets: [10.96.0.0/12]}}\n";
    let rows = |text: String| {
        let report = lint_text("a.yaml", text.into(), None, &Options::default());
        report.capacity.len()
    };
    let once = rows(talos.to_owned());
    assert!(once > 0);
    let worker = talos.replace("controlplane", "worker");
    assert_eq!(rows(format!("{talos}---\n{worker}")), once);
}
