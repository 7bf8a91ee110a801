//! Paths that one kind of fault alone is about, each asked with plain commands.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testbed::{fault::Fault, run::Run, spec::Family};

use crate::{
    probe::{self, host},
    support::{read, settles},
    workload::{Workload, apply, pod, pod_ips},
};

/// A path that works in a healthy cluster, in both families.
#[derive(Debug)]
pub(super) enum Path {
    /// The Node object has a pod range of the family.
    PodRange { node: String },
    /// Connections to NodePorts of the node are not refused.
    NodePortOpen { node: String },
    /// A pod of the node reaches a Service that was made just now.
    NewService { from: String },
    /// A pod of the node gets an answer from outside the cluster.
    Outside { from: String },
    /// A web server that is made on the node now answers.
    NewWebServer { node: String },
    /// The node's NodePort of a Service that is made now answers, where the Service has a pod on this
    /// node and one on `n3`.
    NewNodePort { node: String },
    /// Large packets arrive between pods of two nodes.
    LargePing { from: String, to: String },
    /// Each DNS server answers at its own address of the family, and kube-dns at its ClusterIP, if it
    /// has one of the family.
    DnsServer,
    /// A name resolves within 1.5 s.
    QuickName,
    /// A pod reaches itself by the ClusterIP of its Service.
    Hairpin { node: String },
    /// The node itself reaches a ClusterIP.
    HostClusterIp { node: String },
    /// The API server answers within a second.
    ApiServer,
}

impl Path {
    /// The path that a fault breaks and that no probe of every trial asks.
    pub(super) fn of(fault: &Fault) -> Option<Self> {
        let path = match fault {
            Fault::NodeCidrMissing(f) => Self::PodRange { node: f.node.clone() },
            Fault::NodePortRefused(f) => Self::NodePortOpen { node: f.node.clone() },
            Fault::NodePortAddresses(_) => Self::NodePortOpen { node: "n3".to_owned() },
            Fault::RulesFlushed(f) => Self::NodePortOpen { node: f.node.clone() },
            Fault::KubeProxyStopped(f) => Self::NewService { from: f.node.clone() },
            Fault::KubeProxyCrashing(f) => Self::NewService { from: f.node.clone() },
            Fault::MasqueradeMissing(f) => Self::Outside { from: f.node.clone() },
            Fault::NginxNotListening(f) => Self::NewWebServer { node: f.node.clone() },
            Fault::ExternalTrafficLocal(f) => Self::NewNodePort { node: f.node.clone() },
            Fault::MtuBlackHole(f) => Self::LargePing { from: f.node.clone(), to: f.to.clone() },
            Fault::DnsFamilyRefused(_) => Self::DnsServer,
            Fault::DnsSlow(_) => Self::QuickName,
            Fault::HairpinOff(f) => Self::Hairpin { node: f.node.clone() },
            Fault::DefaultRouteLost(f) => Self::HostClusterIp { node: f.node.clone() },
            Fault::ApiServerPaused(_) => Self::ApiServer,
            _ => return None,
        };
        Some(path)
    }

