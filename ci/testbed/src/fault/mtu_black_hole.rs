//! A way between two nodes on which large packets vanish.

use serde::{Deserialize, Serialize};

use super::{about::About, filter::Filter, ruleset::Table};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    spec::Family,
};

/// Drops packets over 1,280 bytes, IPv6's least MTU, on the bridge between two nodes. Nobody is
/// told, as behind a firewall that blocks ICMP's "too big".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct MtuBlackHole {
    /// The family whose packets are dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The one node.
    #[arg(long)]
    pub node: String,
    /// The other one.
    #[arg(long)]
    pub to: String,
}

impl Filter for MtuBlackHole {
    const ABOUT: About = About {
        does: "between two nodes packets of the family over 1280 bytes vanish, and nobody is told",
        limits: "clusters without the family; kernels without CONFIG_NF_TABLES_BRIDGE: nft says so",
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned(), to: "n3".to_owned() })
    }

    fn touches(&self) -> String {
        let mut nodes = [self.node.as_str(), self.to.as_str()];
        nodes.sort_unstable();
        format!("large {} packets between {}", self.family, nodes.join(" and "))
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let lost = hop.large && hop.is_between(&self.node, &self.to);
        Outcome::fails_if(hop.family == self.family && lost)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let (one, other, family) = (self.node.as_str(), self.to.as_str(), self.family.nft());
        let rule = |from: &str, to: &str| {
            format!(
                "iifname \"{from}\" oifname \"{to}\" ether type {family} meta length > 1280 drop"
            )
        };
        let name = format!("mtu-black-hole-{family}-{one}-{other}");
        let rules = format!("{}\n{}", rule(one, other), rule(other, one));
        Ok(vec![Table::between(cluster, [one, other], name, &rules)?])
    }
}
