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
mod capacity;
mod command;
mod drop_ins;
mod edits;
mod error;
mod goal;
mod live;
mod lower;
pub mod model;
mod parsed;
mod read;
mod render;
mod report;
pub mod rules;
mod run;
mod schema;
mod settings;
mod source;
mod tree;
mod understood;
mod unfinished;

pub use command::LintArgs;
pub use error::LintError;
pub use goal::{Change, Goal, Plan, Step};
pub use live::{Live, LiveDocument, collect};
pub use read::{Input, Limits};
pub use render::{Format, explain};
pub use report::{Outcome, Report, Statement};
pub use run::{Options, lint_text, run, unknown_codes};

#[cfg(test)]
mod tests;
