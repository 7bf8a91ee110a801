//! `testbed kubeconfig`

use std::process::ExitCode;

use super::Output;
use crate::{cluster::Cluster, error::Result, exit::Exit, spec::Name};

pub(super) fn run(name: &Name, output: &Output) -> Result<ExitCode> {
    output.result(&Cluster::that_is_up(name)?.kubeconfig().display().to_string());
    Ok(Exit::Success.into())
}
