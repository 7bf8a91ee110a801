//! A saved run, as `run --json` wrote it: read, and refused in one sentence where it isn't one.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::failure::Failure;
use crate::{
    event::{Event, Finished},
    record::{RECORD_VERSION, Record},
    report::{Fan, safe},
    run,
};

/// No record is larger than this, in bytes; what claims to be is not unpacked further.
const LARGEST: u64 = 4 << 30;

/// As much of a record as every version has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The record in a file (`-`: stdin), which may be compressed by gzip.
///
/// # Errors
/// Where it can't be read, is cut off, of another version, not a record, or contradicts itself.
pub(super) fn read(path: &Path) -> Result<Record, Failure> {
    parse(path, &bytes(path)?)
}

/// The same, judged with the checks of this version.
///
/// # Errors
/// As [`read`].
pub(super) fn rejudged(path: &Path) -> Result<Record, Failure> {
    let record = read(path)?;
    let checks = record.suite.checks();
    Ok(run::rejudge(record, checks))
}

/// A record's name in messages.
fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() }
}

/// The bytes of a record's file, compressed or not.
///
/// # Errors
/// Where it can't be read.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    bytes.map_err(|error| {
        Failure::usage(format!(
            "cannot read the run record {}: {error}; pass a file written by `dualstack run --json FILE`",
            name(path)
        ))
    })
}

/// The record in the bytes of its file.
///
/// # Errors
/// As [`read`].
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Record, Failure> {
    let name = name(path);
    let invalid = |reason: String| {
        Failure::usage(format!(
            "invalid run record {name}: {reason}; pass a file written by `dualstack run --json FILE`"
        ))
    };
    let malformed = |error: serde_json::Error| {
        let cut = if error.is_eof() { " (the file is empty or cut off)" } else { "" };
        invalid(format!("{error}{cut}"))
    };
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        unpacked(bytes).map_err(|error| invalid(format!("cannot decompress it: {error}")))?
    } else {
        bytes.to_vec()
    };
    // Whoever wrote the file may have meant to write to a terminal as well.
    let text = safe::json(bytes);
    let Version { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version != RECORD_VERSION {
        return Err(Failure::usage(format!(
            "unsupported run record {name}: it has version {version}, and dualstack {} reads \
             version {RECORD_VERSION}; judge it with the dualstack that wrote it, or run again",
            env!("CARGO_PKG_VERSION")
        )));
    }
    let record: Record = serde_json::from_slice(&text).map_err(malformed)?;
    record.suite.validate().map_err(|error| {
        Failure::usage(format!(
            "unsupported run record {name}: {error}; judge it with the dualstack that wrote it"
        ))
    })?;
    match record.contradiction() {
        None => Ok(record),
        Some(contradiction) => Err(Failure::usage(format!(
            "invalid run record {name}: {contradiction}; judge the file as `dualstack run --json \
             FILE` wrote it, or run again"
        ))),
    }
}

fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(LARGEST).read_to_end(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read < LARGEST) {
        Ok(text)
    } else {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, "it holds more than 4 GiB"))
    }
}

/// Tells reporters of a run that is over.
pub(super) fn tell(fan: &mut Fan, record: Record, notices: Vec<String>) {
    fan.event(&Event::Started(record.started.clone()));
    notices.into_iter().for_each(|notice| fan.event(&Event::Notice(notice)));
    let exit = record.exit();
    fan.event(&Event::Finished(Arc::new(Finished { exit, record })));
}
