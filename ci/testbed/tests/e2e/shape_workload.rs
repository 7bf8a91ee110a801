//! What the tests run in a cluster of any shape: on every node a web server and a busybox, a
//! Service for each web server, and Services that ask for families in different ways.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde_json::{Value, json};
use testbed::{cluster::Cluster, run::Run, spec::Family};

use crate::{
    probe::host,
    support::{read, settles},
    workload::{apply, pod},
};

/// The workload of one cluster.
pub(crate) struct Deployed<'a> {
    cluster: &'a Cluster,
    /// By node: the addresses of its web server.
    pub(crate) pods: BTreeMap<String, Vec<IpAddr>>,
    /// By name: the Services as they came out.
    services: BTreeMap<String, Value>,
}

impl<'a> Deployed<'a> {
    /// Makes everything and waits until it runs.
    pub(crate) fn deploy(cluster: &'a Cluster) -> Self {
        let mut objects = vec![
            service("default", json!({ "role": "web" }), json!({})),
            service("prefer", json!({ "role": "web" }), policy("PreferDualStack")),
        ];
        let nodes: Vec<&str> = cluster.nodes().iter().map(|node| node.name.as_str()).collect();
        for node in &nodes {
            let name = format!("web-{node}");
            let mut web = pod(&name, node, "nginx", &[]);
            web["metadata"]["labels"]["role"] = json!("web");
            objects.push(web);
            objects.push(pod(&format!("box-{node}"), node, "busybox:1.36", &["sleep", "infinity"]));
            let mut spec = policy("PreferDualStack");
            spec["type"] = json!("NodePort");
            objects.push(service(node, json!({ "app": name }), spec));
        }
        apply(cluster, &objects);
        let mut wait = cluster.kubectl().unwrap();
        read(wait.args(["wait", "--for=condition=Ready", "pods", "--all", "--timeout=90s"]));
        let get = |kind: &str| -> BTreeMap<String, Value> {
            let text = read(cluster.kubectl().unwrap().args(["get", kind, "-o", "json"]));
            let list: Value = serde_json::from_str(&text).unwrap();
            let name = |o: &Value| o["metadata"]["name"].as_str().unwrap().to_owned();
            list["items"].as_array().unwrap().iter().map(|o| (name(o), o.clone())).collect()
        };
        let pods = get("pods");
        let ips = |node: &str| {
            let list = pods[&format!("web-{node}")]["status"]["podIPs"].as_array().unwrap().clone();
            list.iter().map(|ip| ip["ip"].as_str().unwrap().parse().unwrap()).collect()
        };
        Self {
            cluster,
            pods: nodes.iter().map(|&node| (node.to_owned(), ips(node))).collect(),
            services: get("services"),
        }
    }

    /// The ClusterIPs of a Service: `default` asks for nothing, `prefer` for both families if there
    /// are two, and so do those of single nodes, by the nodes' names.
    pub(crate) fn service(&self, name: &str) -> Vec<IpAddr> {
        let ips = self.services[name]["spec"]["clusterIPs"].as_array().unwrap();
        ips.iter().map(|ip| ip.as_str().unwrap().parse().unwrap()).collect()
    }

    /// The NodePorts of the single nodes' Services.
    pub(crate) fn node_ports(&self) -> impl Iterator<Item = u16> {
        self.pods.keys().map(|node| {
            let port = self.services[node]["spec"]["ports"][0]["nodePort"].as_u64().unwrap();
            port.try_into().unwrap()
        })
    }

    /// Whether a Service that demands both families would be accepted.
    pub(crate) fn demand_both(&self) -> Result<(), String> {
        self.would_be_accepted(policy("RequireDualStack"))
    }

    /// Whether a Service that demands one family would be accepted.
    pub(crate) fn demand(&self, family: Family) -> Result<(), String> {
        self.would_be_accepted(json!({ "ipFamilies": [family.to_string()] }))
    }

    fn would_be_accepted(&self, spec: Value) -> Result<(), String> {
        let object = service("demand", json!({ "role": "web" }), spec);
        let mut command = self.cluster.kubectl().unwrap();
        command
            .args(["apply", "--dry-run=server", "-f", "-"])
            .feed("try a Service", &object.to_string())
            .map(drop)
            .map_err(|error| error.log_tail().to_owned())
    }

    /// Asks web servers from the pod on a node, all at once, and returns what was not as wanted.
    pub(crate) fn curl(&self, from: &str, targets: &[(IpAddr, bool)]) -> Vec<String> {
        let mut script = String::new();
        for (index, (address, _)) in targets.iter().enumerate() {
            let url = host(*address);
            script.push_str(&format!(
                "( wget -q -O /dev/null -T 2 http://{url}/ ) >/dev/null 2>&1 && echo {index} &\n"
            ));
        }
        let text = self.in_box(from, &format!("{script}wait"));
        let worked: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
        let unlike =
            targets.iter().enumerate().filter(|(index, target)| worked.contains(index) != target.1);
        unlike
            .map(|(_, (address, wanted))| {
                let verb = if *wanted { "does not answer" } else { "answers" };
                format!("{address} {verb} the pod on {from}")
            })
            .collect()
    }

    /// A shell command in the busybox of a node, and what it wrote, whatever its exit code.
    pub(crate) fn in_box(&self, node: &str, script: &str) -> String {
        let script = format!("{{ {script}\n}} 2>&1; true");
        let exec = || {
            let mut exec = self.cluster.kubectl().unwrap();
            exec.args(["exec", &format!("box-{node}"), "--", "sh", "-c", &script]);
            exec
        };
        let mut wrote = None;
        settles(Duration::from_secs(30), || {
            wrote = exec().read("enter a pod").ok();
            wrote.is_some()
        });
        wrote.unwrap_or_else(|| read(&mut exec()))
    }
}

fn policy(policy: &str) -> Value {
    json!({ "ipFamilyPolicy": policy })
}

/// A Service of the pods with these labels.
fn service(name: &str, selector: Value, mut spec: Value) -> Value {
    spec["selector"] = selector;
    spec["ports"] = json!([{ "port": 80 }]);
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec })
}
