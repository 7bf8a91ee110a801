//! One TCP port that a node lets nobody in by.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome, Port, Transport},
    spec::Family,
};

/// Drops what comes from elsewhere for web servers in pods, through or to a node, on ports 80 and
/// 8080, as a firewall does that knows only some ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct WebPortDropped {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for WebPortDropped {
    const ABOUT: About = About {
        does: "what a node forwards from elsewhere to TCP ports 80 and 8080 of pods is dropped; other ports answer",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} web servers of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        // What comes by a NodePort has the server's port once it is translated.
        let enters = (hop.enters(&self.node) && hop.is_for_pod_of(&self.node))
            || hop.is_passed_on_by(&self.node);
        let web = hop.port == Port::Web && hop.transport == Transport::Tcp;
        Outcome::fails_if(hop.family == self.family && enters && web && !hop.reply)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let rule = "iifname \"eth0\" tcp dport { 80, 8080 } drop";
        let chain = chain("forward", "filter", rule);
        Ok(vec![Table::on(cluster, &self.node, self.family, "web-port-dropped", chain)?])
    }
}
