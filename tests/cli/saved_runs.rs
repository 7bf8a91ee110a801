//! Saved runs: judged again, compared, known by a baseline, published as a report.

use std::{fs, path::Path};

use dualstack::exit::Exit;
use quick_junit::Report;
use serde_json::Value;

use super::{NODE_CHECKS, dualstack, refused, run, saved, stderr, stdout};

#[test]
fn a_record_of_another_version_is_refused_by_its_version() {
    let directory = tempfile::tempdir().unwrap();
    for version in [1, 99] {
        let path = saved(directory.path(), |record| record["version"] = version.into());
        let said = format!("version {version}, and dualstack");
        refused(&["judge", &path], Exit::Usage, &[&path, &said, "or run again"]);
    }
}

#[test]
fn a_record_that_contradicts_itself_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |says: &str, change: &dyn Fn(&mut Value)| {
        let path = saved(directory.path(), change);
        refused(&["judge", &path], Exit::Usage, &[&path, says]);
    };
    refused("node::pod_cidrs/ipv4/n1 names a probe", &|record| {
        record["judged"][0]["case"]["probes"] = serde_json::json!([3]);
    });
    refused("something was put into the cluster", &|record| {
        record["reached"] = "applied".into();
    });
    refused("the run ended before", &|record| {
        record["suite"]["checks"] = serde_json::json!(["node", "pod"]);
    });
    refused("missing field", &|record| {
        record.as_object_mut().unwrap().remove("facts");
    });
}

#[test]
fn a_run_that_broke_off_is_judged_with_its_words_and_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(directory.path(), |record| {
        record["suite"]["checks"] = serde_json::json!(["node", "pod"]);
        record["broken_off"] =
            serde_json::json!({"error": "no node can take the pods", "exit": "cluster"});
    });
    let output = run(&["judge", &path]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("Run stopped early: no node can take the pods"), "{text}");
    assert!(text.contains("14 passed") && text.contains("pod::reachable"), "{text}");
}

#[test]
fn what_is_no_record_is_refused_with_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.json");
    for text in ["", "{}", "[1, 2", "version: 1"] {
        fs::write(&path, text).unwrap();
        refused(
            &["judge", path.to_str().unwrap()],
            Exit::Usage,
            &["invalid run record", "--json FILE"],
        );
    }
    refused(&["judge", "/nonexistent.json"], Exit::Usage, &["cannot read", "/nonexistent.json"]);
}

#[test]
fn a_saved_run_is_judged_again_without_a_cluster() {
    let output = run(&["judge", NODE_CHECKS]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("PASSED") && text.contains("14 passed"), "{text}");
    assert!(!text.contains("now judged"), "the same checks judge the same: {text}");
}

#[test]
fn a_saved_run_is_judged_by_what_was_seen_and_not_by_its_old_verdicts() {
    let directory = tempfile::tempdir().unwrap();
    let mut record: Value = serde_json::from_slice(&fs::read(NODE_CHECKS).unwrap()).unwrap();
    record["facts"]["nodes"]["value"][1]["pod_cidrs"] = serde_json::json!(["10.244.2.0/24"]);
    let path = directory.path().join("run.json");
    fs::write(&path, record.to_string()).unwrap();
    let junit = directory.path().join("junit.xml");
    let output = dualstack().arg("judge").arg(&path).arg("--junit").arg(&junit).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("recorded as pass, now judged fail"), "{text}");
    let report = Report::deserialize_from_str(&fs::read_to_string(&junit).unwrap()).unwrap();
    assert_eq!(report.tests, 14);
    assert!(report.failures > 0);
}

/// The record of a run in which a node lost a pod range since.
fn broken(directory: &Path) -> String {
    saved(directory, |record| {
        record["facts"]["nodes"]["value"][1]["pod_cidrs"] = serde_json::json!(["10.244.2.0/24"]);
    })
}

#[test]
fn a_baseline_is_written_from_a_run_and_makes_its_failures_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = broken(directory.path());
    let why = ["--reason", "NET-42", "--owner", "team-net", "--until", "2999-12-31"];
    let output = run(&[&["baseline", &path][..], &why].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let known = directory.path().join("known.yaml");
    fs::write(&known, &output.stdout).unwrap();
    let known = known.to_str().unwrap();
    assert_eq!(run(&["judge", &path]).status.code(), Some(1));
    let output = run(&["judge", &path, "--baseline", known]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("PASSED") && text.contains("known to fail"), "{text}");
    let expired = fs::read_to_string(known).unwrap().replace("2999", "2001");
    fs::write(known, expired).unwrap();
    let output = run(&["judge", &path, "--baseline", known, "--quiet"]);
    assert_eq!(output.status.code(), Some(1), "what expired fails again");
    assert!(stdout(&output).contains("expired on"), "{}", stdout(&output));
}

