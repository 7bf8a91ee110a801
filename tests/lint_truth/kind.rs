//! kind, built as a Go tool. Its checks come after it has asked the container runtime who it is,
//! so a stand-in for `docker` answers that and refuses everything else.

use std::{env, fs, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

use dualstack::lint::rules::Binary;

use super::{
    binaries::{skip, text},
    examples::cases,
};

const MODULE: &str = "sigs.k8s.io/kind@v0.30.0";
const DOCKER: &str = "#!/bin/sh\ncase \"$1\" in\n  info) echo '{}' ;;\n  version|-v) echo 'Docker \
                      version 28.0.0' ;;\n  ps) ;;\n  *) echo 'not here' >&2; exit 1 ;;\nesac\n";

/// Whether an example is a configuration of kind's.
pub(crate) fn reads(example: &str) -> bool {
    example.contains("apiVersion: kind.x-k8s.io")
}

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

#[test]
fn kind_does_what_each_rule_declares() {
    let Some(kind) = build() else { return };
    let directory = tempfile::tempdir().unwrap();
    let docker = directory.path().join("docker");
    fs::write(&docker, DOCKER).unwrap();
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    let file = directory.path().join("cluster.yaml");
    let path = format!("{}:{}", directory.path().display(), env::var("PATH").unwrap_or_default());
    let mut wrong = Vec::new();
    for case in cases(Binary::Kind) {
        fs::write(&file, case.example).unwrap();
        let output = Command::new(&kind)
            .args(["create", "cluster", "--config"])
            .arg(&file)
            .env("PATH", &path)
            .env("HOME", directory.path())
            .env("KIND_EXPERIMENTAL_PROVIDER", "docker")
            .output()
            .unwrap();
        let said = text(&output);
        // Once it creates something, the configuration has been taken.
        wrong.extend(case.judge(said.contains("Creating cluster"), &said));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
