//! A way between two nodes on which large packets vanish in one direction.

use serde::{Deserialize, Serialize};

use super::{about::About, filter::Filter, ruleset::Table};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    spec::Family,
};

/// Drops packets over 1,280 bytes on the bridge from one node to another, but not back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct LargePacketsOneWay {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
    /// The other node.
    #[arg(long)]
    pub to: String,
}

impl Filter for LargePacketsOneWay {
    const ABOUT: About = About {
        does: "from one node to another packets of the family over 1280 bytes vanish, but not the other way round",
        limits: "clusters without the family; kernels without CONFIG_NF_TABLES_BRIDGE: nft says so",
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned(), to: "n3".to_owned() })
    }

    fn touches(&self) -> String {
        format!("large {} packets from {} to {}", self.family, self.node, self.to)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let lost = hop.large && hop.leads(&self.node, &self.to);
        Outcome::fails_if(hop.family == self.family && lost)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let (from, to, family) = (self.node.as_str(), self.to.as_str(), self.family.nft());
        let rule = format!(
            "iifname \"{from}\" oifname \"{to}\" ether type {family} meta length > 1280 drop"
        );
        let name = format!("large-packets-one-way-{family}-{from}-{to}");
        Ok(vec![Table::between(cluster, [from, to], name, &rule)?])
    }
}
