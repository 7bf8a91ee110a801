//! Flows of datagrams that stay with the backend that they had first.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, service_range},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Remembers on a node where the first datagram of each flow to a ClusterIP was sent, and sends all later
/// ones there before kube-proxy's rules see them, as conntrack does where nobody deletes its entries. Flows
/// from ports that systems give out are spared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct StaleFlows {
    /// The family whose flows stay.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for StaleFlows {
    const ABOUT: About = About {
        does: "a node keeps sending the datagrams of a flow of the family, from a port below 32768, \
         to the backend that its first one got, as conntrack does where kube-proxy deletes no \
         entries: no flow follows a Service whose endpoints change",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} flows on {}", self.family, self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let Path::MovedFlow { node, family } = path else { return None };
        (*node == self.node && *family == self.family).then_some(Outcome::Fails)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let range = service_range(cluster, self.family)?;
        let (ip, kind) = match self.family {
            Family::V4 => ("ip", "ipv4_addr"),
            Family::V6 => ("ip6", "ipv6_addr"),
        };
        // A pod has one flow from a port that it chooses itself. nft can't fill an IPv6 map by more than an
        // address.
        let content = format!(
            "map stale {{\n\
             type {kind} : {kind}\n\
             flags dynamic\n\
             size 65535\n\
             timeout 5m\n\
             }}\n\
             chain prerouting {{\n\
             type nat hook prerouting priority dstnat - 10;\n\
             {ip} daddr {range} udp sport < 32768 dnat to {ip} saddr map @stale\n\
             }}\n\
             chain postrouting {{\n\
             type filter hook postrouting priority filter;\n\
             udp sport < 32768 ct direction original ct original {ip} daddr {range} update @stale \
             {{ {ip} saddr : {ip} daddr }}\n\
             }}"
        );
        Ok(vec![Table::on(cluster, &self.node, self.family, "stale-flows", content)?])
    }
}
