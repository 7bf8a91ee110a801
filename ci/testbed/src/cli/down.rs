//! `testbed down`

use std::process::ExitCode;

use super::Output;
use crate::{cluster::Cluster, error::Result, exit::Exit, spec::Name};

pub(super) fn run(name: &Name, output: &Output) -> Result<ExitCode> {
    if Cluster::down(name)? {
        output.note(&format!("cluster '{name}' is gone"));
    } else {
        output.note(&format!("there is no cluster '{name}'"));
    }
    Ok(Exit::Success.into())
}
