//! A way between two nodes that loses some packets at random.

use serde::{Deserialize, Serialize};

use super::{about::About, filter::Filter, ruleset::Table};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    spec::Family,
};

/// Drops some of the packets on the bridge between two nodes at random.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct PacketsLost {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
    /// The other node.
    #[arg(long)]
    pub to: String,
    /// How many of a hundred packets are lost.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub percent: u8,
}

impl Filter for PacketsLost {
    const ABOUT: About = About {
        does: "between two nodes some of a hundred packets of the family are lost at random \
         (`--percent`, 30 unless another number is given)",
        limits: "clusters without the family; kernels without CONFIG_NF_TABLES_BRIDGE: nft says so",
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self {
            family,
            node: "n2".to_owned(),
            to: "n3".to_owned(),
            percent: 30,
        })
    }

    fn touches(&self) -> String {
        format!("some {} packets between {} and {}", self.family, self.node, self.to)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        if hop.family == self.family && hop.is_between(&self.node, &self.to) {
            Outcome::Either
        } else {
            Outcome::Works
        }
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let (one, other, family) = (self.node.as_str(), self.to.as_str(), self.family.nft());
        let rule = |from: &str, to: &str| {
            format!(
                "iifname \"{from}\" oifname \"{to}\" ether type {family} numgen random mod 100 < {} drop",
                self.percent
            )
        };
        let name = format!("packets-lost-{family}-{one}-{other}");
        let rules = format!("{}\n{}", rule(one, other), rule(other, one));
        Ok(vec![Table::between(cluster, [one, other], name, &rules)?])
    }
}
