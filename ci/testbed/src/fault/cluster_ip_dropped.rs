//! ClusterIPs of one family dropped on a node.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain, service_range},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{By, Hop, Outcome},
    spec::Family,
};

/// Drops what pods and processes of a node send to a ClusterIP, before kube-proxy's rules see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ClusterIpDropped {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for ClusterIpDropped {
    const ABOUT: About = About {
        does: "what pods and processes of a node send to ClusterIPs of the family is dropped before kube-proxy's rules",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} ClusterIPs on {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let asked = hop.asked == Some(By::ClusterIp) && hop.from.is(&self.node);
        Outcome::fails_if(hop.family == self.family && asked)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let range = service_range(cluster, self.family)?;
        let rule = format!("{} daddr {range} drop", self.family.nft());
        let chains = ["prerouting", "output"].map(|hook| chain(hook, "raw", &rule)).join("\n");
        Ok(vec![Table::on(cluster, &self.node, self.family, "cluster-ip-dropped", chains)?])
    }
}
