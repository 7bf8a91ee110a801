//! A node whose half of Calico's tunnel is dead in one family.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    calico::VXLAN_PORT,
    filter::Filter,
    flannel_link_down::is_tunnelled,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    spec::{Cni, Family},
};

/// Drops a family's packets of VXLAN on a node, as a firewall does that lets them in of the other family alone. (The
/// device itself can't be down for long: calico-node sets it up again.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct CalicoTunnelFiltered {
    /// The family whose tunnel is dead.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for CalicoTunnelFiltered {
    const ABOUT: About = About {
        does: "a node drops the VXLAN packets (UDP 4789) of the family: no pod there reaches \
         another node's in it, nor the reverse",
        limits: NEEDS_FAMILY,
    };

    const NETWORK: Cni = Cni::Calico;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} tunnel of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == self.family && is_tunnelled(hop, &self.node))
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let rule = format!("udp dport {VXLAN_PORT} drop");
        let chains = ["input", "output"].map(|hook| chain(hook, "filter", &rule)).join("\n");
        Ok(vec![Table::on(cluster, &self.node, self.family, "calico-tunnel-filtered", chains)?])
    }
}
