//! `testbed catalogue`

use std::process::ExitCode;

use super::Output;
use crate::{catalogue, error::Result, exit::Exit};

pub(super) fn run(output: &Output) -> Result<ExitCode> {
    output.result(catalogue::markdown().trim_end());
    Ok(Exit::Success.into())
}
