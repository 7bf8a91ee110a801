//! Whether the two families answer in about the same time, and which of them programs will use.

mod answer_times;
mod kinds;
mod measured;
mod preference;

pub use measured::{KindOfPath, Parity, parity};

use super::DynCheck;

/// The checks of this area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[&answer_times::AnswerTimes];
