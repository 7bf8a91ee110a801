//! Reports: events in, text out. One file per format, one fan-out point, and no other way.
//!
//! What is said while a run works goes to stderr: a progress line on a terminal ([`terminal`]), a
//! line for each thing that happens elsewhere ([`plain`]). What was found goes to stdout ([`text`])
//! and to the files that were asked for ([`junit`], [`json`]). No report reaches the cluster or a
//! check's workings.

pub mod conformance;
pub mod diff;
mod fan;
mod harmless;
pub mod json;
pub mod junit;
#[cfg(test)]
mod known_tests;
mod output;
pub mod plain;
pub mod results;
pub mod streams;
mod tally;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod text;

pub use fan::{Fan, ReportError, Reporter};
pub(crate) use harmless::for_terminal as words_for_terminal;
pub use output::{OutputError, OutputFile};
pub use tally::Tally;
