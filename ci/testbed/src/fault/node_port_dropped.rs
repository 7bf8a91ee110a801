//! NodePorts of one family dropped on a node.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    spec::Family,
};

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

impl Filter for NodePortDropped {
    const ABOUT: About = About {
        does: "packets to NodePorts of the family are dropped where they enter a node",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} NodePorts of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == self.family && hop.enters_node_port(&self.node))
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        // Answers to what the node itself sent may come for such a port too, by masquerading: they
        // are no first packet of a connection, and come from a server's port.
        let rules = "iifname \"eth0\" tcp dport 30000-32767 tcp flags & (syn | ack) == syn drop\n\
                     iifname \"eth0\" udp dport 30000-32767 udp sport != { 53, 80, 8080 } drop";
        let chain = chain("prerouting", "raw", rules);
        Ok(vec![Table::on(cluster, &self.node, self.family, "node-port-dropped", chain)?])
    }
}