    /// Whether it works now.
    pub(super) fn works(&self, workload: &Workload<'_>, family: Family) -> bool {
        match self {
            Self::PodRange { node } => {
                let mut get = workload.cluster.kubectl().unwrap();
                get.args(["get", "node", node, "-o", "jsonpath={.spec.podCIDRs[*]}"]);
                let has = |range: &str| Family::of_range(&range.parse().unwrap()) == family;
                read(&mut get).split(' ').any(has)
            }
            Self::NodePortOpen { node } => {
                let address = workload.cluster.node(node).unwrap().address(family).unwrap();
                let address = SocketAddr::new(address, workload.node_ports["n1"]);
                !TcpStream::connect_timeout(&address, Duration::from_secs(2))
                    .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
            }
            Self::NewService { from } => new_service(workload, from, family),
            Self::Outside { from } => outside(workload, from, family),
            Self::NewWebServer { node } => new_web_server(workload, node, family),
            Self::NewNodePort { node } => new_node_port(workload, node, family),
            Self::LargePing { from, to } => {
                let address = of(&workload.pods[to], family);
                let ping = |size| format!("ping -c 1 -W 2 -s {size} {address} >/dev/null");
                let script = format!("{} && echo small; {} && echo large", ping(100), ping(1400));
                let text = workload.in_box(from, &script);
                assert!(text.contains("small"), "not even a small packet arrives: {text}");
                text.contains("large")
            }
            Self::DnsServer => {
                let name = "kubernetes.default.svc.cluster.local.";
                let servers = dns_servers(workload, family);
                let ask = |server: &IpAddr| {
                    let ask = format!("timeout 3 nslookup -type=a {name} {server} && echo found");
                    workload.in_box("n1", &ask).contains("found")
                };
                !servers.is_empty() && servers.iter().all(ask)
            }
            Self::QuickName => {
                let mut took = None;
                // While CoreDNS loads its new Corefile nobody answers.
                settles(Duration::from_secs(20), || {
                    let began = Instant::now();
                    let ask = "nslookup kubernetes.default.svc.cluster.local.";
                    let text = workload.in_box("n1", ask);
                    took = text.contains("Name:").then(|| began.elapsed());
                    took.is_some()
                });
                took.expect("no answer at all") < Duration::from_millis(1500)
            }
            Self::Hairpin { node } => {
                let url = format!("http://{}/", host(of(&workload.cluster_ips[node], family)));
                let mut exec = workload.cluster.kubectl().unwrap();
                exec.args(["exec", &format!("web-{node}"), "--", "curl", "-g", "-s", "-m", "2"]);
                exec.arg(url).read("ask itself").is_ok()
            }
            Self::HostClusterIp { node } => {
                let url = format!("http://{}/", host(of(&workload.cluster_ips["n1"], family)));
                let mut curl = workload.cluster.node(node).unwrap().command("curl");
                curl.args(["-g", "-s", "-m", "2"]).arg(url).read("ask a Service").is_ok()
            }
            Self::ApiServer => {
                let mut ask = workload.cluster.kubectl().unwrap();
                ask.args(["get", "--raw", "/readyz", "--request-timeout=1s"]);
                ask.read("ask the API server").is_ok()
            }
        }
    }
}

fn of(addresses: &[IpAddr], family: Family) -> IpAddr {
    *addresses.iter().find(|address| Family::of(**address) == family).unwrap()
}

/// Makes a Service, and says whether a pod of the node reaches it within five seconds after one of
/// `n1` does.
fn new_service(workload: &Workload<'_>, from: &str, family: Family) -> bool {
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "late" },
        "spec": {
            "ipFamilyPolicy": "RequireDualStack",
            "selector": { "app": "web-n1" },
            "ports": [{ "port": 80 }],
        },
    });
    apply(workload.cluster, &[service]);
    let kubectl = || workload.cluster.kubectl().unwrap();
    let text = read(kubectl().args(["get", "service", "late", "-o", "json"]));
    let object: Value = serde_json::from_str(&text).unwrap();
    let addresses: Vec<IpAddr> = object["spec"]["clusterIPs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|address| address.as_str().unwrap().parse().unwrap())
        .collect();
    let ask = format!("wget -q -O - -T 2 http://{}/", host(of(&addresses, family)));
    let reached = |node: &str, patience| {
        settles(Duration::from_secs(patience), || workload.in_box(node, &ask).contains("nginx"))
    };
    assert!(reached("n1", 20), "not even n1 reaches the new Service");
    let works = reached(from, 5);
    read(kubectl().args(["delete", "service", "late"]));
    works
}

