//! Saved runs, as files or on stdin.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use serde::Deserialize;

use super::failure::Failure;
use crate::{
    record::{RECORD_VERSION, Record},
    run,
};

/// As much of a record as every version has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads a record.
fn read(path: &Path) -> Result<Record, Failure> {
    parse(path, &bytes(path)?)
}

/// A record's name in messages.
fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() }
}

/// The bytes of a record's file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = name(path);
    let text = if path.as_os_str() == "-" {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text).map(|_| text)
    } else {
        fs::read(path)
    };
    text.map_err(|error| {
        Failure::usage(format!(
            "cannot read the run record {name}: {error}; pass a file written by `dualstack run --json FILE`"
        ))
    })
}

/// Reads a record from the bytes of its file.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Record, Failure> {
    let name = name(path);
    let malformed = |error: serde_json::Error| {
        Failure::usage(format!(
            "invalid run record {name}: {error}; pass a file written by `dualstack run --json FILE`"
        ))
    };
    let Version { version } = serde_json::from_slice(text).map_err(malformed)?;
    if version != RECORD_VERSION {
        return Err(Failure::usage(format!(
            "unsupported run record {name}: it has version {version}, and dualstack {} reads version {RECORD_VERSION}; judge it with the dualstack that wrote it, or run again",
            env!("CARGO_PKG_VERSION")
        )));
    }
    let record: Record = serde_json::from_slice(text).map_err(malformed)?;
    record.suite.validate().map_err(|error| {
        Failure::usage(format!(
            "unsupported run record {name}: {error}; judge it with the dualstack that wrote it"
        ))
    })?;
    match record.contradiction() {
        None => Ok(record),
        Some(contradiction) => Err(Failure::usage(format!(
            "invalid run record {name}: {contradiction}; judge the file as `dualstack run --json FILE` wrote it, or run again"
        ))),
    }
}

/// Reads a record and judges it with the checks of this version.
pub(super) fn rejudged(path: &Path) -> Result<Record, Failure> {
    let record = read(path)?;
    let checks = record.suite.checks();
    Ok(run::rejudge(record, checks))
}
