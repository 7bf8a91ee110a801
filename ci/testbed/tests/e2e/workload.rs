//! What the tests run in a cluster: on every node a web server and a busybox, and for every web
//! server a dual-stack Service with a NodePort of its own, so that each path has one end.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde_json::{Value, json};
use testbed::{cluster::Cluster, run::Run};

use crate::support::{read, settles};

/// The workload of one cluster.
pub(crate) struct Workload<'a> {
    pub(crate) cluster: &'a Cluster,
    /// By node: the addresses of its web server.
    pub(crate) pods: BTreeMap<String, Vec<IpAddr>>,
    /// By node: the ClusterIPs of its web server's Service.
    pub(crate) cluster_ips: BTreeMap<String, Vec<IpAddr>>,
    /// By node: the NodePort of its web server's Service.
    pub(crate) node_ports: BTreeMap<String, u16>,
}

/// A pod pinned to a node.
pub(crate) fn pod(name: &str, node: &str, image: &str, command: &[&str]) -> Value {
    let mut container = json!({ "name": "c", "image": image });
    if !command.is_empty() {
        container["command"] = json!(command);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        },
    })
}

fn service(node: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": format!("web-{node}") },
        "spec": {
            "type": "NodePort",
            "ipFamilyPolicy": "RequireDualStack",
            "selector": { "app": format!("web-{node}") },
            "ports": [{ "port": 80 }],
        },
    })
}

impl<'a> Workload<'a> {
    /// Makes everything and waits until it runs.
    pub(crate) fn deploy(cluster: &'a Cluster) -> Self {
        let mut objects = Vec::new();
        let nodes: Vec<&str> = cluster.nodes().iter().map(|node| node.name.as_str()).collect();
        for node in &nodes {
            objects.push(pod(&format!("web-{node}"), node, "nginx", &[]));
            objects.push(pod(&format!("box-{node}"), node, "busybox:1.36", &["sleep", "infinity"]));
            objects.push(service(node));
        }
        apply(cluster, &objects);
        let mut wait = cluster.kubectl().unwrap();
        read(wait.args(["wait", "--for=condition=Ready", "pods", "--all", "--timeout=90s"]));
        let get = |kind: &str| -> Vec<Value> {
            let text = read(cluster.kubectl().unwrap().args(["get", kind, "-o", "json"]));
            let list: Value = serde_json::from_str(&text).unwrap();
            list["items"].as_array().unwrap().clone()
        };
        let (pods, services) = (get("pods"), get("services"));
        let of = |list: &[Value], node: &str| {
            let name = format!("web-{node}");
            list.iter().find(|o| o["metadata"]["name"] == name.as_str()).unwrap().clone()
        };
        let mut workload = Self {
            cluster,
            pods: BTreeMap::new(),
            cluster_ips: BTreeMap::new(),
            node_ports: BTreeMap::new(),
        };
        for node in nodes {
            let (pod, service) = (of(&pods, node), of(&services, node));
            workload.pods.insert(node.into(), pod_ips(&pod));
            let ips = service["spec"]["clusterIPs"].as_array().unwrap();
            let ips = ips.iter().map(|ip| ip.as_str().unwrap().parse().unwrap()).collect();
            workload.cluster_ips.insert(node.into(), ips);
            let port = service["spec"]["ports"][0]["nodePort"].as_u64().unwrap();
            workload.node_ports.insert(node.into(), port.try_into().unwrap());
        }
        workload
    }

    /// A shell command in the busybox of a node, and what it wrote, whatever its exit code. A
    /// kubelet that was just restarted knows its pods only after a moment ("pod does not exist").
    pub(crate) fn in_box(&self, node: &str, script: &str) -> String {
        let script = format!("{script}; true");
        let exec = || {
            let mut exec = self.cluster.kubectl().unwrap();
            exec.args(["exec", &format!("box-{node}"), "--", "sh", "-c", &script]);
            exec
        };
        let mut wrote = None;
        let let_in = settles(Duration::from_secs(30), || {
            wrote = exec().read("enter a pod").ok();
            wrote.is_some()
        });
        if let_in { wrote.unwrap_or_default() } else { read(&mut exec()) }
    }

    /// Makes a pod on a node, and returns the addresses that it got.
    pub(crate) fn new_pod_ips(&self, node: &str) -> Vec<IpAddr> {
        let name = format!("new-{node}");
        apply(self.cluster, &[pod(&name, node, "busybox:1.36", &["sleep", "infinity"])]);
        let mut ips = Vec::new();
        let got = settles(Duration::from_secs(60), || {
            let mut get = self.cluster.kubectl().unwrap();
            let text = read(get.args(["get", "pod", &name, "-o", "json"]));
            ips = pod_ips(&serde_json::from_str(&text).unwrap());
            !ips.is_empty()
        });
        assert!(got, "the new pod on {node} got no address");
        let mut delete = self.cluster.kubectl().unwrap();
        read(delete.args(["delete", "pod", &name, "--force", "--grace-period=0"]));
        ips
    }
}

/// Applies objects.
pub(crate) fn apply(cluster: &Cluster, objects: &[Value]) {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    let mut command = cluster.kubectl().unwrap();
    command
        .args(["apply", "-f", "-"])
        .feed("apply objects", &list.to_string())
        .unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()));
}

pub(crate) fn pod_ips(pod: &Value) -> Vec<IpAddr> {
    let ips = pod["status"]["podIPs"].as_array().cloned().unwrap_or_default();
    ips.iter().map(|ip| ip["ip"].as_str().unwrap().parse().unwrap()).collect()
}
