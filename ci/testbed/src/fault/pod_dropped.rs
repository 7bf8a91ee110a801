//! One pod that nobody reaches over one family.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome, Port},
    spec::Family,
};

/// Drops what other pods, nodes and the outside send to one pod of a node in one family, as a
/// NetworkPolicy does that lets in only the other family's addresses.
///
/// A policy chooses its pods by labels, also those that are made later. Here it is the first pod of
/// the node that is asked for on port 80 or 8080 from the injection on: so it is one of whoever
/// looks for the fault, and stays the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct PodDropped {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for PodDropped {
    const ABOUT: About = About {
        does: "what is sent to one pod in the family is dropped, as by a NetworkPolicy that lets in \
         only the other family: the first pod of a node that is asked for on TCP port 80 or 8080 after the injection",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} to one pod of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let asks = !hop.reply && hop.port == Port::Web && hop.is_for_pod_of(&self.node);
        // What the node itself sends to its pods isn't forwarded.
        let lost = asks && hop.is_forwarded_by(&self.node);
        Outcome::fails_if(hop.family == self.family && lost)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let family = self.family.nft();
        let kind = match self.family {
            Family::V4 => "ipv4_addr",
            Family::V6 => "ipv6_addr",
        };
        let rules = format!(
            "oifname != \"eth0\" tcp dport {{ 80, 8080 }} add @chosen {{ {family} daddr }}\n\
             oifname != \"eth0\" ct state new {family} daddr @chosen drop"
        );
        // The set has room for one.
        let content = format!(
            "set chosen {{\ntype {kind}\nsize 1\nflags dynamic\n}}\n{}",
            chain("forward", "filter", &rules)
        );
        Ok(vec![Table::on(cluster, &self.node, self.family, "pod-dropped", content)?])
    }
}
