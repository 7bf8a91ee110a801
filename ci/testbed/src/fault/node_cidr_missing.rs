//! A Node with the pod range of one family alone.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    about::{About, NEEDS_BOTH},
    kind::FaultKind,
    kubectl,
    truth::without_pod_address,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Net, Outcome, Path, Port},
    run::{Run, wait_for},
    spec::Family,
};

/// Makes a Node object anew with the pod range of the other family alone, as a controller manager
/// does that was given one `--cluster-cidr` when the node joined. (The ranges of a Node can't be
/// changed.)
///
/// The pod network follows: the node's new pods get one address, and the others lose their routes
/// to the range that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NodeCidrMissing {
    /// The family whose range is missing.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl NodeCidrMissing {
    /// Puts a Node with these ranges in the place of the one there is, unless that has them.
    fn remake(&self, cluster: &Cluster, before: &Value, ranges: &[IpNet]) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let there = kubectl::get(cluster, "read the Node", &["node", &self.node]);
        if !there.is_ok_and(|object| ranges_of(&object) == ranges) {
            let gone = ["delete", "node", &self.node, "--ignore-not-found", "--wait=true"];
            kubectl::run(cluster, &format!("delete the Node {}", self.node), &gone)?;
            let anew = anew(before, ranges);
            let what = format!("recreate the Node {}", self.node);
            cluster.kubectl()?.args(["create", "-f", "-"]).feed(&what, &anew.to_string())?;
        }
        // kubelet tells a Node that is new to it everything when it starts, and else only after a
        // while.
        node.command("systemctl")
            .args(["restart", "kubelet"])
            .read(&format!("restart the kubelet of {}", node.name))?;
        wait_for(
            &format!("Node {} ready with {} pod ranges", node.name, ranges.len()),
            Duration::from_secs(90),
            || crate::run::tail_of(&node.log("kubelet")),
            || {
                let object = kubectl::get(cluster, "read the Node", &["node", &self.node])?;
                let addresses = object.pointer("/status/addresses").and_then(Value::as_array);
                let whole = kubectl::is_ready(&object)
                    && addresses.is_some_and(|all| all.len() > node.addresses.len())
                    && object.pointer("/spec/taints") == before.pointer("/spec/taints")
                    && ranges_of(&object) == ranges;
                Ok(whole.then_some(()))
            },
        )
    }
}

impl FaultKind for NodeCidrMissing {
    const ABOUT: About = About {
        does: "a Node object has the pod range of the other family alone (recreated, since the \
         ranges can't be changed); other nodes have no route to the missing one",
        limits: NEEDS_BOTH,
    };

    /// The Node object.
    type Before = Value;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the Node {}", self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        // Other nodes have no route to what pods have; answers to the node itself need none.
        let lost = hop.destination.is_pod_on(&self.node) && hop.enters(&self.node);
        Outcome::fails_if(hop.family == self.family && lost)
    }

    fn path(&self, path: &Path, net: &Net) -> Option<Outcome> {
        match path {
            Path::PodRange { node, family } => {
                ((node, *family) == (&self.node, self.family)).then_some(Outcome::Fails)
            }
            // A pod that is older than the fault has the address, and gets no answer; one that is newer can't ask.
            Path::Flow(flow) if flow.port == Port::Dns && flow.family == self.family => {
                (flow.client.pod() == Some(&self.node) && flow.target.pod() != Some(&self.node))
                    .then_some(Outcome::Either)
            }
            _ => without_pod_address(&self.node, self.family, path, net),
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Value> {
        cluster.node(&self.node)?;
        let object = kubectl::get(cluster, "read the Node", &["node", &self.node])?;
        let all = ranges_of(&object);
        if without(&all, self.family).len() != 1 || all.len() != 2 {
            return Err(Error::Invalid(format!(
                "{} has the pod ranges {all:?}: that of {} can't be the one that is missing",
                self.node, self.family
            )));
        }
        Ok(object)
    }

    fn inject(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        self.remake(cluster, before, &without(&ranges_of(before), self.family))
    }

    fn revert(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        self.remake(cluster, before, &ranges_of(before))
    }
}

/// The pod ranges of a Node.
fn ranges_of(node: &Value) -> Vec<IpNet> {
    let ranges = node.pointer("/spec/podCIDRs").and_then(Value::as_array);
    let texts = ranges.into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(|text| text.parse().ok()).collect()
}

fn without(ranges: &[IpNet], family: Family) -> Vec<IpNet> {
    ranges.iter().copied().filter(|range| Family::of_range(range) != family).collect()
}

/// A Node as it is made: what its owner says of it, and other ranges.
fn anew(before: &Value, ranges: &[IpNet]) -> Value {
    let part = |pointer| before.pointer(pointer).cloned().unwrap_or(Value::Null);
    let mut spec = part("/spec");
    spec["podCIDRs"] = json!(ranges);
    spec["podCIDR"] = json!(ranges.first());
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": part("/metadata/name"),
            "labels": part("/metadata/labels"),
            "annotations": part("/metadata/annotations"),
        },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_made_anew_with_its_labels_and_other_ranges() {
        let before = json!({
            "metadata": { "name": "n2", "uid": "x", "labels": { "a": "b" } },
            "spec": { "podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24", "fd00::/64"] },
            "status": { "phase": "x" },
        });
        let ranges = without(&ranges_of(&before), Family::V4);
        let after = anew(&before, &ranges);
        assert_eq!(after["spec"], json!({ "podCIDR": "fd00::/64", "podCIDRs": ["fd00::/64"] }));
        assert_eq!(after["metadata"]["labels"], json!({ "a": "b" }));
        assert!(after["metadata"].get("uid").is_none() && after.get("status").is_none());
    }
}
