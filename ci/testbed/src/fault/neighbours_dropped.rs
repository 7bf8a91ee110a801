//! Neighbour discovery, or ARP, that is dropped.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage, neighbours,
    ruleset::{Place, Table},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
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

impl NeighboursDropped {
    fn table(&self) -> Table<'_> {
        let (family, what) = match self.family {
            Family::V4 => ("arp", ""),
            Family::V6 => ("ip6", "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "),
        };
        Table {
            place: Place::Node(&self.node),
            family,
            name: "neighbours-dropped".to_owned(),
            content: format!(
                "chain in {{\ntype filter hook input priority filter;\niifname \"eth0\" {what}drop\n}}\n\
                 chain out {{\ntype filter hook output priority filter;\noifname \"eth0\" {what}drop\n}}"
            ),
        }
    }

    /// Whatever was learnt or not learnt in the meantime.
    fn forget(&self, cluster: &Cluster) -> Result<()> {
        let node = cluster.node(&self.node)?;
        neighbours::forget_all(node, self.family)?;
        node.address(self.family).map_or(Ok(()), |address| neighbours::forget(cluster, address))
    }
}

impl Sabotage for NeighboursDropped {
    const ABOUT: About = About {
        breaks: "a node's neighbour discovery (or ARP) on the network between the nodes is dropped, as by a firewall that blocks ICMPv6",
        report: "pods of that node and of others don't reach each other in the family, and its NodePorts time out in it; if it is the family by which the API server reaches kubelet, that node is cut off",
        limits: "clusters without the family; for IPv4, kernels without CONFIG_NF_TABLES_ARP: nft says so",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} neighbours of {}", self.family, self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        let none = || Error::Invalid(format!("{} has no {} address", self.node, self.family));
        cluster.node(&self.node)?.address(self.family).map(drop).ok_or_else(none)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().add(cluster)?;
        self.forget(cluster)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().remove(cluster)?;
        self.forget(cluster)
    }
}
