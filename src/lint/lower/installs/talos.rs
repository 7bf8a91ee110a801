//! Talos' machine configuration.

use crate::lint::{
    model::{
        Address, Args, ComponentName, Installation, KubeletConfiguration, NodeConfiguration,
        RangeEntry, Tool,
    },
    source::Span,
    tree::{Flaw, FlawKind, Node, Value},
};

use super::{Lower, Setting, assumed, settings};

/// What Talos takes where nothing is given.
const PODS: &str = "10.244.0.0/16";
const SERVICES: &str = "10.96.0.0/12";

/// The fields of `cluster.network` (`ClusterNetworkConfig` of Talos' `v1alpha1`).
const NETWORK: &[&str] = &["cni", "dnsDomain", "podSubnets", "serviceSubnets"];

impl Lower<'_> {
    pub(super) fn talos(&mut self, root: &Node) -> bool {
        let map = |key: &str| root.get(key).filter(|node| matches!(node.value, Value::Map(_)));
        let (machine, cluster) = (map("machine"), map("cluster"));
        let versioned = root.get("version").and_then(Node::str) == Some("v1alpha1");
        let known = |node: Option<&Node>, keys: &[&str]| {
            node.is_some_and(|node| keys.iter().any(|key| node.get(key).is_some()))
        };
        // Patches hold parts of a document, and no version.
        let machine_keys = ["type", "kubelet", "network", "install", "sysctls"];
        let network = ["podSubnets", "serviceSubnets", "cni", "dnsDomain"];
        let cluster_network = cluster.and_then(|cluster| cluster.get("network"));
        let components = ["controllerManager", "apiServer", "proxy", "scheduler"];
        let flags = components.iter().any(|name| {
            let flags = cluster.and_then(|cluster| cluster.at(&[name, "extraArgs"]));
            flags.is_some_and(|flags| matches!(flags.value, Value::Map(_)))
        });
        if !(versioned && (machine.is_some() || cluster.is_some()))
            && !known(machine, &machine_keys)
            && !known(cluster_network, &network)
            && !flags
        {
            return false;
        }
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        if let Some(network) = cluster_network {
            self.misspelt("Talos", "network", Some(network), NETWORK);
            self.talos_ranges(network, at, ["podSubnets", "serviceSubnets"]);
        }
        if let Some(cluster) = cluster {
            let url = cluster.at(&["controlPlane", "endpoint"]).and_then(Node::text);
            self.model.server_urls.extend(url);
            for (section, name) in [
                ("controllerManager", ComponentName::ControllerManager),
                ("apiServer", ComponentName::ApiServer),
                ("proxy", ComponentName::Proxy),
            ] {
                let node = cluster.at(&[section, "extraArgs"]);
                let Args { list, .. } = self.extra_args(node);
                let span = node.map_or(at, |node| node.span);
                self.tool_component(name, span, Args { list, ..Args::default() });
            }
            let mode = settings(cluster, &["proxy.mode"]);
            self.proxy_mode(mode.get("proxy.mode").cloned());
        }
        let manifests = cluster.and_then(|cluster| cluster.get("inlineManifests")).map(Node::items);
        for manifest in manifests.unwrap_or_default() {
            if let Some(contents) = manifest.get("contents") {
                self.carried_documents(contents, "inlineManifests", true);
            }
        }
        if let Some(machine) = machine {
            self.talos_machine(machine);
        }
        true
    }

    fn talos_machine(&mut self, machine: &Node) {
        self.image_version(machine.at(&["kubelet", "image"]));
        if let Some(kubelet) = machine.get("kubelet") {
            let dns = kubelet.get("clusterDNS").map(Node::items).unwrap_or_default();
            let cluster_dns: Vec<_> = dns.iter().filter_map(Node::text).map(Address::new).collect();
            if !cluster_dns.is_empty() {
                let at = kubelet.span;
                self.model.kubelets.push(KubeletConfiguration { at, max_pods: None, cluster_dns });
            }
            let Args { list, .. } = self.extra_args(kubelet.get("extraArgs"));
            let args = Args { list, ..Args::default() };
            if let Some(text) = args.get("node-ip") {
                let node_ip = Some(self.addresses(text));
                self.model.nodes.push(NodeConfiguration {
                    at: kubelet.span,
                    api: None,
                    name: None,
                    registration: None,
                    kubelet: args.clone(),
                    node_ip,
                    advertise: None,
                    tool: Some(Tool::Talos),
                });
            }
            let subnets = kubelet.at(&["nodeIP", "validSubnets"]).map(Node::items);
            let subnets = subnets.unwrap_or_default().iter().filter_map(Node::text);
            let subnets: Vec<_> = subnets.map(RangeEntry::new).collect();
            if !subnets.is_empty() {
                self.model.node_subnets.push(subnets);
            }
        }
        self.talos_types(machine);
        if let Some(files) = machine.get("files") {
            self.carried(files);
        }
    }

    /// Where Talos takes one text: a virtual address, and a flag of the kubelet's.
    fn talos_types(&mut self, machine: &Node) {
        let flags = machine.at(&["kubelet", "extraArgs"]).map(Node::entries).unwrap_or_default();
        for flag in flags.iter().filter(|flag| matches!(flag.value.value, Value::Map(_))) {
            let message = format!("`{}` must be a string, not a mapping", flag.key.value);
            let flaw = Flaw::new(FlawKind::WrongType, flag.key.span, message);
            self.model.flaws.push(match flag.key.value.as_str() {
                "nodeIp" | "nodeIP" => flaw.fix("write nodeIP beside extraArgs, under kubelet"),
                _ => flaw.fix("write the flag's value as a string"),
            });
        }
        let network = |key: &str| machine.at(&["network", key]).map(Node::items);
        for interface in network("interfaces").unwrap_or_default() {
            let vlans = interface.get("vlans").map(Node::items).unwrap_or_default();
            for own in vlans.iter().chain([interface]) {
                let Some(ip) = own.at(&["vip", "ip"]).and_then(Node::text) else { continue };
                if ip.value.contains(',') {
                    let message = "Talos takes one virtual address, and this is a list";
                    let flaw = Flaw::new(FlawKind::WrongType, ip.span, message);
                    let fix = "write one address; the other family's needs another balancer";
                    self.model.flaws.push(flaw.fix(fix));
                }
            }
        }
    }

    /// The ranges of Pods and Services under these keys, where there are any.
    fn talos_ranges(&mut self, node: &Node, at: Span, [pods, services]: [&'static str; 2]) {
        let pods_setting = Setting::pods(Tool::Talos, pods);
        let services_setting = Setting::services(Tool::Talos, services);
        let pods = self.range_list(node.get(pods), pods_setting);
        let services = self.range_list(node.get(services), services_setting);
        if pods.is_some() || services.is_some() {
            self.model.installs.push(Installation {
                at,
                tool: Tool::Talos,
                pods: pods.or_else(|| Some(assumed(PODS, at, pods_setting))),
                services: services.or_else(|| Some(assumed(SERVICES, at, services_setting))),
                masks: Vec::new(),
                settings: Args::default(),
            });
        }
    }

    /// talhelper's file, of which it makes the machine configurations.
    pub(super) fn talhelper(&mut self, root: &Node) -> bool {
        let known = ["clusterPodNets", "clusterSvcNets", "talosVersion"];
        if !known.iter().any(|key| root.get(key).is_some()) {
            return false;
        }
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        self.version(root.get("kubernetesVersion").and_then(Node::text));
        self.talos_ranges(root, at, ["clusterPodNets", "clusterSvcNets"]);
        self.model.server_urls.extend(root.get("endpoint").and_then(Node::text));
        for part in ["patches", "controlPlane", "worker", "nodes"] {
            if let Some(node) = root.get(part) {
                self.carried(node);
            }
        }
        true
    }
}