#[test]
fn a_baseline_that_cannot_be_used_is_refused_before_anything_is_begun() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("known.yaml");
    fs::write(&path, "known:\n- case: dns::record\n  reason: x\n  owner: y\n  until: soon\n")
        .unwrap();
    let path = path.to_str().unwrap();
    for command in [&["run"][..], &["judge", NODE_CHECKS]] {
        let arguments = [command, &["--baseline", path]].concat();
        refused(&arguments, Exit::Usage, &[path, "line 2", "did you mean `dns::records`?"]);
        let arguments = [command, &["--baseline", "/nonexistent.yaml"]].concat();
        refused(&arguments, Exit::Usage, &["cannot read the baseline /nonexistent.yaml"]);
    }
    let why = ["baseline", NODE_CHECKS, "--reason", "x", "--owner", "y", "--until"];
    refused(&[&why[..], &["2001-01-31"]].concat(), Exit::Usage, &["in the past"]);
    refused(&[&why[..], &["31.1.2027"]].concat(), Exit::Usage, &["`31.1.2027` is not a date"]);
}

/// Whose network a conformance report is of.
const CLAIM: [&str; 10] = [
    "--conformance-organization",
    "acme",
    "--conformance-project",
    "acme-cni",
    "--conformance-url",
    "https://acme.example/cni",
    "--conformance-version",
    "v1.2.3",
    "--conformance-contact",
    "@acme/net",
];

#[test]
fn a_conformance_report_is_verified_by_its_record_and_not_if_it_was_edited() {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report.yaml");
    let badge = directory.path().join("badge.svg");
    let (report, badge) = (report.to_str().unwrap(), badge.to_str().unwrap());
    let files = ["judge", NODE_CHECKS, "--conformance", report, "--badge", badge];
    let output = run(&[&files[..], &CLAIM].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = fs::read_to_string(report).unwrap();
    assert!(text.contains("result: partial") && text.contains("Not run: "), "{text}");
    assert!(fs::read_to_string(badge).unwrap().starts_with("<svg"));
    let output = run(&["verify", report, NODE_CHECKS]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("VERIFIED acme-cni v1.2.3, result partial"));
    fs::write(report, text.replace("result: partial", "result: success")).unwrap();
    let output = run(&["verify", report, NODE_CHECKS]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains("DIFFERS"), "{}", stdout(&output));
    let other = broken(directory.path());
    fs::write(report, text).unwrap();
    let output = run(&["verify", report, &other]);
    assert!(stdout(&output).contains("of another record"), "{}", stdout(&output));
}

#[test]
fn a_conformance_report_that_cannot_be_used_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.yaml");
    let report = path.to_str().unwrap();
    let made = run(&[&["judge", NODE_CHECKS, "--conformance", report][..], &CLAIM].concat());
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let text = fs::read_to_string(&path).unwrap();
    for (written, says) in [
        (text.replace("v1alpha1", "v9"), "this dualstack reads ConformanceReport of"),
        (text[..text.len() / 2].to_owned(), "invalid conformance report"),
        (format!("{text}more: x\n"), "more"),
        ("a: [".to_owned(), "invalid conformance report"),
    ] {
        fs::write(&path, written).unwrap();
        refused(&["verify", report, NODE_CHECKS], Exit::Usage, &[report, says, "dualstack"]);
    }
    refused(&["verify", "/nonexistent", NODE_CHECKS], Exit::Usage, &["cannot read"]);
    fs::write(&path, text).unwrap();
    refused(&["verify", report, "/nonexistent"], Exit::Usage, &["cannot read the run record"]);
    let unwritable = ["judge", NODE_CHECKS, "--conformance", "/nonexistent/report.yaml"];
    let says = ["cannot write the conformance report to /nonexistent/report.yaml"];
    refused(&[&unwritable[..], &CLAIM].concat(), Exit::Usage, &says);
    let unwritable = ["judge", NODE_CHECKS, "--badge", "/nonexistent/badge.svg"];
    refused(&unwritable, Exit::Usage, &["cannot write the badge to"]);
    let nobody = ["judge", NODE_CHECKS, "--conformance", report];
    refused(&nobody, Exit::Usage, &["--conformance-organization", "--conformance-implementation"]);
    refused(&["judge", NODE_CHECKS, "--badge", "-", "--json", "-"], Exit::Usage, &["both go to -"]);
}

