//! What a check is.

use super::{About, Need, Planned, Readings, Stage, Verdict, World};

/// One check.
pub(crate) trait Check: Sync {
    /// What one of its cases is about, as far as judging needs to know.
    type Subject: Send + Sync + 'static;

    /// `area::name`; the area is that of the list it stands in.
    fn id(&self) -> &'static str;

    /// What is true when it passes, as one sentence without a full stop.
    fn summary(&self) -> &'static str;

    /// Why it matters: what breaks for users where it doesn't hold.
    fn why(&self) -> &'static str;

    /// Where the promise is written down (Kubernetes documentation, KEP, RFC or API field).
    fn source(&self) -> &'static str;

    /// What it is to reports and to other projects.
    fn about(&self) -> About {
        About::default()
    }

    /// Whether each of its cases is of one family. Where not, a case judges both at once.
    fn per_family(&self) -> bool {
        true
    }

    /// Whether its cases say themselves what a node must have whose group is without a family. Those of
    /// other checks are skipped there.
    fn knows_groups(&self) -> bool {
        false
    }

    /// When its cases can be judged.
    fn stage(&self) -> Stage;

    /// What it needs besides the workload.
    fn needs(&self) -> &'static [Need] {
        &[]
    }

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
