//! `dualstack completions`: completion scripts for shells.

use clap::{Args, Command};
use clap_complete::Shell;

use super::failure::Failure;
use crate::{exit::Exit, report::streams::Stream};

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn completions(
    arguments: &CompletionsArgs,
    mut command: Command,
    out: &mut Stream,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "dualstack", &mut script);
    out.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Passed)
}
