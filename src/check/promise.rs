//! What a check says of itself.

use super::{About, Need, Stage};

/// What a check promises, and what it needs to check whether that holds.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// `area::name`; the area is that of the list it stands in.
    pub id: &'static str,
    /// What is true when it passes, as one sentence without a full stop.
    pub summary: &'static str,
    /// Why it matters: what breaks for users where it doesn't hold, in more than 100 characters.
    pub why: &'static str,
    /// Where the promise is written down (Kubernetes documentation, KEP, RFC or API field).
    pub source: &'static str,
    /// What it is to reports and to other projects.
    pub about: About,
    /// Whether each of its cases is of one family. Where not, a case judges both at once.
    pub per_family: bool,
    /// Whether its cases say themselves what a node must have whose group is without a family. Those of
    /// other checks are skipped there.
    pub knows_groups: bool,
    /// When its cases can be judged.
    pub stage: Stage,
    /// What it needs besides the workload.
    pub needs: &'static [Need],
}

impl Promise {
    /// What most checks have in common; each says the texts itself.
    pub(super) const DEFAULT: Self = Self {
        id: "",
        summary: "",
        why: "",
        source: "",
        about: About::EXTENDED,
        per_family: true,
        knows_groups: false,
        stage: Stage::Probed,
        needs: &[],
    };
}
