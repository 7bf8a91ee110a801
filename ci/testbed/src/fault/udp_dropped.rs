//! UDP of one family that a node forwards for nobody.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome, Transport},
    spec::Family,
};

/// Drops the datagrams of a family to and from the pods of a node, as a firewall does that knows
/// TCP alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct UdpDropped {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for UdpDropped {
    const ABOUT: About = About {
        does: "what the pods of a node send and get by UDP in the family is dropped; TCP passes",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} UDP of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let lost = hop.transport == Transport::Udp && hop.is_forwarded_by(&self.node);
        Outcome::fails_if(hop.family == self.family && lost)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let chain = chain("forward", "filter", "meta l4proto udp drop");
        Ok(vec![Table::on(cluster, &self.node, self.family, "udp-dropped", chain)?])
    }
}
