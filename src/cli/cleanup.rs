//! `dualstack cleanup`: removes what dead runs left in a cluster.

use clap::Args;

use super::{
    failure::Failure,
    options::{self, ClusterArgs},
};
use crate::{
    cluster,
    exit::Exit,
    fixture::{self, CleanupOptions, CleanupReport, Leftover},
    report::{
        streams::Stream,
        text::{Layout, Prose},
    },
};

/// Remove what killed runs left in a cluster
///
/// A run that was killed leaves its workload behind. Every run renews a Lease while it is alive, on
/// whichever machine it runs, and runs that are alive are never touched.
#[derive(Debug, Args)]
pub(super) struct CleanupArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Clean up only the run with this id
    #[arg(long, value_name = "ID", help_heading = "What to remove")]
    run: Option<String>,
    /// Clean up only this namespace [default: all namespaces]
    #[arg(short, long, value_name = "NAME", help_heading = "What to remove")]
    namespace: Option<String>,
    /// Print what would be removed, without removing it
    #[arg(long, help_heading = "What to remove")]
    dry_run: bool,
    /// Wait until the namespaces are deleted, not only their contents
    #[arg(long, help_heading = "What to remove")]
    wait_namespace: bool,
}

pub(super) fn cleanup(arguments: CleanupArgs, out: &mut Stream) -> Result<Exit, Failure> {
    let CleanupArgs { cluster, run, namespace, dry_run, wait_namespace } = arguments;
    let asked = CleanupOptions { run, namespace, dry_run, wait_namespace };
    let report = options::runtime()?.block_on(async {
        let cluster = cluster::connect(&cluster.into()).await?;
        fixture::cleanup(&cluster, &asked).await
    })?;
    out.print(&text(&report, &asked, out.width()))?;
    Ok(if !report.left_behind.is_empty() {
        Exit::Failed
    } else if !report.unseen.is_empty() {
        Exit::Inconclusive
    } else {
        Exit::Passed
    })
}

fn text(report: &CleanupReport, asked: &CleanupOptions, width: usize) -> String {
    let mut prose = Prose::new(Layout { width, ..Layout::default() });
    let mut part = |title: &str, points: Vec<String>| {
        if !points.is_empty() {
            prose.heading(title).points(points);
        }
    };
    let removed = if asked.dry_run { "Would be removed" } else { "Removed" };
    part(removed, report.removed.iter().map(describe).collect());
    let skipped = report.skipped.iter();
    part(
        "Skipped",
        skipped
            .map(|skipped| format!("{}: {}", describe(&skipped.leftover), skipped.reason))
            .collect(),
    );
    part("Could not be removed", report.left_behind.clone());
    part("Could not be listed", report.unseen.clone());
    if report.removed.is_empty() && report.skipped.is_empty() {
        prose.paragraph(&match &asked.run {
            Some(run) => format!("Nothing found for run {run}."),
            None => "Nothing to clean up.".to_owned(),
        });
    }
    prose.into_text()
}

fn describe(leftover: &Leftover) -> String {
    let Leftover { run, namespace, objects, .. } = leftover;
    let mut text = format!("run {run} in the namespace {namespace} ({objects} objects");
    if let Some(since) = leftover.since {
        text.push_str(&format!(", since {since:.0}"));
    }
    if let Some(holder) = &leftover.holder {
        text.push_str(&format!(", by {holder}"));
    }
    text.push(')');
    text
}
