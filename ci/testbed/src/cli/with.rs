//! `testbed with`

use std::process::{Command, ExitCode};

use super::{Output, up};
use crate::{
    cluster::{Cluster, Start},
    enclosure::code,
    error::{Context, Result},
    spec::Name,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    up: up::Args,
    /// The command.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub(super) fn run(name: &Name, args: &Args, output: &Output) -> Result<ExitCode> {
    let (cluster, start) = up::bring_up(name, &args.up, output)?;
    let (program, rest) = args.command.split_first().map_or(("", &[][..]), |(p, r)| (p, r));
    let code =
        pass_on(Command::new(program).args(rest).env("KUBECONFIG", cluster.kubeconfig()), program);
    if start == Start::Started {
        Cluster::down(name)?;
        output.note(&format!("cluster '{name}' is gone"));
    }
    code
}

/// Runs a command on the terminal's streams and returns its exit code as a shell would.
pub(super) fn pass_on(command: &mut Command, name: &str) -> Result<ExitCode> {
    let status = command.status().context(|| format!("run `{name}`"))?;
    Ok(ExitCode::from(code(status)))
}
