//! flannel's part in faults: its pods, and whether its tunnels carry.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use serde_json::{Value, json};

use super::kubectl;
use crate::{
    cluster::Cluster,
    cni::flannel::{DAEMON_SET, NAMESPACE},
    error::Result,
    node::Node,
    run::{Run, wait_for},
    spec::Family,
};

/// How long flannel may take to start again and to tell the others.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where flanneld tells the CNI plugin of the node's ranges.
pub(super) const SUBNETS: &str = "/run/flannel/subnet.env";

/// Takes flannel's pods from nodes and waits until they are gone, or with no nodes lets it have all again.
pub(super) fn keep_off(cluster: &Cluster, nodes: &[&str]) -> Result<()> {
    let affinity = if nodes.is_empty() {
        Value::Null
    } else {
        let names = json!({
            "key": "kubernetes.io/hostname", "operator": "NotIn", "values": nodes,
        });
        let terms = json!({ "nodeSelectorTerms": [{ "matchExpressions": [names] }] });
        json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": terms } })
    };
    let patch = json!({ "spec": { "template": { "spec": { "affinity": affinity } } } }).to_string();
    let patch = ["-n", NAMESPACE, "patch", "daemonset", DAEMON_SET, "--type=merge", "-p", &patch];
    kubectl::run(cluster, "change flannel's DaemonSet", &patch)?;
    wait_for("flannel gone", PATIENCE, String::new, || {
        let left = pods(cluster)?.into_iter().any(|pod| nodes.contains(&pod.node.as_str()));
        Ok((!left).then_some(()))
    })
}

/// Replaces the pod of a node.
pub(super) fn restart(cluster: &Cluster, node: &str) -> Result<()> {
    let field = format!("--field-selector=spec.nodeName={node}");
    let delete = ["-n", NAMESPACE, "delete", "pods", "-l", "app=flannel", "--wait=true", &field];
    kubectl::run(cluster, &format!("restart flannel on {node}"), &delete).map(drop)
}

/// Waits until flannel runs on every node and every node reaches every other's end of its tunnel.
pub(super) fn wait_until_whole(cluster: &Cluster) -> Result<()> {
    wait_for("flannel ready on every node", PATIENCE, String::new, || {
        let pods = pods(cluster)?;
        let all = pods.len() == cluster.nodes().len();
        Ok((all && pods.iter().all(|pod| pod.ready)).then_some(()))
    })?;
    let ends = ends(cluster)?;
    wait_for("flannel's tunnels carrying", PATIENCE, String::new, || {
        let reached = cluster.nodes().iter().all(|node| ends.iter().all(|end| reaches(node, *end)));
        Ok(reached.then_some(()))
    })
}

/// The addresses of the tunnels' ends, the first of each node's ranges.
fn ends(cluster: &Cluster) -> Result<Vec<IpAddr>> {
    let get = ["get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDRs[*]}"];
    let text = cluster.kubectl()?.args(get).read("read the nodes' pod ranges")?;
    let ranges = text.split_whitespace().filter_map(|range| range.parse::<IpNet>().ok());
    Ok(ranges.map(|range| range.network()).collect())
}

fn reaches(node: &Node, end: IpAddr) -> bool {
    let flag = Family::of(end).ip_flag();
    let mut ping = node.command("ping");
    ping.args([flag, "-c1", "-W1", "-q", &end.to_string()]);
    ping.read(&format!("reach {end} from {}", node.name)).is_ok()
}

struct Pod {
    node: String,
    ready: bool,
}

fn pods(cluster: &Cluster) -> Result<Vec<Pod>> {
    let get = ["-n", NAMESPACE, "pods", "-l", "app=flannel"];
    let list = kubectl::get(cluster, "list flannel's pods", &get)?;
    let pod = |pod: &Value| Pod {
        node: kubectl::text(pod, "/spec/nodeName").to_owned(),
        ready: kubectl::is_ready(pod) && pod.pointer("/metadata/deletionTimestamp").is_none(),
    };
    Ok(kubectl::items(&list).map(pod).collect())
}
