//! `dualstack run`: tests a cluster.

use std::sync::Arc;

use clap::Args;
use tokio::sync::mpsc;

use super::{
    baseline::BaselineArgs,
    failure::{Failure, with_reports},
    options::{Console, runtime},
    outputs::{OutputArgs, Outputs},
    plan,
    print::Print,
    signals,
    what::WhatArgs,
};
use crate::{
    event::{Event, Finished},
    exit::Exit,
    record::Record,
    report::{ReportError, json, text::Detail},
    run::{self, Events, Options, RunError},
};

/// Test a cluster
///
/// Deploys a small workload in its own namespace, connects from every node to every node in
/// both families, reports what works, what does not and why, and removes the workload.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    what: WhatArgs,
    /// Print what the run would do, and create nothing; the same as `plan`
    #[arg(long, help_heading = "Workload")]
    dry_run: bool,
    #[command(flatten)]
    baseline: BaselineArgs,
    /// What to print [default: table, or nothing if a report goes to stdout]
    #[arg(short, long, value_name = "FORMAT", value_enum, help_heading = "Reports")]
    output: Option<Print>,
    #[command(flatten)]
    outputs: OutputArgs,
}

pub(super) fn run(arguments: RunArgs, console: &Console) -> Result<Exit, Failure> {
    let RunArgs { what, dry_run, baseline, output, mut outputs } = arguments;
    if dry_run {
        if outputs.wants_any() {
            return Err(Failure::usage(
                "--dry-run runs nothing, so there is nothing to report; leave out the reports, or \
                 print the plan with --output json",
            ));
        }
        return plan::print(&what.options(baseline.load()?)?, output == Some(Print::Json), console);
    }
    let detail = match output {
        // What is about to be touched is said all the same, on stderr.
        None | Some(Print::Json) => Some(console.detail()),
        Some(print) => print.detail(),
    };
    if output == Some(Print::Json) {
        outputs = outputs.with_stdout(&json::FORMAT);
    }
    // The files first: whatever else goes wrong, the pipeline finds no stale report.
    let outputs = outputs.open()?;
    let options = match baseline.load().and_then(|baseline| what.options(baseline)) {
        Ok(options) => options,
        Err(failure) => {
            // A pipeline that looks for a report finds out why there is no other.
            outputs.not_begun(failure.sentence());
            return Err(failure);
        }
    };
    let (ended, unwritten) = runtime()?.block_on(carry_out(options, outputs, console, detail));
    with_reports(ended?, &unwritten)
}

/// A run for the sake of its record, with its failures and summary on the terminal, or without.
///
/// # Errors
/// It could not begin.
pub(super) async fn for_its_record(
    options: Options,
    console: &Console,
    quiet: bool,
) -> Result<Record, Failure> {
    let outputs = OutputArgs::default().open()?;
    let detail = (!quiet).then_some(Detail::Brief);
    let (ended, _) = finish(options, outputs, console, detail).await;
    Ok(ended?.record.clone())
}

/// The run, and how the process ends after it.
async fn carry_out(
    options: Options,
    outputs: Outputs,
    console: &Console,
    detail: Option<Detail>,
) -> (Result<Exit, RunError>, Vec<ReportError>) {
    let (ended, unwritten) = finish(options, outputs, console, detail).await;
    (ended.map(|finished| finished.exit), unwritten)
}

/// The run, with its reporters on a task of their own, and with the operator able to end it.
async fn finish(
    options: Options,
    outputs: Outputs,
    console: &Console,
    detail: Option<Detail>,
) -> (Result<Arc<Finished>, RunError>, Vec<ReportError>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let events = Events::to(sender);
    let reporting = tokio::spawn(outputs.fan(console, detail).drain(receiver));
    let (stopper, stop) = run::stop();
    let listening = tokio::spawn(signals::listen(stopper, events.clone()));
    let ended = run::run(options, events.clone(), stop).await;
    listening.abort();
    if let Err(error) = &ended {
        // So that the files tell of it too.
        events.send(Event::BrokenOff { error: error.to_string() });
    }
    // Ends the reporters' stream of events, once the listener's part of it is gone as well.
    drop(events);
    let _ = listening.await;
    let unwritten = reporting.await.unwrap_or_default();
    (ended, unwritten)
}
