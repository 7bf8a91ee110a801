//! A node that has stopped in its tracks.

use serde::{Deserialize, Serialize};

use super::{About, Sabotage, kubectl};
use crate::{cgroup::Hierarchies, cluster::Cluster, error::Result, spec::Family};

/// Freezes every process of a node, kubelet and pods alike, by its control group. Its kernel goes
/// on: it answers pings, accepts connections that nobody serves, and forwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NodeFrozen {
    /// The node. Without `n1` there is no kubectl.
    #[arg(long)]
    pub node: String,
}

impl NodeFrozen {
    fn freeze(&self, cluster: &Cluster, frozen: bool) -> Result<()> {
        Hierarchies::detect()?.freeze(&cluster.record().spec.name, &self.node, frozen)
    }
}

impl Sabotage for NodeFrozen {
    const ABOUT: About = About {
        breaks: "every process of a node is frozen, kubelet and pods alike; its kernel still accepts connections and forwards",
        report: "connections to that node's pods are made and never answered, in both families; nothing can be asked of its pods, which is no verdict on them; after 40 to 50 s the Node is not ready",
        limits: "the node with the only control plane",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the processes of {}", self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node)?;
        kubectl::refuse_first_node(&self.node)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.freeze(cluster, true)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.freeze(cluster, false)?;
        kubectl::wait_for_node(cluster, &self.node)
    }
}
