//! Saved runs, as files or on stdin.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use serde::Deserialize;
use serde_json::Value;

use super::failure::Failure;
use crate::{
    record::{RECORD_VERSION, Record},
    report::words_for_terminal,
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
        None if is_suspicious(text) => harmless(text).map_err(malformed),
        None => Ok(record),
        Some(contradiction) => Err(Failure::usage(format!(
            "invalid run record {name}: {contradiction}; judge the file as `dualstack run --json FILE` wrote it, or run again"
        ))),
    }
}

/// Whether a record may hold characters that do more than to be shown: as bytes of their own, which
/// JSON allows for those that turn a line's direction, or escaped.
fn is_suspicious(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, [b'\\', b'u' | b'b' | b'f' | b'r' | b't']))
        || text.windows(2).any(|pair| matches!(pair, [0xe2, 0x80 | 0x81] | [0xc2, 0x80..=0x9f]))
}

/// The record with such characters shown as what they are. A record may come from anybody, and its
/// names go to terminals, to pull requests and to browsers.
fn harmless(text: &[u8]) -> serde_json::Result<Record> {
    fn clean(value: &mut Value) {
        match value {
            Value::String(text) => {
                // Commands may have several lines.
                let lines: Vec<String> = text.split('\n').map(words_for_terminal).collect();
                *text = lines.join("\n");
            }
            Value::Array(list) => list.iter_mut().for_each(clean),
            Value::Object(fields) => fields.values_mut().for_each(clean),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut value: Value = serde_json::from_slice(text)?;
    clean(&mut value);
    serde_json::from_value(value)
}

/// Reads a record and judges it with the checks of this version.
pub(super) fn rejudged(path: &Path) -> Result<Record, Failure> {
    let record = read(path)?;
    let checks = record.suite.checks();
    Ok(run::rejudge(record, checks))
}
