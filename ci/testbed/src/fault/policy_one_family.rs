//! A policy engine that guards the other family only.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind};
use crate::{
    agent::enforcer::{TABLE, UNGUARDED},
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    run::{Run, wait_for},
    spec::Family,
};

/// Makes what enforces NetworkPolicies leave a family alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct PolicyOneFamily {
    /// The family that is not guarded.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl PolicyOneFamily {
    /// Changes which families are left alone, and waits until every node is told.
    fn set(&self, cluster: &Cluster, guarded: bool) -> Result<()> {
        let mut unguarded = self.read_state(cluster)?;
        unguarded.retain(|family| *family != self.family);
        if !guarded {
            unguarded.push(self.family);
        }
        cluster.dir().write(UNGUARDED, &unguarded)?;
        let what = format!("{} policies {}", self.family, if guarded { "back" } else { "gone" });
        wait_for(&what, Duration::from_secs(20), String::new, || {
            let told = cluster.nodes().iter().all(|node| {
                let list = ["list", "table", self.family.nft(), TABLE];
                node.command("nft").args(list).read("look at the policies").is_ok() == guarded
            });
            Ok(told.then_some(()))
        })
    }
}

impl FaultKind for PolicyOneFamily {
    const ABOUT: About = About {
        does: "NetworkPolicies are enforced in the other family only, on all nodes",
        limits: "",
    };

    /// The families that were left alone.
    type Before = Vec<Family>;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        format!("{} policies", self.family)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let Path::Policy { family, .. } = path else { return None };
        (*family == self.family).then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Vec<Family>> {
        Ok(cluster.dir().read(UNGUARDED)?.unwrap_or_default())
    }

    fn inject(&self, cluster: &Cluster, _: &Vec<Family>) -> Result<()> {
        self.set(cluster, false)
    }

    fn revert(&self, cluster: &Cluster, _: &Vec<Family>) -> Result<()> {
        self.set(cluster, true)
    }
}
