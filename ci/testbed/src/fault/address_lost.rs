//! A node's address that is gone from its interface.

use serde::{Deserialize, Serialize};

use super::{About, Sabotage, about::NEEDS_FAMILY, link::Link};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// Deletes a node's address from `eth0`. The Node object still has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct AddressLost {
    /// The family of the address.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Sabotage for AddressLost {
    const ABOUT: About = About {
        breaks: "a node's address of the family is gone from its interface, and with it the way back from other nodes; the Node object still has it",
        report: "pods of that node and of others don't reach each other in the family, and its NodePorts time out in it; if it is the family by which the API server reaches kubelet, that node is cut off",
        limits: NEEDS_FAMILY,
    };

    type Before = Link;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} address of {}", self.family, self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<Link> {
        Link::of(cluster.node(&self.node)?, self.family)
    }

    fn inject(&self, cluster: &Cluster, before: &Link) -> Result<()> {
        before.take_off(cluster, cluster.node(&self.node)?)
    }

    fn revert(&self, cluster: &Cluster, before: &Link) -> Result<()> {
        before.restore(cluster, cluster.node(&self.node)?)
    }
}
