//! Every shape and version: brought up, seen by plain commands to be what it says, taken down.

use std::{
    net::{IpAddr, SocketAddr},
    process::Command,
    time::{Duration, Instant},
};

use ipnet::IpNet;
use serde_json::Value;
use testbed::{
    cluster::Cluster,
    shape::Shape,
    spec::{ClusterDns, Family, Name, ProxyMode},
};

use crate::{
    lifecycle::expect_unchanged,
    machine::Machine,
    probe::{answers, host},
    shape_workload::Deployed,
    support::{self, Test, read, settles, testbed},
};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// One test for each.
pub(crate) fn tests() -> Vec<Test> {
    let test = |shape: &'static Shape| {
        let name = format!("shape::{}", shape.name);
        // One of them at every run: that which differs most from the default.
        let slow = shape.name != "single-stack-ipv6";
        Test::new(&name, slow, move || comes_up_as_asked(shape))
    };
    let mut tests: Vec<Test> = Shape::all().map(test).collect();
    tests.push(Test::new("shape::what_can_not_be_built_is_refused", false, refusals));
    tests
}

fn comes_up_as_asked(shape: &'static Shape) {
    support::clear_abandoned();
    let name = support::name("shape");
    let before = Machine::look(&name);
    let spec = shape.spec(name.clone());
    if spec.proxy_mode == ProxyMode::Ipvs && !has_virtual_servers() {
        refused_without_virtual_servers(&name, shape);
        return expect_unchanged(&name, &before);
    }
    let began = Instant::now();
    read(&mut testbed(&name, &["up", "--shape", shape.name]));
    println!("{}: up after {:.1} s", shape.name, began.elapsed().as_secs_f64());
    let cluster = Cluster::that_is_up(&name).unwrap();
    assert_eq!(cluster.record().spec, spec);
    nodes_are_as_asked(&cluster);
    let deployed = Deployed::deploy(&cluster);
    addresses_are_as_asked(&cluster, &deployed);
    paths_work_in_the_families_there_are(&cluster, &deployed);
    names_are_answered(&cluster, &deployed);
    proxy_and_version_are_as_asked(&cluster);
    if spec.control_planes > 1 {
        the_api_outlives_a_control_plane(&cluster);
    }
    read(&mut testbed(&name, &["status"]));
    read(&mut testbed(&name, &["down"]));
    expect_unchanged(&name, &before);
}

fn has_virtual_servers() -> bool {
    let module = || Command::new("modprobe").args(["--dry-run", "--quiet", "ip_vs"]).status();
    std::path::Path::new("/proc/net/ip_vs").exists() || module().is_ok_and(|s| s.success())
}

fn refused_without_virtual_servers(name: &Name, shape: &Shape) {
    let output = testbed(name, &["up", "--shape", shape.name]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the kernel lacks IP virtual servers (CONFIG_IP_VS)"), "{said}");
}

/// What can't be built is refused with exit code 2, and nothing is touched.
fn refusals() {
    let name = support::name("refused");
    for (flags, reason) in [
        ("--service-cidr fd00:10:96::/64", "the mask must be >= 108"),
        ("--families ipv4 --service-cidr fd00:10:96::/112", "must match public address family"),
        ("--pod-cidr fd00:10:244::/56", "CoreDNS is never ready"),
        ("--families ipv6 --dns dual", "not configured for dual-stack services"),
        ("--control-planes 4", "1 to 3 control planes"),
        ("--kubernetes 1.20", "can't be built here: choose one of 1."),
    ] {
        let words: Vec<&str> = std::iter::once("up").chain(flags.split(' ')).collect();
        let output = testbed(&name, &words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags}: {said}");
        assert!(said.contains(reason), "{flags}: {said}");
    }
    assert!(!testbed::state::Store::open().cluster(&name).path().exists());
}

/// What the nodes' own links and the Node objects say.
#[track_caller]
fn nodes_are_as_asked(cluster: &Cluster) {
    let spec = &cluster.record().spec;
    for node in cluster.nodes() {
        for family in FAMILIES {
            let mut ip = node.net_command("ip");
            ip.args([
                "-oneline",
                family.ip_flag(),
                "addr",
                "show",
                "dev",
                "eth0",
                "scope",
                "global",
            ]);
            let count = read(&mut ip).lines().count();
            let wanted = usize::from(spec.node_families.contains(&family));
            assert_eq!(count, wanted, "{family} addresses of eth0 on {}", node.name);
        }
        let get = |path: &str| -> Vec<String> {
            let mut get = cluster.kubectl().unwrap();
            get.args(["get", "node", &node.name, "-o", &format!("jsonpath={{{path}}}")]);
            read(&mut get).split_whitespace().map(str::to_owned).collect()
        };
        let addresses = get(".status.addresses[?(@.type=='InternalIP')].address");
        let wanted: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, wanted, "InternalIPs of {}", node.name);
        let ranges: Vec<IpNet> =
            get(".spec.podCIDRs[*]").iter().map(|range| range.parse().unwrap()).collect();
        assert_eq!(ranges.len(), spec.pod_cidrs.len(), "podCIDRs of {}: {ranges:?}", node.name);
        for (range, of) in ranges.iter().zip(&spec.pod_cidrs) {
            assert!(of.contains(range), "{range} of {} is not within {of}", node.name);
        }
    }
    let kubeconfig = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let subnet = cluster.record().subnet;
    let server = match spec.control_planes {
        1 => subnet.node(spec.primary(), 1),
        _ => subnet.bridge(spec.primary()),
    };
    let url = format!("server: https://{}:6443\n", host(server));
    assert!(kubeconfig.contains(&url), "{url} is not in\n{kubeconfig}");
}

