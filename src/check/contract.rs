//! What a check is.

use super::{Planned, Promise, Readings, Verdict, World};

/// One check.
pub(crate) trait Check: Sync {
    /// What one of its cases is about, as far as judging needs to know.
    type Subject: Send + Sync + 'static;

    /// What it promises.
    const PROMISE: Promise;

    /// Its cases in this world: one for each node, pod or path, and family.
    fn plan(&self, world: World<'_>) -> Vec<Planned<Self::Subject>>;

    /// What became of a case, given the readings of the probes that it was planned with.
    fn judge(&self, world: World<'_>, subject: &Self::Subject, readings: &Readings<'_>) -> Verdict;

    /// A cluster of the lab in which it fails, where none does that is broken for other checks.
    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        None
    }
}
