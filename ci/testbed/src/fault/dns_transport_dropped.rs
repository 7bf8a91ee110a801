//! DNS servers that are deaf to one transport.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain, pod_range},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome, Port, Transport},
    spec::Family,
};

/// Drops what is sent to the DNS port of pods of a node by UDP in one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsTransportDropped {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for DnsTransportDropped {
    const ABOUT: About = About {
        does: "DNS servers on a node get nothing by UDP over the family, by TCP and over the other family they answer",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} DNS by UDP on {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let asks = hop.port == Port::Dns && hop.transport == Transport::Udp && !hop.reply;
        Outcome::fails_if(hop.family == self.family && asks && hop.is_for_pod_of(&self.node))
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let rule = format!(
            "{} daddr {} udp dport 53 drop",
            self.family.nft(),
            pod_range(cluster, self.family)?
        );
        let chains = [
            chain("forward", "filter", &format!("oifname != \"eth0\" {rule}")),
            chain("output", "filter", &format!("oifname != \"eth0\" {rule}")),
        ];
        let content = chains.join("\n");
        Ok(vec![Table::on(cluster, &self.node, self.family, "dns-transport-dropped", content)?])
    }
}
