//! `dualstack diff`: what changed between two saved runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{failure::Failure, saved};
use crate::{
    compare::compare,
    exit::Exit,
    report::{
        diff::{json, markdown, text},
        streams::Stream,
        text::Layout,
    },
};

/// Compare two saved runs
///
/// Reads two files written by `run --json FILE`, judges both with the checks of this version, and
/// shows what changed: causes, cases that fail now or no longer, what is no longer tested, paths
/// that are notably slower or faster, and facts of the cluster. Exits with 1 if something fails that
/// did not before, and with 5 if something was tested before and no longer is. A path's time is that of its fastest
/// answers; it is reported if it changed threefold and by 100 ms, and never affects the exit code. Baselines are
/// ignored.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The record of the earlier run (`-`: stdin)
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The record of the later run (`-`: stdin)
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// How to write it
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: Output,
}

/// How a comparison is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// For a terminal.
    Text,
    /// For a pull request.
    Markdown,
    /// For programs.
    Json,
}

pub(super) fn diff(arguments: &DiffArgs, out: &mut Stream) -> Result<Exit, Failure> {
    if [&arguments.old, &arguments.new].iter().all(|path| path.as_os_str() == "-") {
        return Err(Failure::usage(
            "cannot read both records from stdin; pass a file for one of them",
        ));
    }
    let (old, new) = (saved::rejudged(&arguments.old)?, saved::rejudged(&arguments.new)?);
    let found = compare(&old, &new);
    let text = match arguments.output {
        Output::Text => text(&found, Layout { width: out.width(), ..Layout::default() }),
        Output::Markdown => markdown(&found),
        Output::Json => json(&found),
    };
    out.print(&text)?;
    Ok(found.exit())
}
