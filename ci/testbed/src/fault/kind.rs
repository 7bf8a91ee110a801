//! What a kind of fault is made of.

use serde::{Deserialize as _, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::about::About;
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Net, Outcome, Path},
    spec::{Cni, Family},
};

/// How one kind of fault works, and what it breaks.
pub trait FaultKind: Sized {
    /// What the catalogue says of it.
    const ABOUT: About;

    /// The pod network whose clusters can have it.
    const NETWORK: Cni = Cni::Ptp;

    /// What has to be known of the state before, to put it back.
    type Before: Serialize + DeserializeOwned;

    /// The fault as a test of all faults injects it into a cluster of three nodes: for `None` one
    /// that has no family, else one of the family. `None` where the kind has no such fault.
    fn example(family: Option<Family>) -> Option<Self>;

    /// What is changed, in words that are the same for two faults which would disturb each other.
    fn touches(&self) -> String;

    /// What becomes of a packet on a hop.
    fn hop(&self, _hop: &Hop) -> Outcome {
        Outcome::Works
    }

    /// What comes of a path, where that doesn't follow from its hops.
    fn path(&self, _path: &Path, _net: &Net) -> Option<Outcome> {
        None
    }

    /// The node whose pods can't be asked anything while the fault lasts, and whose kubelet and
    /// kube-proxy learn of nothing new.
    fn cut_off(&self, _net: &Net) -> Option<&str> {
        None
    }

    /// Reads the state before, and refuses what can't be injected. Changes nothing.
    fn read_state(&self, cluster: &Cluster) -> Result<Self::Before>;

    /// Breaks it, and returns when it is broken. Doing it twice is doing it once.
    fn inject(&self, cluster: &Cluster, before: &Self::Before) -> Result<()>;

    /// Puts it back, wholly or half injected, and returns when it is back. Doing it twice is doing
    /// it once.
    fn revert(&self, cluster: &Cluster, before: &Self::Before) -> Result<()>;
}

/// [`FaultKind`] with what was before as plain JSON: one type for all kinds of faults.
pub(super) trait Erased {
    fn about(&self) -> About;
    fn network(&self) -> Cni;
    fn touches(&self) -> String;
    fn hop(&self, hop: &Hop) -> Outcome;
    fn path(&self, path: &Path, net: &Net) -> Option<Outcome>;
    fn cut_off(&self, net: &Net) -> Option<&str>;
    fn read_state(&self, cluster: &Cluster) -> Result<Value>;
    fn inject(&self, cluster: &Cluster, before: &Value) -> Result<()>;
    fn revert(&self, cluster: &Cluster, before: &Value) -> Result<()>;
}

impl<K: FaultKind> Erased for K {
    fn about(&self) -> About {
        K::ABOUT
    }

    fn network(&self) -> Cni {
        K::NETWORK
    }

    fn touches(&self) -> String {
        FaultKind::touches(self)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        FaultKind::hop(self, hop)
    }

    fn path(&self, path: &Path, net: &Net) -> Option<Outcome> {
        FaultKind::path(self, path, net)
    }

    fn cut_off(&self, net: &Net) -> Option<&str> {
        FaultKind::cut_off(self, net)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Value> {
        serde_json::to_value(FaultKind::read_state(self, cluster)?).map_err(not_understood)
    }

    fn inject(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        let before = K::Before::deserialize(before).map_err(not_understood)?;
        FaultKind::inject(self, cluster, &before)
    }

    fn revert(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        let before = K::Before::deserialize(before).map_err(not_understood)?;
        FaultKind::revert(self, cluster, &before)
    }
}

fn not_understood(error: serde_json::Error) -> Error {
    Error::Format {
        what: "write or read the state from before a fault".to_owned(),
        reason: error.to_string(),
    }
}

/// Refuses a cluster that has nothing left where one family is taken away.
pub(super) fn require_both(cluster: &Cluster) -> Result<()> {
    let families = &cluster.record().spec.node_families;
    if families.len() < 2 {
        return Err(Error::Invalid(
            "the cluster has one family alone: without it nothing would be left".to_owned(),
        ));
    }
    Ok(())
}
