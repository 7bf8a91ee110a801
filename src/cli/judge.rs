//! `dualstack judge`: judges a saved run again, without a cluster.

use std::{collections::HashMap, path::PathBuf};

use clap::Args;

use super::{
    baseline::BaselineArgs,
    failure::{Failure, with_reports},
    options::Console,
    outputs::OutputArgs,
    saved,
};
use crate::{cause::Judged, check::Status, conformance::digest, exit::Exit, run};

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
    baseline: BaselineArgs,
    #[command(flatten)]
    outputs: OutputArgs,
}

pub(super) fn judge(arguments: &JudgeArgs, console: &Console) -> Result<Exit, Failure> {
    // The record before the outputs are emptied: they may be the same file.
    let file = saved::bytes(&arguments.record)?;
    let mut record = saved::parse(&arguments.record, &file)?;
    if let Some(baseline) = arguments.baseline.load()? {
        if arguments.outputs.conformance() {
            return Err(Failure::usage(
                "a conformance report is of the run as it was recorded; leave out --baseline",
            ));
        }
        record.baseline = Some(baseline);
    }
    let mut outputs = arguments.outputs.open()?;
    outputs.of_record(digest(&file));
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
