//! The rights a run needs, asked for before anything is created.

use super::{Ledger, Options};
use crate::{
    check::Stage,
    cluster::{Cluster, Right},
    facts, fixture,
};

/// What the run will ask the API server for, as far as it can be asked beforehand.
pub(super) fn needed(options: &Options, ledger: &Ledger, cluster: &Cluster) -> Vec<Right> {
    let mut rights = facts::rights();
    if ledger.last_stage().is_none_or(|stage| stage == Stage::Facts) {
        return rights;
    }
    rights.extend(fixture::rights(&options.fixture));
    if ledger.last_stage() == Some(Stage::Probed) {
        let version = &cluster.server.version;
        let namespace = options.fixture.namespace.as_deref();
        rights.extend(Right::to_enter(version, "pods/exec", namespace));
        // DNS pods are asked as well; where they can't be, that is inconclusive.
        let forward = Right::to_enter(version, "pods/portforward", Some("kube-system"));
        rights.extend(forward.into_iter().map(|right| Right { optional: true, ..right }));
    }
    rights
}
