//! A node whose cable is pulled.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, kubectl, neighbours};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Net, Outcome},
    run::Run,
    spec::Family,
};

/// Takes the bridge's end of a node's link down: the node's `eth0` loses its carrier, and keeps its
/// addresses and routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct LinkDown {
    /// The node. Without `n1` there is no kubectl.
    #[arg(long)]
    pub node: String,
}

impl LinkDown {
    fn set(&self, cluster: &Cluster, state: &str) -> Result<()> {
        cluster
            .underlay()
            .command("ip")
            .args(["link", "set", &self.node, state])
            .read(&format!("set the link of {} {state}", self.node))
            .map(drop)
    }
}

impl FaultKind for LinkDown {
    const ABOUT: About = About {
        does: "a node's link is down, as if its cable were pulled",
        limits: "the node with the only control plane",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the link of {}", self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.crosses(&self.node))
    }

    fn cut_off(&self, _net: &Net) -> Option<&str> {
        Some(&self.node)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node)?;
        kubectl::refuse_first_node(&self.node)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.set(cluster, "down")
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.set(cluster, "up")?;
        let node = cluster.node(&self.node)?;
        for &address in &node.addresses {
            neighbours::forget_all(node, Family::of(address))?;
            neighbours::forget(cluster, address)?;
        }
        kubectl::wait_for_node(cluster, &self.node)
    }
}
