//! Paths in as few words as they allow.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    flow::{By, Client, Flow, Size, Target, Transport},
    net::Net,
    question::Path,
};

/// Two nodes: the one that asks or is entered, and that of the server.
type Pair = (String, String);

/// The kinds of some paths, and where they are: `pod to pod n2 -> n3, n3 -> n2`.
pub fn describe<'a>(paths: impl IntoIterator<Item = &'a Path>, net: &Net) -> Vec<String> {
    let mut found: BTreeMap<String, BTreeSet<Pair>> = BTreeMap::new();
    // Where small messages don't pass, nobody wants to read that large ones don't either.
    let paths: BTreeSet<&Path> = paths.into_iter().collect();
    for path in paths.iter().filter(|path| !paths.contains(&small(path))) {
        let (kind, pair) = kind(path);
        found.entry(kind).or_default().insert(pair);
    }
    found.into_iter().map(|(kind, pairs)| format!("{kind}{}", place(&pairs, net))).collect()
}

/// The same path with small messages by TCP, of one with others; else one that there is not.
fn small(path: &Path) -> Path {
    match path {
        Path::Flow(flow) if flow.size != Size::Small || flow.transport == Transport::Udp => {
            Path::Flow(Flow { size: Size::Small, transport: Transport::Tcp, ..flow.clone() })
        }
        _ => Path::PodOrder { node: String::new() },
    }
}

/// What is said of paths of this kind, and the two nodes; the same twice where there is one.
fn kind(path: &Path) -> (String, Pair) {
    let one = |node: &String| (node.clone(), node.clone());
    match path {
        Path::PodRange { node, .. } => ("podCIDR".to_owned(), one(node)),
        Path::InternalIp { node, .. } => ("InternalIP".to_owned(), one(node)),
        Path::PodAddress { node, .. } => ("address of a pod".to_owned(), one(node)),
        Path::PodOrder { node } => ("order of a pod's addresses".to_owned(), one(node)),
        Path::Name { node, .. } => ("names".to_owned(), one(node)),
        Path::QuickName { node, .. } => ("names within 1.5 s".to_owned(), one(node)),
        Path::Reverse { node, .. } => ("names by addresses".to_owned(), one(node)),
        Path::Endpoints { node, .. } => ("names of headless Services".to_owned(), one(node)),
        Path::ShortName { node, .. } => ("short names".to_owned(), one(node)),
        Path::DnsRecord { node, .. } => ("records of the DNS server".to_owned(), one(node)),
        Path::DnsOver { .. } => {
            ("DNS servers asked over the family".to_owned(), one(&String::new()))
        }
        Path::ProxyHealth { node, .. } => ("health of kube-proxy".to_owned(), one(node)),
        Path::Untranslated { node, .. } => ("pod to a port of its node".to_owned(), one(node)),
        Path::MovedFlow { node, .. } => ("flows whose backend changes".to_owned(), one(node)),
        Path::Policy { node, .. } => ("policies".to_owned(), one(node)),
        Path::LoadBalancer { outside: false, .. } => {
            ("addresses of load balancers".to_owned(), one(&String::new()))
        }
        Path::LoadBalancer { outside: true, .. } => {
            ("outside to load balancers".to_owned(), one(&String::new()))
        }
        Path::LoopbackNodePort { node } => ("node to NodePort at 127.0.0.1".to_owned(), one(node)),
        Path::Application { .. } => {
            ("applications behind Services".to_owned(), one(&String::new()))
        }
        Path::FamilyPolicy => ("change of ipFamilyPolicy".to_owned(), one(&String::new())),
        Path::Certificate => ("certificate of the API server".to_owned(), one(&String::new())),
        Path::ApiServer => ("API server".to_owned(), one(&String::new())),
        Path::Flow(flow) => {
            let client = match flow.client {
                Client::Pod(_) => "pod",
                Client::Server(_) => "server",
                Client::Host(_) => "node",
                Client::Outside => "outside",
            };
            let mut kind = match (&flow.by, &flow.target) {
                (By::Own, Target::Outside) => format!("{client} to outside"),
                (By::Own, _) => format!("{client} to pod"),
                (By::ClusterIp, _) if flow.is_hairpin() => {
                    "pod to itself by its ClusterIP".to_owned()
                }
                (By::ClusterIp, Target::Host(_)) => {
                    format!("{client} to the API server's ClusterIP")
                }
                (By::ClusterIp, _) => format!("{client} to ClusterIP"),
                (By::NodePort(_), _) => format!("{client} to NodePort"),
            };
            if flow.transport == Transport::Udp {
                kind.push_str(" by UDP");
            }
            match flow.size {
                Size::Small => {}
                Size::LargeRequest => kind.push_str(" with large requests"),
                Size::LargeAnswer => kind.push_str(" with large answers"),
            }
            let from = match &flow.by {
                By::NodePort(entry) => entry.as_str(),
                _ => flow.client.node().unwrap_or_default(),
            };
            let to = flow.target.pod().unwrap_or(from);
            (kind, (from.to_owned(), to.to_owned()))
        }
    }
}

/// Where the pairs are, in as few words as they allow.
fn place(pairs: &BTreeSet<Pair>, net: &Net) -> String {
    let all =
        || net.nodes.iter().flat_map(|a| net.nodes.iter().map(move |b| (a.clone(), b.clone())));
    let same = |wanted: &dyn Fn(&Pair) -> bool| {
        *pairs == all().filter(|pair| wanted(pair)).collect::<BTreeSet<_>>()
    };
    let single = |pair: &&Pair| pair.0 == pair.1;
    if pairs.iter().any(|(from, _)| from.is_empty()) {
        return String::new();
    }
    if same(&|_| true) || same(&|pair| pair.0 == pair.1) {
        return String::new();
    }
    for node in &net.nodes {
        if same(&|(from, _)| from == node) {
            return format!(" from {node}");
        }
        if same(&|(_, to)| to == node) {
            return format!(" to {node}");
        }
        if same(&|(from, to)| (from == node) != (to == node)) {
            return format!(" between {node} and others");
        }
        if same(&|(from, to)| from == node || to == node) {
            return format!(" from and to {node}");
        }
    }
    if pairs.iter().filter(single).count() == pairs.len() {
        let nodes: Vec<&str> = pairs.iter().map(|(node, _)| node.as_str()).collect();
        return format!(" on {}", nodes.join(", "));
    }
    let arrows: Vec<String> = pairs.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    format!(" {}", arrows.join(", "))
}
