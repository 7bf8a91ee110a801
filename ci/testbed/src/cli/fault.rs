//! `testbed fault`

use std::process::ExitCode;

use super::Output;
use crate::{
    cluster::Cluster,
    error::Result,
    exit::Exit,
    fault::{self, Fault},
    spec::Name,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List all faults, and those that are injected.
    List,
    /// Inject a fault, until it is reverted or the cluster is taken down.
    Inject {
        #[command(subcommand)]
        fault: Fault,
    },
    /// Revert a fault, named as it was injected, or all faults.
    Revert {
        /// Revert all faults, the latest first.
        #[arg(long)]
        all: bool,
        #[command(subcommand)]
        fault: Option<Fault>,
    },
}

pub(super) fn run(name: &Name, command: &Command, output: &Output) -> Result<ExitCode> {
    match command {
        Command::List => list(name, output)?,
        Command::Inject { fault } => {
            let new = fault::inject(&Cluster::that_is_up(name)?, fault)?;
            output.note(&format!(
                "{}: {fault}",
                if new { "injected" } else { "was injected already" }
            ));
        }
        Command::Revert { all: true, .. } => {
            for fault in fault::revert_all(&Cluster::that_is_up(name)?)? {
                output.note(&format!("reverted: {fault}"));
            }
        }
        Command::Revert { fault: Some(fault), .. } => {
            let was = fault::revert(&Cluster::that_is_up(name)?, fault)?;
            output.note(&format!("{}: {fault}", if was { "reverted" } else { "was not injected" }));
        }
        Command::Revert { .. } => {
            return Err(crate::error::Error::Invalid(
                "name the fault to revert, or give --all".to_owned(),
            ));
        }
    }
    Ok(Exit::Success.into())
}

fn list(name: &Name, output: &Output) -> Result<()> {
    for (kind, about) in Fault::kinds() {
        output.result(&format!("{kind:26} {}", about.does));
    }
    // Without a cluster there are none injected.
    let Ok(cluster) = Cluster::that_is_up(name) else { return Ok(()) };
    for entry in fault::active(&cluster)? {
        let state = if entry.is_abandoned() { "abandoned: `up` reverts it" } else { "injected" };
        output.result(&format!("* {} ({state})", entry.fault));
    }
    Ok(())
}
