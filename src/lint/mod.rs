//! Finds the dual-stack mistake before the cluster is built.
//!
//! ```text
//! inputs → texts → marked trees → the typed model → findings → a report → a format
//!   read     source     tree         lower, model     rules       run      render
//! ```
//!
//! The rules are pure functions over the model; nothing below them knows a rule, and no rule
//! knows YAML, files or the API server.

mod allow;
pub mod capacity;
mod command;
mod edits;
pub mod live;
mod lower;
pub mod model;
mod read;
pub mod render;
pub mod rules;
mod run;
mod schema;
mod settings;
pub mod source;
mod tree;
mod understood;
mod unfinished;

pub use command::{LintArgs, LintError};
pub use live::{Live, LiveDocument};
pub use read::{Input, Limits};
pub use run::{Options, Outcome, Report, lint_text, run, unknown_codes};
pub use understood::Statement;

#[cfg(test)]
mod tests;
