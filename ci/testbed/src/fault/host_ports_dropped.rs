//! A node's own ports closed to others.

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

/// Drops what comes from elsewhere, pods and machines, to ports of a node itself that nothing of
/// Kubernetes uses, as host firewalls do that were written for one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct HostPortsDropped {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for HostPortsDropped {
    const ABOUT: About = About {
        does: "a firewall on a node drops what other machines and their pods send over the family \
         to ports 20000 to 29999 of the node itself: backends in its host network are lost",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} input of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let opens = hop.enters(&self.node) && !hop.reply && hop.port == Port::Other;
        let ends_there = opens && hop.is_for_processes_of(&self.node);
        Outcome::fails_if(hop.family == self.family && ends_there)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let rule =
            "iifname \"eth0\" meta l4proto { tcp, udp } th dport 20000-29999 ct state new drop";
        let chain = chain("input", "filter - 10", rule);
        Ok(vec![Table::on(cluster, &self.node, self.family, "host-ports-dropped", chain)?])
    }
}
