//! Connections of one family that take a second longer to open.

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

/// Drops the first SYN of every connection of a family to and from the pods of a node. TCP repeats it
/// after a second, so everything works, and is slow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ConnectionsSlow {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for ConnectionsSlow {
    const ABOUT: About = About {
        does: "the first packet of every TCP connection of the family to and from the pods of a \
         node is lost, so that it takes a second longer to open",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("new {} connections of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let slow = hop.transport == Transport::Tcp && hop.is_forwarded_by(&self.node);
        // Whoever connects may have less patience.
        if hop.family == self.family && slow { Outcome::Either } else { Outcome::Works }
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let ip = self.family.nft();
        let address = match self.family {
            Family::V4 => "ipv4_addr",
            Family::V6 => "ipv6_addr",
        };
        let set = format!(
            "set seen {{\ntype {address} . inet_service\n\
             flags dynamic,timeout\ntimeout 30s\nsize 65535\n}}"
        );
        let syn = "tcp flags & (syn | ack) == syn";
        // Where it leads, a Service may choose anew for the second one.
        let flow = format!("{ip} saddr . tcp sport");
        let rules = format!("{syn} {flow} @seen accept\n{syn} add @seen {{ {flow} }} drop");
        let content = format!("{set}\n{}", chain("forward", "filter", &rules));
        Ok(vec![Table::on(cluster, &self.node, self.family, "connections-slow", content)?])
    }
}
