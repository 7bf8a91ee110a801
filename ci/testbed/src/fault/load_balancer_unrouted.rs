//! Addresses of load balancers that lead nowhere.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
};
use crate::{
    agent::load_balancer::{LEFT_OUT, LeftOut},
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// How long the provider may take to notice: several of its rounds.
const NOTICED: Duration = Duration::from_secs(1);

/// Makes the underlay know no way to the addresses of a family that load balancers have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct LoadBalancerUnrouted {
    /// The family whose addresses lead nowhere.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl LoadBalancerUnrouted {
    fn set(&self, cluster: &Cluster, broken: bool) -> Result<()> {
        let mut left_out = self.read_state(cluster)?;
        left_out.unrouted.retain(|family| *family != self.family);
        if broken {
            left_out.unrouted.push(self.family);
        }
        cluster.dir().write(LEFT_OUT, &left_out)?;
        std::thread::sleep(NOTICED);
        Ok(())
    }
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
        Ok(cluster.dir().read(LEFT_OUT)?.unwrap_or_default())
    }

    fn inject(&self, cluster: &Cluster, _: &LeftOut) -> Result<()> {
        self.set(cluster, true)
    }

    fn revert(&self, cluster: &Cluster, _: &LeftOut) -> Result<()> {
        self.set(cluster, false)
    }
}
