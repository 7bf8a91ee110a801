//! `dualstack judge`: judges a saved run again, without a cluster.

use std::{collections::HashMap, path::PathBuf};

use clap::Args;

use super::{
    failure::{Failure, with_reports},
    options::Console,
    outputs::OutputArgs,
    saved,
};
use crate::{cause::Judged, check::Status, exit::Exit, run};

/// Judge a saved run again, without a cluster
///
/// Reads a file written by `run --json FILE`, compressed or not, judges its facts and observations with the checks of
/// this version, and prints the same reports.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// The record (`-`: stdin)
    #[arg(value_name = "FILE")]
    record: PathBuf,
    #[command(flatten)]
    outputs: OutputArgs,
}

pub(super) fn judge(arguments: &JudgeArgs, console: &Console) -> Result<Exit, Failure> {
    // The record before the outputs are emptied: they may be the same file.
    let mut record = saved::read(&arguments.record)?;
    let outputs = arguments.outputs.open()?;
    let before = std::mem::take(&mut record.judged);
    let checks = record.suite.checks();
    let record = run::rejudge(record, checks);
    let notices = [record.notices.clone(), differences(&before, &record.judged)].concat();
    let exit = record.exit();

    let mut fan = outputs.fan_of_results(console, Some(console.detail()));
    saved::tell(&mut fan, record, notices);
    with_reports(exit, &fan.finish())
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
