//! `config.yaml` of k3s and of RKE2, and their drop-ins. Keys are the flags of the two programs; in
//! a drop-in a `+` behind a key adds to what another file sets.

use crate::lint::{
    model::{
        Address, AddressList, Arg, Args, ComponentName, GateReader, Installation,
        KubeletConfiguration, NodeConfiguration, Tool,
    },
    source::{Span, Spanned},
    tree::{Node, Value},
};

use super::{Lower, Setting, assumed, settings};

/// Keys of which one is enough to know the file.
const KEYS: &[&str] = &[
    "cluster-cidr",
    "service-cidr",
    "cluster-dns",
    "node-ip",
    "node-external-ip",
    "flannel-backend",
    "flannel-ipv6-masq",
    "kube-controller-manager-arg",
    "kube-proxy-arg",
    "kube-apiserver-arg",
    "kubelet-arg",
];
/// What k3s takes where nothing is given.
const PODS: &str = "10.42.0.0/16";
const SERVICES: &str = "10.43.0.0/16";
/// The pod range that hetzner-k3s tells k3s where none is given.
const HETZNER_PODS: &str = "10.244.0.0/16";
const SETTINGS: &[&str] = &[
    "cni",
    "flannel-backend",
    "flannel-ipv6-masq",
    "flannel-iface",
    "disable-kube-proxy",
    "cluster-init",
];
/// What k3s comes with and can be told to leave out; RKE2's parts have names of their own.
const PARTS: [&str; 5] = ["coredns", "servicelb", "traefik", "local-storage", "metrics-server"];

/// The value of a key, or of the key with which a drop-in adds to it.
fn value<'n>(root: &'n Node, key: &str) -> Option<&'n Node> {
    let entries = root.entries().iter();
    let own = |name: &str| name.strip_suffix('+').unwrap_or(name) == key;
    entries.rev().find(|entry| own(&entry.key.value)).map(|entry| &entry.value)
}

/// The server that a node is to join.
fn server(root: &Node) -> Option<&Node> {
    value(root, "server").filter(|node| node.str().is_some_and(|url| url.contains("://")))
}

/// Whether a document is a configuration of k3s or RKE2, or a part of one.
pub(in crate::lint) fn is_k3s_file(root: &Node) -> bool {
    let joins = || ["token", "token-file"].iter().any(|key| value(root, key).is_some());
    KEYS.iter().any(|key| value(root, key).is_some()) || (server(root).is_some() && joins())
}

