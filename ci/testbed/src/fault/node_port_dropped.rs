//! NodePorts of one family dropped on a node.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage,
    about::NEEDS_FAMILY,
    ruleset::{Place, Table},
};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// Drops what enters a node from other nodes and from outside for a NodePort (30000-32767, the
/// API server's default range). Pods of the same node come another way and are spared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NodePortDropped {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl NodePortDropped {
    fn table(&self) -> Table<'_> {
        Table {
            place: Place::Node(&self.node),
            family: self.family.nft(),
            name: "node-port-dropped".to_owned(),
            content: "chain prerouting {\n\
                     type filter hook prerouting priority raw; policy accept;\n\
                     iifname \"eth0\" meta l4proto { tcp, udp } th dport 30000-32767 drop\n}"
                .to_owned(),
        }
    }
}

impl Sabotage for NodePortDropped {
    const ABOUT: About = About {
        breaks: "packets to NodePorts of the family are dropped where they enter a node",
        report: "NodePorts of the family time out on that node, from outside and from other nodes",
        limits: NEEDS_FAMILY,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} NodePorts of {}", self.family, self.node)
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
