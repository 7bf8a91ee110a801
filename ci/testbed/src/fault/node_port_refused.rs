//! NodePorts of one family refused on a node.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_RULES},
    filter::Filter,
    kube_proxy,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    spec::Family,
};

/// Lets what enters a node for a NodePort pass kube-proxy's rules untranslated, so that it meets
/// the node itself, where nothing listens: the kernel refuses it. Pods of the same node come
/// another way and are spared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NodePortRefused {
    /// The family that is refused.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for NodePortRefused {
    const ABOUT: About = About {
        does: "NodePorts of the family are closed on a node: what comes for them is refused",
        limits: NEEDS_RULES,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} NodePorts of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        if hop.family == self.family && hop.enters_node_port(&self.node) {
            Outcome::Refused
        } else {
            Outcome::Works
        }
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        kube_proxy::refuse_ipvs(cluster)?;
        // Masquerading picks ports of this range, too: what answers such a connection must pass.
        let rule = "iifname \"eth0\" tcp flags & (syn | ack) == syn tcp dport 30000-32767 notrack\n\
                    iifname \"eth0\" udp sport != { 7, 53, 8080 } udp dport 30000-32767 notrack";
        let chain = chain("prerouting", "raw", rule);
        Ok(vec![Table::on(cluster, &self.node, self.family, "node-port-refused", chain)?])
    }
}