/// What pods and Services were given.
#[track_caller]
fn addresses_are_as_asked(cluster: &Cluster, deployed: &Deployed<'_>) {
    let spec = &cluster.record().spec;
    let within = |found: &[IpAddr], ranges: &[IpNet], what: &str| {
        assert_eq!(found.len(), ranges.len(), "{what}: {found:?}");
        for (address, range) in found.iter().zip(ranges) {
            assert!(range.contains(address), "{what}: {address} is not within {range}");
        }
    };
    // kubelet puts the family of the node's first address first.
    let mut ranges = spec.pod_cidrs.clone();
    ranges.sort_by_key(|range| spec.node_families.first() != Some(&Family::of_range(range)));
    for (node, ips) in &deployed.pods {
        within(ips, &ranges, &format!("the pod on {node}"));
    }
    within(&deployed.service("default"), &spec.service_cidrs[..1], "a Service that asks nothing");
    within(&deployed.service("prefer"), &spec.service_cidrs, "a Service that prefers both");
    for node in deployed.pods.keys() {
        within(&deployed.service(node), &spec.service_cidrs, &format!("the Service of {node}"));
    }
    let demand = deployed.demand_both();
    assert_eq!(demand.is_ok(), spec.service_cidrs.len() == 2, "{demand:?}");
    for family in FAMILIES {
        let asked = deployed.demand(family);
        let wanted = spec.service_families().contains(&family);
        assert_eq!(asked.is_ok(), wanted, "a Service that asks for {family}: {asked:?}");
    }
}

/// From every pod to every other's addresses and Services, and from the machine to every NodePort.
#[track_caller]
fn paths_work_in_the_families_there_are(cluster: &Cluster, deployed: &Deployed<'_>) {
    let spec = &cluster.record().spec;
    let served = |address: IpAddr| spec.pod_families().contains(&Family::of(address));
    let mut surprises = Vec::new();
    let settled = settles(Duration::from_secs(60), || {
        surprises.clear();
        for from in deployed.pods.keys() {
            let pods = deployed.pods.values().flatten().map(|&address| (address, true));
            let services = deployed.pods.keys().flat_map(|node| deployed.service(node));
            let targets: Vec<(IpAddr, bool)> =
                pods.chain(services.map(|address| (address, served(address)))).collect();
            surprises.extend(deployed.curl(from, &targets));
        }
        for node in cluster.nodes() {
            for &address in &node.addresses {
                let family = Family::of(address);
                let wanted = served(address) && spec.service_families().contains(&family);
                for port in deployed.node_ports() {
                    if answers(SocketAddr::new(address, port)) != wanted {
                        surprises.push(format!("NodePort {} from outside", host(address)));
                    }
                }
            }
        }
        surprises.is_empty()
    });
    assert!(settled, "not as it should be:\n  {}", surprises.join("\n  "));
}

