//! `testbed preflight`

use std::process::ExitCode;

use super::{Output, up};
use crate::{cache::Cache, error::Result, exit::Exit, preflight, spec::Name};

pub(super) fn run(name: &Name, args: &up::Args, output: &Output) -> Result<ExitCode> {
    let spec = args.spec(name)?;
    args.install_packages(name, output)?;
    preflight::check(&Cache::open()?, &spec)?;
    output.note("this machine can hold the cluster");
    Ok(Exit::Success.into())
}
