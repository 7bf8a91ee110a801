//! Large packets that don't get out of a node to the outside.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome, Place},
    spec::Family,
};

/// Drops packets over 1,300 bytes between a node and the machine outside, and tells nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct LargeAnswersLost {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for LargeAnswersLost {
    const ABOUT: About = About {
        does: "packets of the family over 1300 bytes vanish between a node and the outside, and nobody is told",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("large {} packets between {} and the outside", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let outside = hop.from == Place::Outside || hop.to == Place::Outside;
        let lost = hop.large && outside && hop.crosses(&self.node);
        Outcome::fails_if(hop.family == self.family && lost)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let (family, outside) = (self.family.nft(), cluster.record().subnet.machine(self.family));
        let rule = |side: &str| format!("{family} {side} {outside} meta length > 1300 drop");
        let chains = [
            chain("prerouting", "raw", &rule("saddr")),
            chain("postrouting", "srcnat + 20", &rule("daddr")),
        ];
        Ok(vec![Table::on(
            cluster,
            &self.node,
            self.family,
            "large-answers-lost",
            chains.join("\n"),
        )?])
    }
}
