//! What no rule has explained yet.

use std::collections::BTreeSet;

use super::{Found, Judged};
use crate::{check::Status, probe::ProbeId};

/// Whether a case failed or could not be told.
pub(super) const fn wants_explanation(judged: &Judged) -> bool {
    matches!(judged.verdict.status(), Status::Fail | Status::Inconclusive)
}

/// What still wants an explanation.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) probed: BTreeSet<ProbeId>,
    pub(super) cases: BTreeSet<usize>,
}

impl Open {
    /// Closes what a rule explains, and names the cases.
    pub(super) fn explain(&mut self, judged: &[Judged], found: &Found) -> Vec<String> {
        let mut names = Vec::new();
        for &place in &self.cases {
            let case = &judged[place].case;
            let explained = |id| self.probed.contains(id) && found.probed.contains(id);
            if case.probes.iter().any(explained) || found.cases.contains(&place) {
                names.push(case.name());
            }
        }
        self.probed.retain(|id| !found.probed.contains(id));
        self.cases.retain(|case| !found.cases.contains(case));
        names
    }
}
