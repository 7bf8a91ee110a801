//! kind, built as a Go tool. Its checks come after it has asked the container runtime who it is,
//! so a stand-in for `docker` answers that and refuses everything else.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use dualstack::lint::rules::Binary;

use super::{
    binaries::{skip, text},
    examples::cases,
};

const MODULE: &str = "sigs.k8s.io/kind@v0.30.0";
const DOCKER: &str = "#!/bin/sh\ncase \"$1\" in\n  info) echo '{}' ;;\n  version|-v) echo 'Docker \
                      version 28.0.0' ;;\n  ps) ;;\n  *) echo 'not here' >&2; exit 1 ;;\nesac\n";

/// Builds kind, or says why that can't be done here.
fn build() -> Option<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kind");
    let binary = directory.join("kind");
    if binary.is_file() {
        return Some(binary);
    }
    let output = Command::new("go").args(["install", MODULE]).env("GOBIN", &directory).output();
    match output {
        Ok(output) if output.status.success() => Some(binary),
        Ok(output) => {
            skip(&format!("kind could not be built: {}", text(&output)));
            None
        }
        Err(error) => {
            skip(&format!("kind can't be built without Go: {error}"));
            None
        }
    }
}

/// Whether kind takes each configuration, and what it says of it.
fn tried<'a>(kind: &Path, examples: impl Iterator<Item = &'a str>) -> Vec<(bool, String)> {
    let directory = tempfile::tempdir().unwrap();
    let docker = directory.path().join("docker");
    fs::write(&docker, DOCKER).unwrap();
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    let file = directory.path().join("cluster.yaml");
    let path = format!("{}:{}", directory.path().display(), env::var("PATH").unwrap_or_default());
    let answer = |example: &str| {
        fs::write(&file, example).unwrap();
        let output = Command::new(kind)
            .args(["create", "cluster", "--config"])
            .arg(&file)
            .env("PATH", &path)
            .env("HOME", directory.path())
            .env("KIND_EXPERIMENTAL_PROVIDER", "docker")
            .output()
            .unwrap();
        let said = text(&output);
        // Once it creates something, the configuration has been taken.
        (said.contains("Creating cluster"), said)
    };
    examples.map(answer).collect()
}

#[test]
fn kind_does_what_each_rule_declares() {
    let Some(kind) = build() else { return };
    let cases = cases(Binary::Kind);
    let answers = tried(&kind, cases.iter().map(|case| case.example));
    let wrong: Vec<_> = cases
        .iter()
        .zip(answers)
        .filter_map(|(case, (accepted, said))| case.judge(accepted, &said))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

#[test]
fn kind_takes_a_number_for_a_text_and_no_list_for_one() {
    let Some(kind) = build() else { return };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lint");
    let read = |name: &str| fs::read_to_string(data.join(name)).unwrap();
    let good = read("good/kind-numbers-for-strings.yaml");
    let bad = read("bad/kind-list-for-a-string.yaml");
    let answers = tried(&kind, [good.as_str(), bad.as_str()].into_iter());
    assert_eq!(answers.iter().map(|(taken, _)| *taken).collect::<Vec<_>>(), [true, false]);
}
