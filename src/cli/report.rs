//! `dualstack report`: the reports of a saved run, as it was judged.

use std::path::PathBuf;

use clap::Args;

use super::{
    failure::{Failure, with_reports},
    options::Console,
    outputs::OutputArgs,
    print::Print,
    saved,
};
use crate::{exit::Exit, report::json};

/// Write the reports of a saved run, in any format
///
/// Reads a file written by `run --json FILE`, compressed or not, and writes what `run` would have
/// written: the verdicts are those of the run (`judge` judges again). The exit code shows only whether the
/// reports were written.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The record (`-`: stdin)
    #[arg(value_name = "FILE")]
    record: PathBuf,
    /// What to print [default: table, or nothing if a report goes to stdout]
    #[arg(short, long, value_name = "FORMAT", value_enum, help_heading = "Reports")]
    output: Option<Print>,
    #[command(flatten)]
    outputs: OutputArgs,
}

pub(super) fn report(arguments: ReportArgs, console: &Console) -> Result<Exit, Failure> {
    let ReportArgs { record, output, mut outputs } = arguments;
    // The record before the outputs are emptied: they may be the same file.
    let record = saved::read(&record)?;
    let detail = match output {
        None if outputs.takes_stdout() => None,
        None => Some(console.detail()),
        Some(print) => print.detail(),
    };
    if output == Some(Print::Json) {
        outputs = outputs.with_stdout(&json::FORMAT);
    }
    let mut fan = outputs.open()?.fan_of_results(console, detail);
    let notices = record.notices.clone();
    saved::tell(&mut fan, record, notices);
    with_reports(Exit::Passed, &fan.finish())
}
