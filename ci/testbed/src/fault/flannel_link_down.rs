//! A node whose half of flannel's tunnel is down in one family.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    flannel,
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    cni,
    error::Result,
    path::{Address, Hop, Outcome},
    run::Run,
    spec::{Cni, Family},
};

/// Sets a family's VXLAN device of a node down, and the routes to the other nodes' pods go with it. flanneld watches
/// neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct FlannelLinkDown {
    /// The family whose tunnel is down.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl FaultKind for FlannelLinkDown {
    const ABOUT: About = About {
        does: "the family's VXLAN device of a node is down: no pod there reaches another node's in it, nor the reverse",
        limits: NEEDS_FAMILY,
    };

    const NETWORK: Cni = Cni::Flannel;

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} of {}", cni::flannel::device(self.family), self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == self.family && is_tunnelled(hop, &self.node))
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        let node = cluster.node(&self.node)?;
        node.net_command("ip")
            .args(["link", "show", "dev", cni::flannel::device(self.family)])
            .read(&format!("look at flannel's devices of {}", self.node))
            .map(drop)
    }

    fn inject(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        self.set(cluster, "down")
    }

    fn revert(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        self.set(cluster, "up")?;
        // flanneld sets addresses and routes when it starts.
        flannel::AGENT.delete_pods(cluster, Some(&self.node))?;
        flannel::wait_until_whole(cluster)
    }
}

impl FlannelLinkDown {
    fn set(&self, cluster: &Cluster, state: &str) -> Result<()> {
        let device = cni::flannel::device(self.family);
        cluster
            .node(&self.node)?
            .net_command("ip")
            .args(["link", "set", "dev", device, state])
            .read(&format!("set {device} of {} {state}", self.node))
            .map(drop)
    }
}

/// Whether a packet passes the pod network's tunnel into or out of a node: what is for a pod of another node does.
pub(super) fn is_tunnelled(hop: &Hop, node: &str) -> bool {
    hop.crosses(node) && matches!(hop.destination, Address::Pod(_))
}
