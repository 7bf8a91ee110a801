//! What comes in for NodePorts and is for the node itself dropped on a node.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Drops new connections to ports of the NodePort range that end at a node itself, as host
/// firewalls do that know nothing of health check node ports. NodePorts are translated before, and
/// forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NodePortInputDropped {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for NodePortInputDropped {
    const ABOUT: About = About {
        does: "a firewall on a node drops connections of the family to ports of the NodePort range \
         that end at the node itself: NodePorts work, health check node ports and refusals don't",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} input of {}", self.family, self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let Path::Untranslated { node, family } = path else { return None };
        (*node == self.node && *family == self.family).then_some(Outcome::Fails)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let rule = "tcp dport 30000-32767 ct state new drop";
        let chain = chain("input", "filter - 10", rule);
        Ok(vec![Table::on(cluster, &self.node, self.family, "node-port-input-dropped", chain)?])
    }
}
