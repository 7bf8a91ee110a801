//! Every path through a cluster, and which of them work: plain wgets in busyboxes, plain
//! connections from the machine, plain name queries.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use serde_json::Value;
use testbed::{
    cluster::Cluster,
    fault::Fault,
    path::{By, Client, Flow, Made, Net, Outcome, Path, Port, Size, Target, Transport},
    run::Run,
    spec::Family,
};

use crate::{
    outside::Listener,
    support::{read, settles},
    workload::{HEADLESS, LARGE, Workload},
};

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Works,
    Refused,
    /// It failed, in whichever way.
    Fails,
}

impl Answer {
    fn works(condition: bool) -> Self {
        if condition { Self::Works } else { Self::Fails }
    }
}

/// The cluster as the paths see it.
pub(crate) fn net(cluster: &Cluster) -> Net {
    let mut get = cluster.kubectl().unwrap();
    get.args(["-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o"]);
    get.arg("jsonpath={.items[*].spec.nodeName}");
    let nodes: BTreeSet<String> = read(&mut get).split_whitespace().map(str::to_owned).collect();
    Net::new(&cluster.record().spec, nodes.into_iter().collect())
}

/// Waits until every path does what the fault says of it, or without a fault works.
#[track_caller]
pub(crate) fn expect(workload: &Workload<'_>, fault: Option<&Fault>) {
    let net = net(workload.cluster);
    let outcome = |path: &Path| fault.map_or(Outcome::Works, |fault| fault.outcome(path, &net));
    let paths = net.paths(workload.made);
    let telling = |path: &Path| matches!(outcome(path), Outcome::Unseen | Outcome::Either);
    // What was seen as it should be is not asked again: on a busy machine a path fails now and
    // then.
    let mut left: Vec<Path> = paths.into_iter().filter(|path| !telling(path)).collect();
    let mut surprises = Vec::new();
    let settled = settles(Duration::from_secs(45), || {
        surprises.clear();
        let mut wrong = Vec::new();
        let mut answers: BTreeMap<Path, Answer> = ask(workload, &left).into_iter().collect();
        for path in left.drain(..) {
            // What has no address to ask fails.
            let answer = answers.remove(&path).unwrap_or(Answer::Fails);
            let expected = outcome(&path);
            let right = match expected {
                Outcome::Works => answer == Answer::Works,
                Outcome::Refused if is_from_outside(&path) => answer == Answer::Refused,
                _ => answer != Answer::Works,
            };
            if !right {
                surprises.push(format!("{path}: {answer:?}, not {expected:?}"));
                wrong.push(path);
            }
        }
        left = wrong;
        left.is_empty()
    });
    let fault = fault.map_or_else(|| "healthy".to_owned(), ToString::to_string);
    assert!(settled, "{fault}, against expectation:\n  {}", surprises.join("\n  "));
}

/// Waits until everything works.
#[track_caller]
pub(crate) fn expect_health(workload: &Workload<'_>) {
    expect(workload, None);
}

/// Only this machine tells a refusal from silence.
fn is_from_outside(path: &Path) -> bool {
    path.flow().is_some_and(|flow| flow.client == Client::Outside)
}

/// Whether the API server answers within a second.
pub(crate) fn api_server_answers(cluster: &Cluster) -> bool {
    let mut ask = cluster.kubectl().unwrap();
    ask.args(["get", "--raw", "/readyz", "--request-timeout=1s"]);
    ask.read("ask the API server").is_ok()
}