#[test]
fn whose_network_a_conformance_report_is_of_may_stand_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (by_options, by_file, implementation) = (path("a.yaml"), path("b.yaml"), path("impl.yaml"));
    let made = run(&[&["judge", NODE_CHECKS, "--conformance", &by_options][..], &CLAIM].concat());
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let value = |option: &str| {
        let place = CLAIM.iter().position(|word| *word == option).unwrap();
        CLAIM[place + 1]
    };
    let file = format!(
        "organization: {:?}\nproject: {:?}\nurl: {:?}\nversion: v0\ncontact: [{:?}]\n",
        value("--conformance-organization"),
        value("--conformance-project"),
        value("--conformance-url"),
        value("--conformance-contact"),
    );
    fs::write(&implementation, &file).unwrap();
    let version = value("--conformance-version");
    let claim = ["--conformance-implementation", &implementation, "--conformance-version", version];
    let made = run(&[&["judge", NODE_CHECKS, "--conformance", &by_file][..], &claim].concat());
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    // An option comes before the file.
    assert_eq!(fs::read_to_string(&by_options).unwrap(), fs::read_to_string(&by_file).unwrap());

    let judge = ["judge", NODE_CHECKS, "--conformance", &by_file];
    let with_file = [&judge[..], &claim[..2]].concat();
    for (written, says) in [
        ("organization: acme\n".to_owned(), "needs --conformance-project"),
        (format!("{file}name: x\n"), "unknown field"),
        (file.replace("v0", "\"\""), "it is empty"),
        ("[".to_owned(), "invalid implementation"),
    ] {
        fs::write(&implementation, written).unwrap();
        refused(&with_file, Exit::Usage, &[says]);
    }
    fs::remove_file(&implementation).unwrap();
    refused(&with_file, Exit::Usage, &["cannot read the implementation"]);
}

#[test]
fn hostile_names_in_a_record_reach_no_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(directory.path(), |record| {
        let evil = "n2\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}<script>";
        record["facts"]["nodes"]["value"][1]["name"] = evil.into();
        record["facts"]["nodes"]["value"][1]["pod_cidrs"] = serde_json::json!(["10.244.2.0/24"]);
        record["started"]["server"]["context"] = evil.into();
        record["notices"] = serde_json::json!([evil]);
    });
    let why = ["--reason", "x", "--owner", "y", "--until", "2999-12-31"];
    let commands = [
        vec!["judge", &path, "-v"],
        vec!["judge", &path, "--junit", "-"],
        vec!["diff", NODE_CHECKS, &path],
        vec!["diff", NODE_CHECKS, &path, "-o", "markdown"],
        vec!["diff", NODE_CHECKS, &path, "-o", "json"],
        [&["baseline", &path][..], &why].concat(),
        [&["judge", &path, "--badge", "/dev/null", "--conformance", "-"][..], &CLAIM].concat(),
    ];
    for command in commands {
        let output = dualstack().args(&command).args(["--color", "always"]).output().unwrap();
        let text = stdout(&output) + &stderr(&output);
        assert!(text.contains("n2"), "{command:?}: {text}");
        for evil in ["\u{1b}[2J", "\u{1b}]", "\u{7}", "\u{202e}"] {
            assert!(!text.contains(evil), "{command:?}: {text:?}");
        }
    }
}

#[test]
fn diff_exits_with_1_on_a_regression_and_with_0_when_it_is_fixed() {
    let directory = tempfile::tempdir().unwrap();
    let path = broken(directory.path());
    let output = run(&["diff", NODE_CHECKS, &path]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("REGRESSED") && text.contains("node::pod_cidrs"), "{text}");
    let output = run(&["diff", &path, NODE_CHECKS, "--output", "markdown"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("### Fixed"), "{}", stdout(&output));
    let output = run(&["diff", NODE_CHECKS, NODE_CHECKS, "-o", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((value["unchanged"].as_u64(), output.status.code()), (Some(14), Some(0)));
}

#[test]
fn diff_refuses_bad_records_as_judge_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(directory.path(), |record| record["version"] = 99.into());
    refused(&["diff", NODE_CHECKS, &path], Exit::Usage, &[&path, "version 99, and dualstack"]);
    let whole = fs::read_to_string(NODE_CHECKS).unwrap();
    for text in ["", "{}", &whole[..whole.len() / 2]] {
        fs::write(&path, text).unwrap();
        let says = ["invalid run record", path.as_str(), "--json FILE"];
        refused(&["diff", &path, NODE_CHECKS], Exit::Usage, &says);
    }
    refused(&["diff", NODE_CHECKS, "/nonexistent.json"], Exit::Usage, &["cannot read"]);
    refused(&["diff", "-", "-"], Exit::Usage, &["both records from stdin"]);
}
