//! A node whose own processes don't reach the pods of other nodes.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain, pod_range},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Outcome},
    spec::Family,
};

/// Drops what a node's own processes send to pods of other nodes in a family, but not what its pods
/// send: on the node of the control plane, the API server reaches no webhook there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct HostToPodsDropped {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long, default_value = "n1")]
    pub node: String,
}

impl Filter for HostToPodsDropped {
    const ABOUT: About = About {
        does: "what a node's own processes (on n1 the API server) send to pods of other nodes in \
         the family is dropped; its pods reach them",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n1".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} from the processes of {} to pods elsewhere", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        // Answers to what pods asked first pass.
        let asks = !hop.reply && hop.is_sent_by_processes_of(&self.node);
        let elsewhere = hop.is_for_pod() && !hop.to.is(&self.node);
        Outcome::fails_if(hop.family == self.family && asks && elsewhere)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let family = self.family.nft();
        let address = cluster.node(&self.node)?.address(self.family).ok_or_else(|| {
            Error::Invalid(format!("{} has no {} address", self.node, self.family))
        })?;
        // kubelet probes the pods of its own node, which would be restarted. Before this hook what
        // goes by a ClusterIP still has the way that it had before the translation, and after it
        // what pods send by NodePorts has the node's address, too.
        let rule = format!(
            "oifname \"eth0\" ct direction original {family} saddr {address} {family} daddr {} drop",
            pod_range(cluster, self.family)?
        );
        let chain = chain("postrouting", "filter", &rule);
        Ok(vec![Table::on(cluster, &self.node, self.family, "host-to-pods-dropped", chain)?])
    }
}