/// Makes web servers of one label, each on its node, and returns the addresses of each.
fn web_servers(workload: &Workload<'_>, label: &str, nodes: &[&str]) -> Vec<Vec<IpAddr>> {
    let name = |node: &str| format!("{label}-{node}");
    let object = |node: &&str| {
        let mut object = pod(&name(node), node, "nginx", &[]);
        object["metadata"]["labels"] = json!({ "app": label });
        object
    };
    apply(workload.cluster, &nodes.iter().map(object).collect::<Vec<_>>());
    let mut wait = workload.cluster.kubectl().unwrap();
    wait.args(["wait", "--for=condition=Ready", "pods", "--timeout=60s", "-l"]);
    read(wait.arg(format!("app={label}")));
    let addresses = |node: &&str| {
        let mut get = workload.cluster.kubectl().unwrap();
        let object = read(get.args(["get", "pod", &name(node), "-o", "json"]));
        pod_ips(&serde_json::from_str(&object).unwrap())
    };
    nodes.iter().map(addresses).collect()
}

fn delete(workload: &Workload<'_>, what: &[&str]) {
    let mut delete = workload.cluster.kubectl().unwrap();
    read(delete.arg("delete").args(what).args(["--force", "--grace-period=0"]));
}

fn new_web_server(workload: &Workload<'_>, node: &str, family: Family) -> bool {
    let made = web_servers(workload, "new-web", &[node]);
    let ask = format!("wget -q -O - -T 2 http://{}/", host(of(&made[0], family)));
    let works = settles(Duration::from_secs(5), || workload.in_box("n1", &ask).contains("nginx"));
    delete(workload, &["pods", "-l", "app=new-web"]);
    works
}

fn new_node_port(workload: &Workload<'_>, node: &str, family: Family) -> bool {
    web_servers(workload, "late", &[node, "n3"]);
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": "late-port" },
        "spec": {
            "type": "NodePort",
            "ipFamilyPolicy": "RequireDualStack",
            "selector": { "app": "late" },
            "ports": [{ "port": 80 }],
        },
    });
    apply(workload.cluster, &[service]);
    let mut get = workload.cluster.kubectl().unwrap();
    get.args(["get", "service", "late-port", "-o", "jsonpath={.spec.ports[0].nodePort}"]);
    let port: u16 = read(&mut get).parse().unwrap();
    let answers = |name: &str, patience| {
        let address = workload.cluster.node(name).unwrap().address(family).unwrap();
        let address = SocketAddr::new(address, port);
        settles(Duration::from_secs(patience), || probe::answers(address))
    };
    assert!(answers("n3", 20), "not even n3 answers");
    let works = answers(node, 5);
    delete(workload, &["service", "late-port"]);
    delete(workload, &["pods", "-l", "app=late"]);
    works
}

/// Whether a pod of the node gets an answer from the machine outside.
fn outside(workload: &Workload<'_>, from: &str, family: Family) -> bool {
    let listener =
        TcpListener::bind((workload.cluster.record().subnet.machine(family), 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((mut stream, _)) => {
                        stream.set_nonblocking(false).unwrap();
                        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
                        let _ = stream.read(&mut [0; 1024]);
                        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello");
                    }
                    Err(_) => thread::sleep(Duration::from_millis(10)),
                }
            }
        });
        let text = workload.in_box(from, &format!("wget -q -O - -T 2 {url}"));
        done.store(true, Ordering::Relaxed);
        text == "hello"
    })
}

/// The DNS servers' addresses, and those of their Service.
fn dns_servers(workload: &Workload<'_>, family: Family) -> Vec<IpAddr> {
    let mut get = workload.cluster.kubectl().unwrap();
    get.args(["-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o"]);
    get.arg("jsonpath={.items[*].status.podIPs[*].ip}");
    let mut service = workload.cluster.kubectl().unwrap();
    service.args(["-n", "kube-system", "get", "service", "kube-dns", "-o"]);
    service.arg("jsonpath={.spec.clusterIPs[*]}");
    let text = format!("{} {}", read(&mut get), read(&mut service));
    let all = text.split_whitespace().map(|address| address.parse().unwrap());
    all.filter(|address| Family::of(*address) == family).collect()
}
