//! `ci/kind-node` as far as it touches nothing: what it refuses, and how.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Command, Output};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/kind-node");

/// Runs the script where its programs are said to be in a folder that has none.
fn kind_node(arguments: &[&str]) -> Output {
    let empty = tempfile::tempdir().unwrap();
    Command::new(SCRIPT).args(arguments).env("KIND_NODE_PROGRAMS", empty.path()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_is_no_configuration_of_kind_is_refused_with_those_that_are() {
    for arguments in [&["nosuch"][..], &["--nosuch"], &["dual-stack", "../README"], &[""]] {
        let output = kind_node(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains("usage: ci/kind-node"), "{said}");
        assert!(said.contains("dual-stack-ipv6-primary\n"), "{said}");
    }
}

#[test]
fn a_machine_that_lacks_something_is_told_so_and_it_is_no_verdict() {
    // Without root it says that, and otherwise which program is missing.
    let output = kind_node(&["dual-stack"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    assert!(output.stdout.is_empty());
}
