//! Addresses of load balancers that lead nowhere.

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

/// Makes the underlay know no way to the addresses of a family that load balancers have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct LoadBalancerUnrouted {
    /// The family whose addresses lead nowhere.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for LoadBalancerUnrouted {
    const ABOUT: About = About {
        does: "the underlay has no route to the addresses of load balancers, which nodes still know themselves",
        limits: NEEDS_FAMILY,
    };

    /// What was left out before.
    type Before = LeftOut;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        format!("{} routes to load balancers", self.family)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let Path::LoadBalancer { family, outside } = path else { return None };
        (*outside && *family == self.family).then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<LeftOut> {
        LeftOut::of(cluster.dir())
    }

    fn inject(&self, cluster: &Cluster, _: &LeftOut) -> Result<()> {
        LeftOut::set(cluster.dir(), |it| &mut it.unrouted, self.family, true)
    }

    fn revert(&self, cluster: &Cluster, _: &LeftOut) -> Result<()> {
        LeftOut::set(cluster.dir(), |it| &mut it.unrouted, self.family, false)
    }
}
