//! The archive for a colleague.

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use dualstack::exit::Exit;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::{NODE_CHECKS, refused, run, stderr, stdout};

/// The files of an archive, without the directory that they lie in.
fn files(path: &Path) -> BTreeMap<String, String> {
    let mut tar = tar::Archive::new(GzDecoder::new(fs::File::open(path).unwrap()));
    tar.entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let (_, name) = path.split_once('/').unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (name.to_owned(), text)
        })
        .collect()
}

#[test]
fn a_record_alone_makes_an_archive_that_can_be_judged() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("dump.tar.gz");
    let output = run(&["sysdump", NODE_CHECKS, "-o", archive.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("dump.tar.gz"), "{}", stderr(&output));
    let files = files(&archive);
    for file in ["CONTENTS.md", "run.json", "report.html", "report.md", "versions.txt"] {
        assert!(files.contains_key(file), "{file}: {:?}", files.keys());
    }
    let contents = &files["CONTENTS.md"];
    assert!(contents.contains("no cluster was contacted"), "{contents}");
    let record = directory.path().join("run.json");
    fs::write(&record, &files["run.json"]).unwrap();
    let judged = run(&["judge", record.to_str().unwrap()]);
    assert_eq!(stdout(&judged), stdout(&run(&["judge", NODE_CHECKS])));
}

#[test]
fn a_redacted_archive_is_judged_alike_and_names_no_node_or_address() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("dump.tar.gz");
    let output = run(&["sysdump", NODE_CHECKS, "--redact", "-o", archive.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let files = files(&archive);
    let real: Value = serde_json::from_slice(&fs::read(NODE_CHECKS).unwrap()).unwrap();
    let nodes = real["facts"]["nodes"]["value"].as_array().unwrap();
    let addresses = nodes.iter().flat_map(|node| node["addresses"].as_array().unwrap());
    let addresses: Vec<&str> = addresses
        .filter(|address| address["type"] != "Hostname" && address["kind"] != "Hostname")
        .filter_map(|address| address["address"].as_str())
        .filter(|address| address.parse::<std::net::IpAddr>().is_ok())
        .collect();
    assert!(!addresses.is_empty());
    for (name, text) in &files {
        for address in &addresses {
            assert!(!text.contains(address), "{address} in {name}");
        }
    }
    let record = directory.path().join("run.json");
    fs::write(&record, &files["run.json"]).unwrap();
    let judged = run(&["judge", record.to_str().unwrap()]);
    assert_eq!(judged.status.code(), Some(0), "{}", stderr(&judged));
    assert!(stdout(&judged).contains("14 passed"), "{}", stdout(&judged));
    assert!(!stdout(&judged).contains("now judged"), "{}", stdout(&judged));
}

#[test]
fn what_no_archive_can_be_made_of_is_refused_before_anything_is_done() {
    refused(&["sysdump", "/nonexistent.json"], Exit::Usage, &["cannot read", "/nonexistent.json"]);
    refused(
        &["sysdump", NODE_CHECKS, "-o", "/nonexistent/x.tar.gz"],
        Exit::Usage,
        &["/nonexistent/"],
    );
    refused(&["sysdump", "--live"], Exit::Usage, &["RECORD"]);
    refused(
        &["sysdump", "--", "--context", "x"],
        Exit::Usage,
        &["--context must come before `--`", "sysdump --context NAME"],
    );
    refused(&["sysdump", "--", "--no-such"], Exit::Usage, &["after `--`", "--no-such"]);
    refused(&["sysdump", NODE_CHECKS, "--", "--nodes", "1"], Exit::Usage, &["RUN OPTIONS"]);
    // A run that can't begin is no archive.
    refused(&["sysdump", "--kubeconfig", "/nonexistent"], Exit::Usage, &["/nonexistent"]);
}
