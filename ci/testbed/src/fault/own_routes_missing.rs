//! A node without routes to its own pods.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Outcome},
    run::Run,
    spec::Family,
};

/// The place of the rule, before that of the routes.
const PREFERENCE: &str = "100";

/// Takes away a node's routes to its own pods, those that are made later too: a rule stands in for
/// the missing routes, and says at once that there is no way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct OwnRoutesMissing {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl OwnRoutesMissing {
    fn rule(&self, cluster: &Cluster, verb: &str, range: &str) -> Result<String> {
        let node = cluster.node(&self.node)?;
        let what = format!("{verb} a {} rule on {}", self.family, node.name);
        let words = ["rule", verb, "pref", PREFERENCE, "to", range, "unreachable"];
        node.net_command("ip").arg(self.family.ip_flag()).args(words).read(&what)
    }
}

impl FaultKind for OwnRoutesMissing {
    const ABOUT: About =
        About { does: "a node has no routes of the family to its own pods", limits: NEEDS_FAMILY };

    /// The node's pod range.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} routes of {} to its pods", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == self.family && hop.is_for_pod_of(&self.node))
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        cluster.node(&self.node)?;
        let get = ["get", "node", &self.node, "-o", "jsonpath={.spec.podCIDRs[*]}"];
        let text = cluster.kubectl()?.args(get).read("read a node's pod ranges")?;
        let of_family =
            |range: &&str| range.parse().is_ok_and(|range| Family::of_range(&range) == self.family);
        text.split_whitespace().find(of_family).map(str::to_owned).ok_or_else(|| {
            Error::Invalid(format!("{} has no {} pod range", self.node, self.family))
        })
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.revert(cluster, before)?;
        self.rule(cluster, "add", before).map(drop)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let list = ["rule", "list", "pref", PREFERENCE];
        let there = node
            .net_command("ip")
            .arg(self.family.ip_flag())
            .args(list)
            .read(&format!("list the {} rules of {}", self.family, self.node))?;
        if there.trim().is_empty() {
            return Ok(());
        }
        self.rule(cluster, "delete", before).map(drop)
    }
}
