//! `dualstack judge`: judges a saved run again, without a cluster.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use serde::Deserialize;

use super::{
    failure::{Failure, with_reports},
    options::Console,
    outputs::OutputArgs,
};
use crate::{
    cause::Judged,
    check::Status,
    event::{Event, Finished},
    exit::Exit,
    record::{RECORD_VERSION, Record},
    run,
};

/// Judge a saved run again, without a cluster
///
/// Reads a file written by `run --json FILE`, judges its facts and observations with the checks of
/// this version, and prints the same reports.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// The record (`-`: stdin)
    #[arg(value_name = "FILE")]
    record: PathBuf,
    #[command(flatten)]
    outputs: OutputArgs,
}

/// As much of a record as every version has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

pub(super) fn judge(arguments: &JudgeArgs, console: &Console) -> Result<Exit, Failure> {
    // The record before the outputs are emptied: they may be the same file.
    let mut record = read(&arguments.record)?;
    let outputs = arguments.outputs.open()?;
    let before = std::mem::take(&mut record.judged);
    let checks = record.suite.checks();
    let record = run::rejudge(record, checks);
    let notices = [record.notices.clone(), differences(&before, &record.judged)].concat();
    let exit = record.exit();

    let mut fan = outputs.fan_of_results(console);
    fan.event(&Event::Started(record.started.clone()));
    notices.into_iter().for_each(|notice| fan.event(&Event::Notice(notice)));
    fan.event(&Event::Finished(Arc::new(Finished { exit, record })));
    with_reports(exit, &fan.finish())
}

/// Reads a record.
pub(super) fn read(path: &Path) -> Result<Record, Failure> {
    let name =
        if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() };
    let text = if path.as_os_str() == "-" {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text).map(|_| text)
    } else {
        fs::read(path)
    };
    let text = text.map_err(|error| {
        Failure::usage(format!(
            "cannot read the run record {name}: {error}; pass a file written by `dualstack run --json FILE`"
        ))
    })?;
    let malformed = |error: serde_json::Error| {
        Failure::usage(format!(
            "invalid run record {name}: {error}; pass a file written by `dualstack run --json FILE`"
        ))
    };
    let Version { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version != RECORD_VERSION {
        return Err(Failure::usage(format!(
            "unsupported run record {name}: it has version {version}, and dualstack {} reads version {RECORD_VERSION}; judge it with the dualstack that wrote it, or run again",
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
            "invalid run record {name}: {contradiction}; judge the file as `dualstack run --json FILE` wrote it, or run again"
        ))),
    }
}

/// The cases that the checks of this version judge differently.
fn differences(before: &[Judged], now: &[Judged]) -> Vec<String> {
    let before: HashMap<String, Status> =
        before.iter().map(|judged| (judged.case.name(), judged.verdict.status())).collect();
    now.iter()
        .filter_map(|now| {
            let name = now.case.name();
            let (before, now) = (*before.get(&name)?, now.verdict.status());
            (before != now).then(|| format!("{name}: recorded as {before}, now judged {now}"))
        })
        .collect()
}
