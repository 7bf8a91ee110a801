//! What a rule is.

use super::{Evidence, Found};

/// A rule that finds causes of one kind.
pub trait CauseRule: Sync {
    /// Its id.
    fn id(&self) -> &'static str;

    /// Why such a fault matters.
    fn why(&self) -> &'static str;

    /// The faults of this kind.
    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found>;
}
