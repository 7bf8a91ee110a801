//! Nodes on which Calico's agent doesn't run any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    about::About,
    calico::{self, AGENT},
    kind::FaultKind,
    kubectl,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Made, Net, Outcome, Path, Target},
    run::wait_for,
    spec::{Cni, Family},
};

/// How long the hook of a pod that goes may take.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// How long controllers may take to act.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes calico-node's pod from a node, or from all. What it set up stays, and with it the ways of pods
/// that were there; the CNI plugin still gives pods that are made since their addresses, but nobody lets
/// their packets through: Felix's rules drop what comes from an interface that it never learnt of.
///
/// A pod that is deleted says of its node that the network is unavailable, and no others are scheduled there. One that
/// crashes says nothing; so what it said is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct CalicoLost {
    /// The node; all of them if none is given.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl FaultKind for CalicoLost {
    const ABOUT: About = About {
        does: "calico-node's pod is gone from a node (or all), and what it set up stays: pods made \
         there since have addresses, and its rules drop what they send",
        limits: "",
    };

    const NETWORK: Cni = Cni::Calico;

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: Some("n2".to_owned()) })
    }

    fn touches(&self) -> String {
        "Calico's DaemonSet".to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let is_there = |on: &str| self.node.as_ref().is_none_or(|node| node == on);
        match path {
            Path::Flow(flow) if flow.made == Made::After => {
                let mut ends = [flow.client.pod(), flow.target.pod()].into_iter().flatten();
                ends.any(is_there).then_some(Outcome::Fails)
            }
            Path::Name { node, made: Made::After, .. } => is_there(node).then_some(Outcome::Fails),
            // What is older than the fault is asked by pods that were there, which can, and by later ones, which can't.
            Path::Flow(flow) if matches!(flow.target, Target::Host(_) | Target::Outside) => {
                flow.client.pod().is_some_and(is_there).then_some(Outcome::Either)
            }
            Path::QuickName { node, .. }
            | Path::Reverse { node, .. }
            | Path::Untranslated { node, .. }
            | Path::Policy { node, .. }
            | Path::MovedFlow { node, .. } => is_there(node).then_some(Outcome::Either),
            _ => None,
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        self.nodes(cluster).map(drop)
    }

    fn inject(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        let nodes = self.nodes(cluster)?;
        AGENT.keep_off(cluster, &nodes)?;
        nodes.into_iter().try_for_each(|node| take_back(cluster, node))
    }

    fn revert(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        AGENT.keep_off(cluster, &[])?;
        calico::wait_until_whole(cluster)
    }
}

impl CalicoLost {
    fn nodes<'a>(&self, cluster: &'a Cluster) -> Result<Vec<&'a str>> {
        let nodes = match &self.node {
            Some(name) => vec![cluster.node(name)?],
            None => cluster.nodes().iter().collect(),
        };
        Ok(nodes.into_iter().map(|node| node.name.as_str()).collect())
    }
}

/// Waits for the last words of a node's calico-node, and takes them back.
fn take_back(cluster: &Cluster, node: &str) -> Result<()> {
    let said = |word: &str| {
        let path = "jsonpath={.status.conditions[?(@.type=='NetworkUnavailable')].status}";
        let get = ["get", "node", node, "-o", path];
        let text = kubectl::run(cluster, &format!("read node {node}"), &get)?;
        Ok((text.trim() == word).then_some(()))
    };
    // It says them in a hook that kubelet doesn't wait for: now and then it is gone before.
    let what = format!("calico-node's last words on {node}");
    match wait_for(&what, LAST_WORDS, String::new, || said("True")) {
        Err(Error::Timeout { .. }) => return Ok(()),
        other => other?,
    }
    let patch = json!({ "status": { "conditions": [{
        "type": "NetworkUnavailable",
        "status": "False",
        "reason": "CalicoIsUp",
        "message": "Calico is running on this node",
    }] } });
    let patch = ["patch", "node", node, "--subresource=status", "-p", &patch.to_string()];
    kubectl::run(cluster, &format!("change the conditions of {node}"), &patch)?;
    wait_for(&format!("node {node} without a taint"), PATIENCE, String::new, || {
        let get = ["get", "node", node, "-o", "jsonpath={.spec.taints[*].key}"];
        let taints = kubectl::run(cluster, &format!("read node {node}"), &get)?;
        Ok((!taints.contains("network-unavailable")).then_some(()))
    })
}
