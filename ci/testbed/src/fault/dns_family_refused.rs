//! DNS servers that answer over one family alone.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain, pod_range},
};
use crate::{
    cluster::Cluster,
    error::Result,
    node::Node,
    path::{Hop, Outcome, Port},
    spec::Family,
};

/// Refuses what is sent over one family to the DNS port of a pod, on every node: as if CoreDNS
/// listened on the other family alone (`bind 0.0.0.0`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsFamilyRefused {
    /// The family over which no DNS server answers.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl Filter for DnsFamilyRefused {
    const ABOUT: About = About {
        does: "DNS servers refuse what comes over the family, as if CoreDNS listened on the other one alone",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        format!("DNS over {}", self.family)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        if hop.family == self.family && hop.port == Port::Dns && !hop.reply {
            Outcome::Refused
        } else {
            Outcome::Works
        }
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let to = format!("{} daddr {}", self.family.nft(), pod_range(cluster, self.family)?);
        let rules = format!("{to} tcp dport 53 reject with tcp reset\n{to} udp dport 53 reject");
        let chains = ["forward", "output"].map(|hook| chain(hook, "filter", &rules)).join("\n");
        let table = |node: &Node| {
            Table::on(cluster, &node.name, self.family, "dns-family-refused", chains.clone())
        };
        cluster.nodes().iter().map(table).collect()
    }
}
