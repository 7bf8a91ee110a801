//! A baseline: the failures of a cluster that are known, each with a reason, an owner and an end.
//!
//! A case that fails and is in the baseline is known: it is reported, and doesn't fail the run. A
//! baseline covers failures alone: what can't be told stays inconclusive.

mod glob;
mod read;
mod review;
#[cfg(test)]
mod tests;

pub(crate) use read::{BaselineError, day};
pub(crate) use review::Review;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The failures that are known, as of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Where it was read, for messages.
    pub origin: String,
    /// The day on which entries are held against their ends.
    pub as_of: Date,
    /// The entries, in the file's order.
    pub entries: Vec<Entry>,
}

/// Failures that are known for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// A case's name, in which `*` stands for any characters, or a check or area, for all its cases.
    pub case: String,
    /// Why they are tolerated.
    pub reason: String,
    /// Who is responsible for fixing them.
    pub owner: String,
    /// The last day on which they are tolerated.
    pub until: Date,
    /// Its line in the file.
    pub line: u64,
}

impl Entry {
    /// The reason, the owner and the end, in a few words.
    pub fn told(&self) -> String {
        format!("{} ({}, until {})", self.reason, self.owner, self.until)
    }
}
