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
    /// The root file system, to which nothing is written.
    #[arg(long, value_name = "DIRECTORY")]
    root: PathBuf,
    /// A directory or file of the machine, and where it is seen, read-only; repeatable.
    #[arg(long, value_name = "FROM:TO")]
    bind: Vec<Bind>,
    /// The same, but it can be written to.
    #[arg(long, value_name = "FROM:TO")]
    bind_writable: Vec<Bind>,
    /// The command; it reads nothing, and there is no network but a loopback that is down.
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
