//! A cluster without DNS servers.

use serde::{Deserialize, Serialize};

use super::{about::About, corefile, kind::FaultKind};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Scales CoreDNS to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsDown {}

impl FaultKind for DnsDown {
    const ABOUT: About =
        About { does: "no CoreDNS runs (its Deployment has no replicas)", limits: "" };

    /// How many replicas there were.
    type Before = u32;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self {})
    }

    fn touches(&self) -> String {
        "CoreDNS's replicas".to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        match path {
            Path::Name { .. }
            | Path::QuickName { .. }
            | Path::Reverse { .. }
            | Path::Endpoints { .. }
            | Path::ShortName { .. }
            | Path::DnsOver { .. } => Some(Outcome::Fails),
            _ => None,
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<u32> {
        corefile::replicas(cluster)
    }

    fn inject(&self, cluster: &Cluster, _: &u32) -> Result<()> {
        corefile::scale(cluster, 0)
    }

    fn revert(&self, cluster: &Cluster, before: &u32) -> Result<()> {
        corefile::scale(cluster, *before)
    }
}