impl Lower<'_> {
    pub(in crate::lint::lower) fn k3s(&mut self, root: &Node) -> bool {
        let get = |key: &str| value(root, key);
        let server = server(root);
        if !is_k3s_file(root) {
            return false;
        }
        self.model.server_urls.extend(server.and_then(Node::text));
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        if let Some(pods) = get("pod-cidr") {
            return self.canonical(pods, get("service-cidr"), at);
        }
        let pods = self.range_list(get("cluster-cidr"), Setting::pods(Tool::K3s, "cluster-cidr"));
        let setting = Setting::services(Tool::K3s, "service-cidr");
        let services = self.range_list(get("service-cidr"), setting);
        let server = pods.is_some() || services.is_some();
        if server {
            let default = |text, setting| Some(assumed(text, at, setting));
            let pods_setting = Setting::pods(Tool::K3s, "cluster-cidr");
            let mut settings = settings(root, SETTINGS);
            let disabled = get("disable").map(|node| self.words_of(node)).unwrap_or_default();
            let part = disabled.into_iter().find(|word| PARTS.contains(&word.value.as_str()));
            settings
                .list
                .extend(part.map(|value| Arg { name: value.with("disable".into()), value }));
            self.model.installs.push(Installation {
                at,
                tool: Tool::K3s,
                pods: pods.or_else(|| default(PODS, pods_setting)),
                services: services.or_else(|| default(SERVICES, setting)),
                masks: Vec::new(),
                settings,
            });
        }
        for (key, name) in [
            ("kube-controller-manager-arg", ComponentName::ControllerManager),
            ("kube-apiserver-arg", ComponentName::ApiServer),
            ("kube-proxy-arg", ComponentName::Proxy),
        ] {
            if let Some(node) = get(key) {
                let args = self.arg_list(Some(node));
                self.tool_component(name, node.span, args);
            }
        }
        if let Some(dns) = get("cluster-dns").and_then(|node| self.address_list(node)) {
            let cluster_dns = dns.entries;
            self.model.kubelets.push(KubeletConfiguration { at, max_pods: None, cluster_dns });
        }
        let kubelet = self.arg_list(get("kubelet-arg"));
        self.gate_flag(&kubelet, GateReader::Kubelet);
        self.k3s_node(root, get("node-ip"), kubelet);
        true
    }

    /// The file of hetzner-k3s, which hands its ranges on to k3s.
    pub(in crate::lint::lower) fn hetzner_k3s(&mut self, root: &Node) -> bool {
        let own = ["masters_pool", "k3s_version"].iter().all(|key| root.get(key).is_some());
        let Some(network) = root.get("networking").filter(|_| own) else { return false };
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        let setting = Setting::pods(Tool::HetznerK3s, "cluster_cidr");
        let pods = self.range_list(network.get("cluster_cidr"), setting);
        let pods = pods.or_else(|| Some(assumed(HETZNER_PODS, at, setting)));
        let setting = Setting::services(Tool::HetznerK3s, "service_cidr");
        let services = self.range_list(network.get("service_cidr"), setting);
        let services = services.or_else(|| Some(assumed(SERVICES, at, setting)));
        self.model.installs.push(Installation {
            at,
            tool: Tool::HetznerK3s,
            pods,
            services,
            masks: Vec::new(),
            settings: Args::default(),
        });
        true
    }

    /// The configuration by which Canonical Kubernetes is bootstrapped.
    fn canonical(&mut self, pods: &Node, services: Option<&Node>, at: Span) -> bool {
        let pods_setting = Setting::pods(Tool::CanonicalKubernetes, "pod-cidr");
        let services_setting = Setting::services(Tool::CanonicalKubernetes, "service-cidr");
        let pods = self.range_list(Some(pods), pods_setting);
        let services = self.range_list(services, services_setting);
        self.model.installs.push(Installation {
            at,
            tool: Tool::CanonicalKubernetes,
            pods,
            services,
            masks: Vec::new(),
            settings: Args::default(),
        });
        // Its Cilium gives Pods addresses of a pool of its own.
        self.model.no_node_ranges = true;
        true
    }

    fn k3s_node(&mut self, root: &Node, node_ip: Option<&Node>, kubelet: Args) {
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        let text = |key: &str| root.get(key).and_then(Node::text);
        let own = kubelet.get("node-ip").map(|text| self.addresses(text));
        let node_ip = node_ip.and_then(|node| self.address_list(node)).or(own);
        let advertise = text("advertise-address").map(Address::new);
        self.model.nodes.push(NodeConfiguration {
            at,
            api: None,
            name: text("node-name"),
            registration: None,
            kubelet,
            node_ip,
            advertise,
            tool: Some(Tool::K3s),
        });
    }

    /// Words that stand in a list, or in one text between commas.
    fn words_of(&self, node: &Node) -> Vec<Spanned<String>> {
        let texts = node.items().iter().filter_map(Node::text).chain(node.text());
        texts.flat_map(|text| self.split(&text)).collect()
    }

    /// Addresses that stand in a list, or in one text between commas.
    fn address_list(&self, node: &Node) -> Option<AddressList> {
        if !matches!(node.value, Value::List(_)) {
            return node.text().map(|text| self.addresses(&text));
        }
        let items: Vec<_> = node.items().iter().filter_map(Node::text).collect();
        let entries: Vec<_> =
            items.iter().flat_map(|item| self.split(item)).map(Address::new).collect();
        let words: Vec<&str> = entries.iter().map(|entry| entry.text.value.as_str()).collect();
        let text = Spanned::new(words.join(","), node.span);
        Some(AddressList { text, entries })
    }
}
