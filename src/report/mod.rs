//! Reports: events in, text out. One file per format, one fan-out point, and no other way.
//!
//! What is said while a run works goes to stderr: a progress line on a terminal ([`terminal`]), a
//! line for each thing that happens elsewhere ([`plain`]). What was found goes to stdout ([`text`])
//! and to the files that were asked for, in the formats that [`FORMATS`] lists. No report reaches the
//! cluster or a check's workings.

mod axis;
pub(crate) mod conformance;
pub(crate) mod diff;
mod digest;
mod fan;
mod format;
mod formats;
pub(crate) mod github;
pub(crate) mod gitlab;
mod grouped;
mod harmless;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod junit;
#[cfg(test)]
mod known_tests;
pub(crate) mod markdown;
mod output;
pub(crate) mod plain;
mod reason;
pub(crate) mod results;
pub(crate) mod safe;
pub(crate) mod streams;
mod tally;
pub(crate) mod tap;
pub(crate) mod terminal;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use fan::{Fan, ReportError, Reporter};
pub use format::{Ending, FileReport, Format};
pub use formats::FORMATS;
pub(crate) use harmless::for_terminal as words_for_terminal;
pub use output::{OutputError, OutputFile};
pub use tally::Tally;
