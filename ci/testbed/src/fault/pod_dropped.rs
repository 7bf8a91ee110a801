//! One pod that nobody reaches over one family.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage,
    about::NEEDS_FAMILY,
    ruleset::{Place, Table},
};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// Drops what other pods, nodes and the outside send to one pod of a node in one family, as a
/// NetworkPolicy does that lets in only the other family's addresses.
///
/// A policy chooses its pods by labels, also those that are made later. Here it is the first pod of the
/// node that is asked for on port 80 or 8080 from the injection on: so it is one of whoever looks
/// for the fault, and stays the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct PodDropped {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl PodDropped {
    fn table(&self) -> Table<'_> {
        let family = self.family.nft();
        let kind = match self.family {
            Family::V4 => "ipv4_addr",
            Family::V6 => "ipv6_addr",
        };
        Table {
            place: Place::Node(&self.node),
            family,
            name: "pod-dropped".to_owned(),
            // The set has room for one.
            content: format!(
                "set chosen {{\ntype {kind}\nsize 1\nflags dynamic\n}}\n\
                 chain forward {{\n\
                 type filter hook forward priority filter; policy accept;\n\
                 oifname != \"eth0\" tcp dport {{ 80, 8080 }} add @chosen {{ {family} daddr }}\n\
                 oifname != \"eth0\" ct state new {family} daddr @chosen drop\n}}"
            ),
        }
    }
}

impl Sabotage for PodDropped {
    const ABOUT: About = About {
        breaks: "what is sent to one pod in the family is dropped, as by a NetworkPolicy that lets in only the other family: the first pod of a node that is asked for on TCP port 80 or 8080 after the injection",
        report: "that pod times out in the family, by its own address and behind Services; the node's other pods answer, and so does it in the other family",
        limits: NEEDS_FAMILY,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} to one pod of {}", self.family, self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().add(cluster)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().remove(cluster)
    }
}
