//! `testbed enclose`

use std::{path::PathBuf, process::ExitCode};

use super::up::this_program;
use crate::{
    enclosure::{Bind, Enclosure, code},
    error::Result,
    spec::Name,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The root file system; nothing is written to it.
    #[arg(long, value_name = "DIRECTORY")]
    root: PathBuf,
    /// Mount a directory or file of this machine, read-only; repeatable.
    #[arg(long, value_name = "FROM:TO")]
    bind: Vec<Bind>,
    /// Mount a directory or file of this machine, writable; repeatable.
    #[arg(long, value_name = "FROM:TO")]
    bind_writable: Vec<Bind>,
    /// The command, run without input and without a network.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

pub(super) fn run(name: &Name, args: &Args) -> Result<ExitCode> {
    let writable = args.bind_writable.iter().cloned().map(Bind::writable);
    let enclosure = Enclosure {
        name: name.clone(),
        root: args.root.clone(),
        binds: args.bind.iter().cloned().chain(writable).collect(),
        command: args.command.clone(),
    };
    Ok(ExitCode::from(code(enclosure.run(&this_program()?)?)))
}
