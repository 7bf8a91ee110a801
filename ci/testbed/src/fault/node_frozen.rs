//! A node that has stopped in its tracks.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, kubectl};
use crate::{
    cgroup::Hierarchies,
    cluster::Cluster,
    error::Result,
    path::{Hop, Net, Outcome},
    spec::Family,
};

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

impl FaultKind for NodeFrozen {
    const ABOUT: About = About {
        does: "every process of a node is frozen, kubelet and pods alike; its kernel still accepts \
         connections and forwards",
        limits: "the node with the only control plane",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the processes of {}", self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        // Its kernel accepts connections and forwards on; nobody answers.
        Outcome::fails_if(!hop.reply && hop.is_for_pod_of(&self.node))
    }

    fn cut_off(&self, _net: &Net) -> Option<&str> {
        Some(&self.node)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
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
