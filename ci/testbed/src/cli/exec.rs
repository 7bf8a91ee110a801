//! `testbed exec`

use std::process::ExitCode;

use super::with::pass_on;
use crate::{cluster::Cluster, error::Result, spec::Name};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The node, such as n1.
    node: String,
    /// The command, run in all namespaces of the node.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub(super) fn run(name: &Name, args: &Args) -> Result<ExitCode> {
    let cluster = Cluster::that_is_up(name)?;
    let node = cluster.node(&args.node)?;
    let (program, rest) = args.command.split_first().map_or(("", &[][..]), |(p, r)| (p, r));
    pass_on(node.command(program).args(rest), program)
}
