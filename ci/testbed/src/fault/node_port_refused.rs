//! NodePorts of one family refused on a node.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage,
    about::NEEDS_RULES,
    kube_proxy,
    ruleset::{Place, Table},
};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// Lets what enters a node for a NodePort pass kube-proxy's rules untranslated, so that it meets
/// the node itself, where nothing listens: the kernel refuses it. Pods of the same node come another
/// way and are spared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NodePortRefused {
    /// The family that is refused.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl NodePortRefused {
    fn table(&self) -> Table<'_> {
        Table {
            place: Place::Node(&self.node),
            family: self.family.nft(),
            name: "node-port-refused".to_owned(),
            content: "chain prerouting {\n\
                      type filter hook prerouting priority raw; policy accept;\n\
                      iifname \"eth0\" meta l4proto { tcp, udp } th dport 30000-32767 notrack\n}"
                .to_owned(),
        }
    }
}

impl Sabotage for NodePortRefused {
    const ABOUT: About = About {
        breaks: "NodePorts of the family are closed on a node: what comes for them is refused",
        report: "NodePorts of the family are refused at once on that node, from outside and from other nodes",
        limits: NEEDS_RULES,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} NodePorts of {}", self.family, self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        kube_proxy::refuse_ipvs(cluster)?;
        cluster.node(&self.node).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().add(cluster)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().remove(cluster)
    }
}
