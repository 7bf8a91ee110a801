//! Nodes on which flannel doesn't start any more.

use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::{
    about::About,
    flannel::{self, SUBNETS},
    flannel_link_down::is_tunnelled,
    kind::FaultKind,
    truth::no_new_pods,
};
use crate::{
    cluster::Cluster,
    cni,
    error::{Context, Result},
    node::Node,
    path::{Address, Hop, Net, Outcome, Path},
    run::Run,
    spec::{Cni, Family},
};

/// Leaves a node, or all, as it is after a restart if flannel's pod doesn't come up again: without the VXLAN devices,
/// the routes over them, and the file by which the CNI plugin knows the node's ranges. No pod starts there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct FlannelLost {
    /// The node; all of them if none is given.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl FaultKind for FlannelLost {
    const ABOUT: About = About {
        does: "flannel's pod is gone from a node (or all), with its VXLAN devices and the file that \
         its CNI plugin reads, as after a restart: no pod starts there",
        limits: "",
    };

    const NETWORK: Cni = Cni::Flannel;

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: Some("n2".to_owned()) })
    }

    fn touches(&self) -> String {
        "flannel's DaemonSet".to_owned()
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let cut = match &self.node {
            Some(node) => is_tunnelled(hop, node),
            None => hop.from != hop.to && matches!(hop.destination, Address::Pod(_)),
        };
        Outcome::fails_if(cut)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let is_there = |on: &str| self.node.as_ref().is_none_or(|node| node == on);
        no_new_pods(path, is_there)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        self.nodes(cluster).map(drop)
    }

    fn inject(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        let nodes = self.nodes(cluster)?;
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        flannel::AGENT.keep_off(cluster, &names)?;
        nodes.into_iter().try_for_each(forget)
    }

    fn revert(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        flannel::AGENT.keep_off(cluster, &[])?;
        flannel::wait_until_whole(cluster)
    }
}

impl FlannelLost {
    fn nodes<'a>(&self, cluster: &'a Cluster) -> Result<Vec<&'a Node>> {
        match &self.node {
            Some(name) => Ok(vec![cluster.node(name)?]),
            None => Ok(cluster.nodes().iter().collect()),
        }
    }
}

/// Takes away what doesn't outlive a node's restart.
fn forget(node: &Node) -> Result<()> {
    for device in [Family::V4, Family::V6].map(cni::flannel::device) {
        let what = format!("list the links of {}", node.name);
        let there = node.net_command("ip").args(["-brief", "link", "show"]).read(&what)?;
        if there.lines().any(|line| line.split_whitespace().next() == Some(device)) {
            let what = format!("delete {device} of {}", node.name);
            node.net_command("ip").args(["link", "delete", "dev", device]).read(&what)?;
        }
    }
    match fs::remove_file(node.path(SUBNETS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.context(|| format!("remove {SUBNETS} of {}", node.name)),
    }
}
