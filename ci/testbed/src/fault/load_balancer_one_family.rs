//! A provider of load balancers that gives addresses of the other family only.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
};
use crate::{
    agent::load_balancer::LeftOut,
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Makes the provider of load balancers give new Services no address of a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct LoadBalancerOneFamily {
    /// The family of which no Service gets an address.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for LoadBalancerOneFamily {
    const ABOUT: About = About {
        does: "new Services of type LoadBalancer are given an address of the other family only",
        limits: NEEDS_FAMILY,
    };

    /// What was left out before.
    type Before = LeftOut;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        format!("{} addresses of new load balancers", self.family)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let Path::LoadBalancer { family, .. } = path else { return None };
        (*family == self.family).then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<LeftOut> {
        LeftOut::of(cluster.dir())
    }

    fn inject(&self, cluster: &Cluster, _: &LeftOut) -> Result<()> {
        LeftOut::set(cluster.dir(), |it| &mut it.unassigned, self.family, true)
    }

    fn revert(&self, cluster: &Cluster, _: &LeftOut) -> Result<()> {
        LeftOut::set(cluster.dir(), |it| &mut it.unassigned, self.family, false)
    }
}
