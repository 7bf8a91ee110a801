//! Neighbour discovery, or ARP, that is dropped.

use serde::{Deserialize, Serialize};

use super::{
    about::About,
    filter::Filter,
    neighbours,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Net, Outcome},
    spec::Family,
};

/// Drops what a node asks and answers about neighbours on the underlay, and lets it forget those
/// that it knows; else they would serve it for half a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NeighboursDropped {
    /// The family: IPv6's neighbour discovery, or IPv4's ARP.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for NeighboursDropped {
    const ABOUT: About = About {
        does: "a node's neighbour discovery (or ARP) on the network between the nodes is dropped, \
         as by a firewall that blocks ICMPv6",
        limits: "clusters without the family; for IPv4, kernels without CONFIG_NF_TABLES_ARP: nft says so",
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} neighbours of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == self.family && hop.crosses(&self.node))
    }

    fn cut_off(&self, net: &Net) -> Option<&str> {
        (self.family == net.primary).then_some(&self.node)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        cluster.node(&self.node)?.address(self.family).ok_or_else(|| {
            Error::Invalid(format!("{} has no {} address", self.node, self.family))
        })?;
        let (family, what) = match self.family {
            Family::V4 => ("arp", ""),
            Family::V6 => ("ip6", "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "),
        };
        let rule = |side: &str| format!("{side} \"eth0\" {what}drop");
        let chains = [
            chain("input", "filter", &rule("iifname")),
            chain("output", "filter", &rule("oifname")),
        ];
        let content = chains.join("\n");
        let table = Table::on(cluster, &self.node, self.family, "neighbours-dropped", content)?;
        Ok(vec![Table { family, ..table }])
    }

    /// Forgets whatever was learnt or not learnt in the meantime.
    fn settle(&self, cluster: &Cluster) -> Result<()> {
        let node = cluster.node(&self.node)?;
        neighbours::forget_all(node, self.family)?;
        node.address(self.family).map_or(Ok(()), |address| neighbours::forget(cluster, address))
    }
}