/// A and AAAA of a Service, asked of every address that the DNS Service has.
#[track_caller]
fn names_are_answered(cluster: &Cluster, deployed: &Deployed<'_>) {
    let spec = &cluster.record().spec;
    let mut get = cluster.kubectl().unwrap();
    get.args(["-n", "kube-system", "get", "service", "kube-dns", "-o"]);
    let text = read(get.arg("jsonpath={.spec.clusterIPs[*]}"));
    let servers: Vec<IpAddr> = text.split_whitespace().map(|ip| ip.parse().unwrap()).collect();
    assert_eq!(servers, spec.dns_addresses());
    assert_eq!(servers.len(), if spec.dns == ClusterDns::Dual { 2 } else { 1 });
    let told = deployed.in_box("n1", "cat /etc/resolv.conf");
    for server in &servers {
        let line = format!("nameserver {server}\n");
        assert!(told.contains(&line), "{line} is missing in\n{told}");
    }
    for node in deployed.pods.keys() {
        let wanted = deployed.service(node);
        for server in &servers {
            for (family, kind) in [(Family::V4, "a"), (Family::V6, "aaaa")] {
                let address = wanted.iter().find(|&&address| Family::of(address) == family);
                let script = format!(
                    "timeout 5 nslookup -type={kind} {node}.default.svc.cluster.local. {server}"
                );
                let mut text = String::new();
                let right = settles(Duration::from_secs(30), || {
                    text = deployed.in_box(node, &script);
                    let answered = text.contains("Server:") && !text.contains("timed out");
                    match address {
                        Some(address) => text.contains(&format!("Address: {address}\n")),
                        None => answered && !text.contains("\nName:"),
                    }
                });
                assert!(right, "{kind} of {node} from {server}: {text}");
            }
        }
    }
}

#[track_caller]
fn proxy_and_version_are_as_asked(cluster: &Cluster) {
    let spec = &cluster.record().spec;
    for node in cluster.nodes() {
        let mut curl = node.net_command("curl");
        let mode = read(curl.args(["-s", "-m", "5", "http://localhost:10249/proxyMode"]));
        assert_eq!(mode, spec.proxy_mode.to_string(), "on {}", node.name);
    }
    let text = read(cluster.kubectl().unwrap().args(["version", "-o", "json"]));
    let version: Value = serde_json::from_str(&text).unwrap();
    let server = version["serverVersion"]["gitVersion"].as_str().unwrap();
    assert!(server.starts_with(&format!("v{}.", spec.kubernetes)), "{server}");
}

/// Three members of etcd, leases that are held, and an API that answers without the first node.
#[track_caller]
fn the_api_outlives_a_control_plane(cluster: &Cluster) {
    let spec = &cluster.record().spec;
    for component in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let mut get = cluster.kubectl().unwrap();
        get.args(["-n", "kube-system", "get", "pods", "-o", "name", "-l"]);
        let found = read(get.arg(format!("component={component}")));
        assert_eq!(found.lines().count(), usize::from(spec.control_planes), "{found}");
    }
    let mut members = cluster.node("n1").unwrap().command("etcdctl");
    members.args([
        "--endpoints=https://localhost:2379",
        "--cacert=/etc/kubernetes/pki/etcd/ca.crt",
        "--cert=/etc/kubernetes/pki/etcd/server.crt",
        "--key=/etc/kubernetes/pki/etcd/server.key",
        "member",
        "list",
    ]);
    let members = read(&mut members);
    assert_eq!(members.matches(", started, ").count(), usize::from(spec.control_planes));
    for lease in ["kube-controller-manager", "kube-scheduler"] {
        let mut get = cluster.kubectl().unwrap();
        get.args(["-n", "kube-system", "get", "lease", lease, "-o"]);
        assert!(!read(get.arg("jsonpath={.spec.holderIdentity}")).is_empty(), "{lease}");
    }
    let underlay = cluster.underlay();
    read(underlay.command("ip").args(["link", "set", "n1", "down"]));
    let lost = Instant::now();
    let url =
        format!("https://{}:6443/version", host(cluster.record().subnet.bridge(spec.primary())));
    let asked = |expected: u8| {
        let curl =
            || Command::new("curl").args(["-gsk", "-m", "5", "-o", "/dev/null", &url]).status();
        (0..expected).all(|_| curl().is_ok_and(|status| status.success()))
    };
    // Written, not only read: etcd goes on with two of three.
    let mut apply = cluster.node("n2").unwrap().command("kubectl");
    apply.args(["create", "configmap", "without-n1", "--request-timeout=20s"]);
    assert!(settles(Duration::from_secs(30), || asked(6)), "the API is lost with n1");
    let mut created = false;
    settles(Duration::from_secs(60), || {
        created = apply.output().unwrap().status.success();
        created
    });
    assert!(created, "nothing can be written without n1");
    println!("  without n1 the API takes writes after {:.1} s", lost.elapsed().as_secs_f64());
    read(underlay.command("ip").args(["link", "set", "n1", "up"]));
    cluster.wait_healthy().unwrap();
}
