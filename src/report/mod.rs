//! Reports: events in, text out. One file per format, one fan-out point, and no other way.
//!
//! What is said while a run works goes to stderr: a progress line on a terminal ([`terminal`]), a
//! line for each thing that happens elsewhere ([`plain`]). What was found goes to stdout ([`text`])
//! and to the files that were asked for, in the formats that [`FORMATS`] lists. No report reaches the
//! cluster or a check's workings.

mod axis;
pub mod conformance;
pub mod diff;
mod digest;
mod fan;
mod format;
mod formats;
pub mod github;
pub mod gitlab;
mod grouped;
mod harmless;
pub mod html;
pub mod json;
pub mod junit;
#[cfg(test)]
mod known_tests;
pub mod markdown;
mod output;
pub mod plain;
mod reason;
pub mod results;
pub mod safe;
pub mod streams;
mod tally;
pub mod tap;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod text;

pub use fan::{Fan, ReportError, Reporter};
pub use format::{Ending, FileReport, Format};
pub use formats::FORMATS;
pub(crate) use harmless::for_terminal as words_for_terminal;
pub use output::{OutputError, OutputFile};
pub use tally::Tally;
