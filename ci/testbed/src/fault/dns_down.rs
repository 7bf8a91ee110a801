//! A cluster without DNS servers.

use serde::{Deserialize, Serialize};

use super::{About, Sabotage, corefile};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// Scales CoreDNS to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsDown {}

impl Sabotage for DnsDown {
    const ABOUT: About = About {
        breaks: "no CoreDNS runs (its Deployment has no replicas)",
        report: "no name resolves in any family: kube-dns has no endpoints; addresses work",
        limits: "",
    };

    /// How many replicas there were.
    type Before = u32;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self {})
    }

    fn touches(&self) -> String {
        "CoreDNS's replicas".to_owned()
    }

    fn look(&self, cluster: &Cluster) -> Result<u32> {
        corefile::replicas(cluster)
    }

    fn inject(&self, cluster: &Cluster, _: &u32) -> Result<()> {
        corefile::scale(cluster, 0)
    }

    fn revert(&self, cluster: &Cluster, before: &u32) -> Result<()> {
        corefile::scale(cluster, *before)
    }
}
