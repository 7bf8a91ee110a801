//! The agent of a pod network of others: its pods, and whether nodes reach each other's end of its tunnels.

use std::{net::IpAddr, time::Duration};

use serde_json::{Value, json};

use super::kubectl;
use crate::{
    cluster::Cluster,
    error::Result,
    node::Node,
    run::{Run, wait_for},
    spec::Family,
};

/// How long an agent may take to start again and to tell the others.
const PATIENCE: Duration = Duration::from_secs(120);

/// A DaemonSet with one pod per node.
pub(super) struct Agent {
    /// Its namespace.
    pub namespace: &'static str,
    /// Its name.
    pub daemon_set: &'static str,
    /// A label of its pods, as a selector.
    pub label: &'static str,
}

impl Agent {
    /// Takes its pods from nodes and waits until they are gone, or with no nodes lets it have all again.
    pub(super) fn keep_off(&self, cluster: &Cluster, nodes: &[&str]) -> Result<()> {
        let affinity = if nodes.is_empty() {
            Value::Null
        } else {
            let names = json!({
                "key": "kubernetes.io/hostname", "operator": "NotIn", "values": nodes,
            });
            let terms = json!({ "nodeSelectorTerms": [{ "matchExpressions": [names] }] });
            json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": terms } })
        };
        let patch =
            json!({ "spec": { "template": { "spec": { "affinity": affinity } } } }).to_string();
        let name = self.daemon_set;
        let patch =
            ["-n", self.namespace, "patch", "daemonset", name, "--type=merge", "-p", &patch];
        kubectl::run(cluster, &format!("change {name}"), &patch)?;
        wait_for(&format!("{name} gone"), PATIENCE, String::new, || {
            let left =
                self.pods(cluster)?.into_iter().any(|pod| nodes.contains(&pod.node.as_str()));
            Ok((!left).then_some(()))
        })
    }

    /// Replaces the pod of a node.
    pub(super) fn restart(&self, cluster: &Cluster, node: &str) -> Result<()> {
        let field = format!("--field-selector=spec.nodeName={node}");
        let (namespace, label) = (self.namespace, self.label);
        let delete = ["-n", namespace, "delete", "pods", "-l", label, "--wait=true", &field];
        let what = format!("restart {} on {node}", self.daemon_set);
        kubectl::run(cluster, &what, &delete).map(drop)
    }

    /// Waits until it runs on every node and every node reaches each of these ends of tunnels.
    pub(super) fn wait_until_whole(&self, cluster: &Cluster, ends: &[IpAddr]) -> Result<()> {
        let what = format!("{} ready on every node", self.daemon_set);
        wait_for(&what, PATIENCE, String::new, || {
            let pods = self.pods(cluster)?;
            let all = pods.len() == cluster.nodes().len();
            Ok((all && pods.iter().all(|pod| pod.ready)).then_some(()))
        })?;
        wait_for("tunnels carrying", PATIENCE, String::new, || {
            let nodes = cluster.nodes().iter();
            let reached = nodes.into_iter().all(|node| ends.iter().all(|end| reaches(node, *end)));
            Ok(reached.then_some(()))
        })
    }

    fn pods(&self, cluster: &Cluster) -> Result<Vec<Pod>> {
        let get = ["-n", self.namespace, "pods", "-l", self.label];
        let list = kubectl::get(cluster, &format!("list {}'s pods", self.daemon_set), &get)?;
        let pod = |pod: &Value| Pod {
            node: kubectl::text(pod, "/spec/nodeName").to_owned(),
            ready: kubectl::is_ready(pod) && pod.pointer("/metadata/deletionTimestamp").is_none(),
        };
        Ok(kubectl::items(&list).map(pod).collect())
    }
}

struct Pod {
    node: String,
    ready: bool,
}

fn reaches(node: &Node, end: IpAddr) -> bool {
    let flag = Family::of(end).ip_flag();
    let mut ping = node.command("ping");
    ping.args([flag, "-c1", "-W1", "-q", &end.to_string()]);
    ping.read(&format!("reach {end} from {}", node.name)).is_ok()
}
