//! A node's address that is gone from its interface.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
    link::Link,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Net, Outcome},
    spec::Family,
};

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

impl FaultKind for AddressLost {
    const ABOUT: About = About {
        does: "a node's address of the family is gone from its interface, and with it the way back \
         from other nodes; the Node object still has it",
        limits: NEEDS_FAMILY,
    };

    type Before = Link;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} address of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == self.family && hop.needs_address_of(&self.node))
    }

    fn cut_off(&self, net: &Net) -> Option<&str> {
        (self.family == net.primary).then_some(&self.node)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Link> {
        Link::of(cluster.node(&self.node)?, self.family)
    }

    fn inject(&self, cluster: &Cluster, before: &Link) -> Result<()> {
        before.take_off(cluster, cluster.node(&self.node)?)
    }

    fn revert(&self, cluster: &Cluster, before: &Link) -> Result<()> {
        before.restore(cluster, cluster.node(&self.node)?)
    }
}
