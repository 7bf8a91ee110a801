//! Baselines of runs in the lab.

use super::*;
use crate::{
    check::Status,
    exit::Exit,
    lab::{Fault, Lab, Run},
    net::IpFamily::V6,
    record::Record,
};

const TODAY: &str = "2026-11-25";

fn entry(case: &str, until: &str) -> String {
    format!(
        "- case: \"{case}\"\n  reason: The firewall, NET-42.\n  owner: team-net\n  until: {until}\n"
    )
}

fn parsed(text: &str) -> Result<Baseline, BaselineError> {
    Baseline::parse("known.yaml", text, TODAY.parse().unwrap())
}

fn baseline(entries: &[(&str, &str)]) -> Baseline {
    let entries: String = entries.iter().map(|(case, until)| entry(case, until)).collect();
    parsed(&format!("known:\n{entries}")).unwrap()
}

fn firewalled() -> Run {
    Lab::dual().with(Fault::NodePortFiltered { at: "n2", family: V6 }).run()
}

fn with(run: &Run, entries: &[(&str, &str)]) -> Record {
    Record { baseline: Some(baseline(entries)), ..run.record.clone() }
}

#[test]
fn a_failure_that_is_known_does_not_fail_the_run_and_is_counted() {
    let run = firewalled();
    assert_eq!(run.record.exit(), Exit::Failed);
    let failed = run.names(Status::Fail);
    assert!(!failed.is_empty());
    let record = with(&run, &[("node_port::*/ipv6/*n2*", "2027-01-31")]);
    assert_eq!((record.review().count(), record.exit()), (failed.len(), Exit::Passed));
    assert_eq!(record.review().sentences(), Vec::<String>::new());
    let exact: Vec<(&str, &str)> = failed.iter().map(|name| (name.as_str(), TODAY)).collect();
    assert_eq!(with(&run, &exact).exit(), Exit::Passed, "the last day counts");
    assert_eq!(with(&run, &exact[1..]).exit(), Exit::Failed, "one is not known");
    assert_eq!(with(&run, &[("node_port", "2027-01-31")]).exit(), Exit::Passed);
}

#[test]
fn an_expired_entry_covers_nothing_and_is_named() {
    let run = firewalled();
    let record = with(&run, &[("node_port", "2026-11-24")]);
    assert_eq!((record.review().count(), record.exit()), (0, Exit::Failed));
    let findings = record.review().sentences();
    let said = "known.yaml, line 2: `node_port` expired on 2026-11-24, so ";
    assert!(findings.len() == 1 && findings[0].starts_with(said), "{findings:?}");
}

#[test]
fn entries_that_match_nothing_or_what_works_are_named_and_fail_nothing() {
    let healthy = Lab::dual().run();
    let record = with(
        &healthy,
        &[
            ("pod::reachable/ipv6/n1 -> n9", "2027-01-31"),
            ("dns", "2027-01-31"),
            ("pod", "2020-01-01"),
        ],
    );
    assert_eq!(record.exit(), Exit::Passed);
    let findings = record.review().sentences();
    assert!(findings[0].contains("line 2: `pod::reachable/ipv6/n1 -> n9` matches no case"));
    assert!(findings[1].contains("line 6: `dns` matches 33 cases, none of which fails any more"));
    assert!(findings[2].contains("expired on 2020-01-01, and nothing fails; remove it"));
    let narrow = Lab::dual().changed(|lab| lab.suite.checks = vec!["node".to_owned()]).run();
    assert_eq!(with(&narrow, &[("dns", "2027-01-31")]).review().sentences(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_told_is_never_covered() {
    let record = with(&Lab::dual().without_exec(), &[("*", "2027-01-31"), ("pod", "2027-01-31")]);
    assert_eq!((record.review().count(), record.exit()), (0, Exit::Inconclusive));
    assert!(record.review().sentences()[0].contains("could not be determined"));
}

#[test]
fn a_run_in_which_everything_failed_proves_nothing_however_known() {
    let run = firewalled();
    let mut record = with(&run, &[("*", "2027-01-31")]);
    record.judged.retain(|judged| judged.verdict.status() == Status::Fail);
    assert_eq!(record.exit(), Exit::Inconclusive);
}

#[test]
fn bad_baselines_are_refused_in_one_sentence_with_their_place() {
    let good = entry("dns", "2027-01-31");
    for (text, words) in [
        (entry("dns::record", "2027-01-31"), "did you mean `dns::records`?"),
        (entry("nothing::*/x", "2027-01-31"), "no check is called `nothing::*`"),
        (entry("pod/ipv6/n1 -> n2", "2027-01-31"), "`pod` is an area"),
        (entry("dns", "soon"), "`soon` is not a date; expected YYYY-MM-DD, such as 2027-01-31"),
        (entry("dns", "2027-02-30"), "`2027-02-30` is not a date"),
        (entry("dns", "2027-1-3"), "is not a date"),
        (good.replace("  owner: team-net\n", ""), "owner"),
        (good.replace("team-net", "\"\""), "it is empty"),
        (good.replace("team-net", "\"a\\nb\""), "control characters"),
        (good.replace("owner", "ownr"), "ownr"),
        (format!("{good}{good}"), "line 6: `dns` is listed already in line 2"),
        ("  - 7\n".to_owned(), "line 2"),
    ] {
        let error = parsed(&format!("known:\n{text}")).unwrap_err().to_string();
        assert!(error.starts_with("invalid baseline known.yaml: "), "{error}");
        assert!(error.contains(words) && error.contains("line "), "`{words}` is not in: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    for text in ["", "{", "[]", "knwn: []"] {
        assert!(parsed(text).is_err(), "{text}");
    }
    let error = Baseline::load("/nonexistent.yaml", TODAY.parse().unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the baseline /nonexistent.yaml: "));
}
