//! Reports in every format, and the saved runs that they are made from.

use std::fs;

use dualstack::exit::Exit;
use quick_junit::Report;
use serde_json::Value;

use super::{NODE_CHECKS, dualstack, refused, run, saved, stderr, stdout};

#[test]
fn a_saved_run_is_reported_in_every_format_with_success_as_the_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(directory.path(), |record| {
        record["judged"][0]["verdict"] = serde_json::json!({"status": "fail", "detail": "no range",
            "failure": {"what": "n1 has none", "reproduce": [], "fix": []}});
    });
    let file = |name: &str| directory.path().join(name);
    let mut command = dualstack();
    command.args(["report", &path]);
    let formats = [
        ("html", "<!DOCTYPE html>"),
        ("markdown", "## ❌ dualstack: Failed"),
        ("junit", "<?xml"),
        ("tap", "TAP version 14\n1..14\nnot ok 1 - "),
        ("gitlab", "[\n"),
        ("json", "{"),
    ];
    for (format, _) in formats {
        command.arg(format!("--{format}")).arg(file(format));
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("FAILED"), "{}", stdout(&output));
    for (format, begins) in formats {
        let text = fs::read_to_string(file(format)).unwrap();
        assert!(text.starts_with(begins), "{format}: {text}");
    }
}

#[test]
fn report_prints_what_output_asks_for() {
    let print = |arguments: &[&str]| {
        let output = run(&[&["report", NODE_CHECKS], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let rows = |text: &str| text.lines().filter(|line| line.contains(" pass ")).count();
    assert_eq!(rows(&print(&["--output", "wide"])), 14);
    assert!(print(&["-o", "table"]).contains("14 passed"));
    assert_eq!(rows(&print(&["-o", "short"])), 0);
    assert_eq!(print(&["-o", "none"]), "");
    let record: Value = serde_json::from_str(&print(&["-o", "json"])).unwrap();
    assert_eq!(record["version"], 2);
    let text = print(&["--markdown", "-"]);
    assert!(text.starts_with("## ✅ dualstack: Passed") && !text.contains("PASSED"), "{text}");
}

#[test]
fn a_compressed_record_is_written_and_read_and_refused_where_it_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.json.gz");
    let packed = path.to_str().unwrap();
    let output = run(&["report", NODE_CHECKS, "-o", "none", "--json", packed]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.starts_with(&[0x1f, 0x8b]));
    for command in ["judge", "report"] {
        let output = run(&[command, packed]);
        assert!(stdout(&output).contains("14 passed"), "{}", stderr(&output));
    }
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    for command in ["judge", "report"] {
        refused(&[command, packed], Exit::Usage, &["invalid run record", "cannot decompress it"]);
    }
    let text = fs::read_to_string(NODE_CHECKS).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    refused(&["report", packed], Exit::Usage, &["invalid run record", "cut off"]);
}

#[test]
fn a_record_that_means_to_steer_the_terminal_is_shown_without_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = saved(directory.path(), |record| {
        record["notices"] = serde_json::json!(["look: \u{1b}]0;owned\u{7}\u{9b}31m \u{202e}"]);
    });
    for arguments in [&["report", &path][..], &["judge", &path], &["report", &path, "--markdown=-"]]
    {
        let text = stdout(&run(arguments));
        assert!(text.contains("owned"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn a_run_that_cannot_begin_leaves_a_report_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let junit = directory.path().join("junit.xml");
    for arguments in [&["run", "--suite", "dual"][..], &["run", "--kubeconfig", "/nonexistent"]] {
        let output = dualstack().args(arguments).arg("--junit").arg(&junit).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let report = Report::deserialize_from_str(&fs::read_to_string(&junit).unwrap()).unwrap();
        assert_eq!((report.tests, report.errors), (1, 1));
    }
}
