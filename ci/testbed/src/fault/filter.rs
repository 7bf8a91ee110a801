//! Faults that are one nftables table, on nodes or between them.

use super::{about::About, kind::FaultKind, ruleset::Table};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Net, Outcome, Path},
    spec::{Cni, Family},
};

/// A fault that adds tables of its own to the packet filter, and removes them again.
pub trait Filter: Sized {
    /// As in [`FaultKind`].
    const ABOUT: About;

    /// As in [`FaultKind`].
    const NETWORK: Cni = Cni::Ptp;

    /// As in [`FaultKind`].
    fn example(family: Option<Family>) -> Option<Self>;

    /// As in [`FaultKind`].
    fn touches(&self) -> String;

    /// As in [`FaultKind`].
    fn hop(&self, _hop: &Hop) -> Outcome {
        Outcome::Works
    }

    /// As in [`FaultKind`].
    fn path(&self, _path: &Path, _net: &Net) -> Option<Outcome> {
        None
    }

    /// As in [`FaultKind`].
    fn cut_off(&self, _net: &Net) -> Option<&str> {
        None
    }

    /// The tables. What can't be injected is refused.
    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>>;

    /// What is to be done once they were added or removed.
    fn settle(&self, _cluster: &Cluster) -> Result<()> {
        Ok(())
    }
}

impl<F: Filter> FaultKind for F {
    const ABOUT: About = F::ABOUT;

    const NETWORK: Cni = F::NETWORK;

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        F::example(family)
    }

    fn touches(&self) -> String {
        Filter::touches(self)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Filter::hop(self, hop)
    }

    fn path(&self, path: &Path, net: &Net) -> Option<Outcome> {
        Filter::path(self, path, net)
    }

    fn cut_off(&self, net: &Net) -> Option<&str> {
        Filter::cut_off(self, net)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        self.tables(cluster).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.tables(cluster)?.iter().try_for_each(|table| table.add(cluster))?;
        self.settle(cluster)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.tables(cluster)?.iter().try_for_each(|table| table.remove(cluster))?;
        self.settle(cluster)
    }
}
