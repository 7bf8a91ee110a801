//! `testbed catalogue`

use std::process::ExitCode;

use super::Output;
use crate::{catalogue, error::Result, exit::Exit};

pub(super) fn run(output: &Output) -> Result<ExitCode> {
    let tables = catalogue::sections().map(|section| section.table);
    output.result(tables.join("\n").trim_end());
    Ok(Exit::Success.into())
}