/// Asks every path once: those of one place side by side in one exec.
fn ask(workload: &Workload<'_>, paths: &[Path]) -> Vec<(Path, Answer)> {
    let listener = Listener::start(workload.cluster);
    thread::scope(|scope| {
        let mut parts = vec![scope.spawn(|| objects(workload, paths))];
        for node in workload.pods.keys() {
            let asked_by = |client: &Client| {
                let of = |flow: &&Flow| flow.client == *client;
                paths.iter().filter_map(Path::flow).filter(of).collect::<Vec<_>>()
            };
            let [pod, server, host] = [Client::Pod, Client::Server, Client::Host]
                .map(|kind| asked_by(&kind(node.clone())));
            let listener = &listener;
            parts.push(scope.spawn(move || from_box(workload, node, &pod, paths, listener)));
            parts.push(scope.spawn(move || from_server(workload, node, &server)));
            parts.push(scope.spawn(move || from_host(workload, node, &host)));
        }
        parts.push(scope.spawn(|| from_outside(workload, paths)));
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// What the API server says of Nodes and pods, and whether it says anything.
fn objects(workload: &Workload<'_>, paths: &[Path]) -> Vec<(Path, Answer)> {
    let text = read(workload.cluster.kubectl().unwrap().args(["get", "nodes", "-o", "json"]));
    let list: Value = serde_json::from_str(&text).unwrap();
    let nodes: BTreeMap<&str, &Value> =
        list["items"].as_array().unwrap().iter().fold(BTreeMap::new(), |mut nodes, node| {
            nodes.insert(node["metadata"]["name"].as_str().unwrap(), node);
            nodes
        });
    let order = workload.cluster.record().spec.pod_families();
    let answer = |path: &Path| -> Option<Answer> {
        let works = match path {
            Path::PodRange { node, family } => {
                let ranges = nodes[node.as_str()]["spec"]["podCIDRs"].as_array();
                let of = |range: &Value| {
                    Family::of_range(&range.as_str().unwrap().parse().unwrap()) == *family
                };
                ranges.is_some_and(|ranges| ranges.iter().any(of))
            }
            Path::InternalIp { node, family } => {
                let addresses = nodes[node.as_str()]["status"]["addresses"].as_array().unwrap();
                addresses.iter().filter(|address| address["type"] == "InternalIP").any(|address| {
                    Family::of(address["address"].as_str().unwrap().parse().unwrap()) == *family
                })
            }
            Path::PodAddress { node, family, .. } => {
                workload.pods[node].iter().any(|&address| Family::of(address) == *family)
            }
            Path::PodOrder { node } => {
                let found: Vec<Family> =
                    workload.pods[node].iter().map(|&address| Family::of(address)).collect();
                let mut wanted = order.clone();
                wanted.retain(|family| found.contains(family));
                found == wanted
            }
            Path::ProxyHealth { node, family } => proxy_is_healthy(workload.cluster, node, *family),
            Path::ApiServer => api_server_answers(workload.cluster),
            _ => return None,
        };
        Some(Answer::works(works))
    };
    paths.iter().filter_map(|path| Some((path.clone(), answer(path)?))).collect()
}

/// Whether the kube-proxy of a node says that it is healthy in a family.
fn proxy_is_healthy(cluster: &Cluster, node: &str, family: Family) -> bool {
    let mut ask = cluster.node(node).unwrap().command("curl");
    let said = ask.args(["-s", "-m", "3", "http://127.0.0.1:10256/livez"]).output().unwrap();
    let page: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
    page["status"][family.to_string()]["healthy"] == true
}

/// Commands side by side in one shell, each of which says its number if it succeeds.
#[derive(Default)]
struct Script {
    paths: Vec<Path>,
    text: String,
}

impl Script {
    fn add(&mut self, path: Path, command: &str) {
        self.text
            .push_str(&format!("( {command} ) >/dev/null 2>&1 && echo {} &\n", self.paths.len()));
        self.paths.push(path);
    }

    /// Has the shell run them, and tells which succeeded.
    fn run(self, shell: impl FnOnce(&str) -> String) -> Vec<(Path, Answer)> {
        if self.paths.is_empty() {
            return Vec::new();
        }
        let said = shell(&format!("{}wait; true", self.text));
        let worked: BTreeSet<usize> = said.lines().filter_map(|line| line.parse().ok()).collect();
        let paths = self.paths.into_iter().enumerate();
        paths.map(|(index, path)| (path, Answer::works(worked.contains(&index)))).collect()
    }
}

/// The address that a flow asks, if there is one.
fn address(workload: &Workload<'_>, flow: &Flow) -> Option<SocketAddr> {
    if flow.port == Port::Api {
        let service = workload.cluster.record().spec.service_cidrs[0].hosts().next()?;
        return Some(SocketAddr::new(service, 443));
    }
    let server = flow.target.pod()?;
    let udp = flow.transport == Transport::Udp;
    let port = if udp { 7 } else { 80 };
    let of = |all: &[IpAddr]| all.iter().copied().find(|ip| Family::of(*ip) == flow.family);
    match &flow.by {
        By::Own => Some(SocketAddr::new(of(&workload.pods[server])?, port)),
        By::ClusterIp => Some(SocketAddr::new(of(&workload.cluster_ips[server])?, port)),
        By::NodePort(entry) => {
            let node = workload.cluster.node(entry).unwrap();
            let ports = if udp { &workload.udp_node_ports } else { &workload.node_ports };
            Some(SocketAddr::new(node.address(flow.family)?, ports[server]))
        }
    }
}

/// All that is asked from within a node's busybox.
fn from_box(
    workload: &Workload<'_>,
    from: &str,
    flows: &[&Flow],
    paths: &[Path],
    listener: &Listener,
) -> Vec<(Path, Answer)> {
    let mut script = Script::default();
    for path in paths {
        names(workload, from, path, &mut script);
    }
    let patience = PATIENCE.as_secs();
    for flow in flows {
        let to = match flow.target {
            Target::Outside => Some(listener.address(flow.family)),
            _ => address(workload, flow),
        };
        let Some(to) = to else { continue };
        let command = match flow.size {
            _ if flow.transport == Transport::Udp => {
                let (ip, port) = (to.ip(), to.port());
                // A datagram may be lost where nothing is wrong; its client doesn't repeat it.
                let ask = format!(
                    "[ \"$( (echo hello; sleep 1) | nc -u -w {patience} {ip} {port})\" = hello ]"
                );
                format!("{ask} || {ask}")
            }
            _ if flow.port == Port::Api => {
                format!("nc -w {patience} {} {} </dev/null", to.ip(), to.port())
            }
            Size::Small => format!("wget -q -O /dev/null -T {patience} http://{to}/"),
            Size::LargeAnswer => {
                format!("[ \"$(wget -q -O - -T {patience} http://{to}/large | wc -c)\" = {LARGE} ]")
            }
            Size::LargeRequest => format!(
                "wget -q -O /dev/null -T {patience} --header \"X-Large: $(printf %06000d 0)\" http://{to}/"
            ),
        };
        script.add(Path::Flow((*flow).clone()), &command);
    }
    script.run(|text| workload.in_box(from, text))
}

/// What a node's busybox asks DNS servers.
fn names(workload: &Workload<'_>, from: &str, path: &Path, script: &mut Script) {
    let find = |name: &str, addresses: &[IpAddr], family: Family, seconds: u8| {
        let kind = if family == Family::V4 { "a" } else { "aaaa" };
        let address = addresses.iter().find(|&&a| Family::of(a) == family).unwrap();
        format!("timeout {seconds} nslookup -type={kind} {name} | grep -qF 'Address: {address}'")
    };
    let full = |name: &str| format!("{name}.default.svc.cluster.local.");
    let lookup = |family: Family, seconds: u8| {
        find(&full(&workload.server("n1")), &workload.cluster_ips["n1"], family, seconds)
    };
    match path {
        Path::Name { node, family, .. } if node == from => {
            script.add(path.clone(), &lookup(*family, 4));
        }
        Path::QuickName { node, family } if node == from => {
            script.add(path.clone(), &lookup(*family, 1));
        }
        Path::Endpoints { node, family } if node == from => {
            script.add(path.clone(), &find(&full(HEADLESS), &workload.pods["n1"], *family, 4));
        }
        Path::ShortName { node, family, .. } if node == from => {
            let name = workload.server("n1");
            script.add(path.clone(), &find(&name, &workload.cluster_ips["n1"], *family, 4));
        }
        Path::Reverse { node, family } if node == from => {
            let addresses = &workload.cluster_ips["n1"];
            let address = addresses.iter().find(|&&a| Family::of(a) == *family).unwrap();
            let name = format!("{}.default.svc.cluster.local", workload.server("n1"));
            let pointer = pointer(*address);
            let command =
                format!("timeout 4 nslookup -type=ptr {pointer} | grep -qF 'name = {name}'");
            script.add(path.clone(), &command);
        }
        Path::Untranslated { node, family } if node == from => {
            let address = workload.cluster.node(node).unwrap().address(*family);
            if let Some(address) = address {
                let ask = format!("nc -vv -w 4 {address} 32767 </dev/null 2>&1 | grep -q refused");
                script.add(path.clone(), &ask);
            }
        }
        Path::DnsOver { family } if from == "n1" => {
            let name = "kubernetes.default.svc.cluster.local.";
            let ask = |server: &IpAddr| {
                format!(
                    "[ \"$(timeout 3 nslookup -type=a {name} {server} | grep -c '^Name:')\" = 1 ]"
                )
            };
            let servers = dns_servers(workload, *family);
            let all: Vec<String> = servers.iter().map(ask).collect();
            let command = if all.is_empty() { "false".to_owned() } else { all.join(" && ") };
            script.add(path.clone(), &command);
        }
        _ => {}
    }
}

/// Where the name of an address is found.
fn pointer(address: IpAddr) -> String {
    let (labels, zone): (Vec<String>, _) = match address {
        IpAddr::V4(ip) => (ip.octets().iter().rev().map(u8::to_string).collect(), "in-addr"),
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            (nibbles.map(|nibble| format!("{nibble:x}")).collect(), "ip6")
        }
    };
    format!("{}.{zone}.arpa.", labels.join("."))
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

/// What a web server asks itself.
fn from_server(workload: &Workload<'_>, node: &str, flows: &[&Flow]) -> Vec<(Path, Answer)> {
    curls(workload, flows).run(|text| {
        let mut exec = workload.cluster.kubectl().unwrap();
        exec.args(["exec", &workload.server(node), "--", "sh", "-c", text]);
        exec.read("enter a pod").unwrap_or_default()
    })
}

/// What a node itself asks.
fn from_host(workload: &Workload<'_>, node: &str, flows: &[&Flow]) -> Vec<(Path, Answer)> {
    let node = workload.cluster.node(node).unwrap();
    curls(workload, flows).run(|text| read(node.command("sh").args(["-c", text])))
}

fn curls(workload: &Workload<'_>, flows: &[&Flow]) -> Script {
    let mut script = Script::default();
    for flow in flows {
        let Some(to) = address(workload, flow) else { continue };
        let patience = PATIENCE.as_secs();
        script.add(Path::Flow((*flow).clone()), &format!("curl -g -s -m {patience} http://{to}/"));
    }
    script
}

/// What the machine asks.
fn from_outside(workload: &Workload<'_>, paths: &[Path]) -> Vec<(Path, Answer)> {
    thread::scope(|scope| {
        let mut parts = Vec::new();
        for flow in paths.iter().filter_map(Path::flow) {
            if flow.client == Client::Outside
                && let Some(to) = address(workload, flow)
            {
                let large = flow.size == Size::LargeAnswer;
                parts.push((
                    flow,
                    scope.spawn(move || if large { http_large(to) } else { http(to) }),
                ));
            }
        }
        parts
            .into_iter()
            .map(|(flow, part)| (Path::Flow(flow.clone()), part.join().unwrap()))
            .collect()
    })
}

/// Whether a web server answers.
pub(crate) fn answers(address: SocketAddr) -> bool {
    http(address) == Answer::Works
}

fn http(address: SocketAddr) -> Answer {
    get(address, "/", |text| text.contains(" 200 "))
}

/// Whether a web server's large answer arrives whole.
fn http_large(address: SocketAddr) -> Answer {
    get(address, "/large", |text| text.len() > LARGE)
}

fn get(address: SocketAddr, path: &str, is_right: impl Fn(&str) -> bool) -> Answer {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    match ask() {
        Ok(text) if is_right(&text) => Answer::Works,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Answer::Refused,
        _ => Answer::Fails,
    }
}

/// Whether pods still start everywhere, and Services can be made as they are to be.
pub(crate) fn can_ask_new_things(fault: &Fault, net: &Net) -> bool {
    net.paths(Made::After).iter().all(|path| match path {
        Path::PodAddress { .. } => fault.outcome(path, net) != Outcome::Unseen,
        Path::Flow(Flow { by: By::NodePort(_), client: Client::Outside, .. }) => {
            !matches!(fault, Fault::ServicePolicy(_)) || fault.outcome(path, net) != Outcome::Unseen
        }
        _ => true,
    })
}

/// Whether what is made after the fault fares otherwise than what was made before.
pub(crate) fn concerns_new_things(fault: &Fault, net: &Net) -> bool {
    net.paths(Made::After).iter().any(|path| {
        let before = match path.clone() {
            Path::PodAddress { node, family, .. } => {
                Path::PodAddress { node, family, made: Made::Before }
            }
            Path::Flow(flow) => Path::Flow(Flow { made: Made::Before, ..flow }),
            // There is no such path of older pods.
            _ => return fault.outcome(path, net) != Outcome::Works,
        };
        fault.outcome(path, net) != fault.outcome(&before, net)
    })
}

pub(crate) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
