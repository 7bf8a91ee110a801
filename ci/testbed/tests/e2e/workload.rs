//! What the tests run in a cluster: on every node a web server and a busybox, and for every web
//! server a dual-stack Service with a NodePort of its own, so that each path has one end.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde_json::{Value, json};
use testbed::{cluster::Cluster, path::Made, run::Run};

use crate::support::{read, settles};

/// How many bytes the web servers send at `/large`.
pub(crate) const LARGE: usize = 16384;

/// How nginx answers datagrams, at port 7.
const UDP: &str = "daemon off;
error_log stderr;
pid /tmp/udp.pid;
events {}
stream {
    server {
        listen 7 udp;
        listen [::]:7 udp;
        return hello;
    }
}";

/// The workload of one cluster.
pub(crate) struct Workload<'a> {
    pub(crate) cluster: &'a Cluster,
    /// Whether it was made before a fault or after it; the two stand side by side.
    pub(crate) made: Made,
    /// By node: the addresses of its web server.
    pub(crate) pods: BTreeMap<String, Vec<IpAddr>>,
    /// By node: the ClusterIPs of its web server's Service.
    pub(crate) cluster_ips: BTreeMap<String, Vec<IpAddr>>,
    /// By node: the NodePort of its web server's Service.
    pub(crate) node_ports: BTreeMap<String, u16>,
    /// The same for datagrams.
    pub(crate) udp_node_ports: BTreeMap<String, u16>,
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

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": name },
        "spec": {
            "type": "NodePort",
            "ipFamilyPolicy": "RequireDualStack",
            "selector": { "app": name },
            "ports": [
                { "name": "web", "port": 80 },
                { "name": "udp", "port": 7, "protocol": "UDP" },
            ],
        },
    })
}

/// The name of the headless Service of the web server on n1.
pub(crate) const HEADLESS: &str = "headless-n1";

fn headless() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": HEADLESS },
        "spec": {
            "clusterIP": "None",
            "ipFamilyPolicy": "RequireDualStack",
            "selector": { "app": name(Made::Before, "web", "n1") },
        },
    })
}

/// The name of a node's web server and of its Service, or of its busybox.
fn name(made: Made, what: &str, node: &str) -> String {
    match made {
        Made::Before => format!("{what}-{node}"),
        Made::After => format!("new-{what}-{node}"),
    }
}

impl<'a> Workload<'a> {
    /// Makes everything and waits until it runs.
    pub(crate) fn deploy(cluster: &'a Cluster) -> Self {
        Self::make(cluster, Made::Before)
    }

    /// The same beside it, as it is made now.
    pub(crate) fn deploy_new(cluster: &'a Cluster) -> Self {
        Self::make(cluster, Made::After)
    }

    fn make(cluster: &'a Cluster, made: Made) -> Self {
        let mut workload = Self {
            cluster,
            made,
            pods: BTreeMap::new(),
            cluster_ips: BTreeMap::new(),
            node_ports: BTreeMap::new(),
            udp_node_ports: BTreeMap::new(),
        };
        let nodes: Vec<&str> = cluster.nodes().iter().map(|node| node.name.as_str()).collect();
        let mut objects = match made {
            Made::Before => vec![headless()],
            Made::After => Vec::new(),
        };
        for node in &nodes {
            let server = name(made, "web", node);
            let mut web = pod(&server, node, "nginx", &[]);
            // It answers datagrams, too. What becomes of nginx becomes of both.
            let serve = format!("echo '{UDP}' >/tmp/udp.conf; exec nginx -c /tmp/udp.conf");
            let udp = json!({
                "name": "udp",
                "image": "nginx:1.27",
                "command": ["sh", "-c", serve],
            });
            web["spec"]["containers"].as_array_mut().unwrap().push(udp);
            objects.push(web);
            objects.push(service(&server));
            let sleep = ["sleep", "infinity"];
            objects.push(pod(&name(made, "box", node), node, "busybox:1.36", &sleep));
        }
        apply(cluster, &objects);
        let names =
            nodes.iter().flat_map(|node| [name(made, "web", node), name(made, "box", node)]);
        let names: Vec<String> = names.collect();
        let mut wait = cluster.kubectl().unwrap();
        wait.args(["wait", "--for=condition=Ready", "--timeout=90s", "pods"]);
        read(wait.args(&names));
        for node in nodes {
            let server = name(made, "web", node);
            let get = |kind: &str| -> Value {
                let mut get = cluster.kubectl().unwrap();
                serde_json::from_str(&read(get.args(["get", kind, &server, "-o", "json"]))).unwrap()
            };
            let (pod, service) = (get("pod"), get("service"));
            workload.pods.insert(node.into(), pod_ips(&pod));
            let ips = service["spec"]["clusterIPs"].as_array().unwrap();
            let ips = ips.iter().map(|ip| ip.as_str().unwrap().parse().unwrap()).collect();
            workload.cluster_ips.insert(node.into(), ips);
            let port = |index: usize| {
                let port = service["spec"]["ports"][index]["nodePort"].as_u64().unwrap();
                u16::try_from(port).unwrap()
            };
            workload.node_ports.insert(node.into(), port(0));
            workload.udp_node_ports.insert(node.into(), port(1));
            let write = format!("head -c {LARGE} /dev/zero >/usr/share/nginx/html/large");
            let mut exec = cluster.kubectl().unwrap();
            read(exec.args(["exec", &server, "--", "sh", "-c", &write]));
        }
        workload
    }

    /// Removes it all.
    pub(crate) fn delete(self) {
        let of = |what| self.pods.keys().map(move |node| name(self.made, what, node));
        let headless = (self.made == Made::Before).then(|| HEADLESS.to_owned());
        let (pods, services) = (of("web").chain(of("box")), of("web").chain(headless));
        for (kind, names) in [("pods", pods.collect::<Vec<_>>()), ("services", services.collect())]
        {
            let mut delete = self.cluster.kubectl().unwrap();
            delete.args(["delete", kind, "--force", "--grace-period=0", "--ignore-not-found"]);
            read(delete.args(names));
        }
    }

    /// The name of a node's web server, and of its Service.
    pub(crate) fn server(&self, node: &str) -> String {
        name(self.made, "web", node)
    }

    /// A shell command in the busybox of a node, and what it wrote, whatever its exit code. A
    /// kubelet that was just restarted knows its pods only after a moment ("pod does not exist").
    pub(crate) fn in_box(&self, node: &str, script: &str) -> String {
        let script = format!("{script}; true");
        let exec = || {
            let mut exec = self.cluster.kubectl().unwrap();
            exec.args(["exec", &name(self.made, "box", node), "--", "sh", "-c", &script]);
            exec
        };
        let mut wrote = None;
        let let_in = settles(Duration::from_secs(30), || {
            wrote = exec().read("enter a pod").ok();
            wrote.is_some()
        });
        if let_in { wrote.unwrap_or_default() } else { read(&mut exec()) }
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
