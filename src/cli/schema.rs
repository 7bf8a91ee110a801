//! `dualstack schema`: the JSON Schema of suite files, for editors and checkers.

use clap::Args;

use super::failure::Failure;
use crate::{exit::Exit, report::streams::Stream, suites};

/// Print the JSON Schema of suite files
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {}

pub(super) fn schema(_: &SchemaArgs, out: &mut Stream) -> Result<Exit, Failure> {
    // A schema is JSON by nature; an error would only mean an empty answer.
    let text = serde_json::to_string_pretty(&suites::schema()).unwrap_or_default();
    out.print(&format!("{text}\n"))?;
    Ok(Exit::Passed)
}
