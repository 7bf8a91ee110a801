//! `testbed load`

use std::{path::PathBuf, process::ExitCode};

use super::Output;
use crate::{cluster::Cluster, error::Result, exit::Exit, images, spec::Name};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The archive.
    archive: PathBuf,
}

pub(super) fn run(name: &Name, args: &Args, output: &Output) -> Result<ExitCode> {
    let cluster = Cluster::that_is_up(name)?;
    let loaded = images::load(&args.archive, &cluster.dir().join("images"))?;
    for image in loaded {
        output.result(&image.to_string());
    }
    Ok(Exit::Success.into())
}
