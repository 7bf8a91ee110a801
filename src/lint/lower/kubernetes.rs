//! Kubernetes' own objects: Services, Pods of the control plane, Nodes, ServiceCIDRs, ConfigMaps.

use crate::lint::{
    model::{
        Address, Arg, Args, Component, ComponentName, EndpointAddress, Extent, GateReader,
        KubeProxyConfiguration, KubeRouter, NodeObject, Owner, RangeEntry, RangeList, Role,
        Service,
    },
    schema::Schema,
    source::{Span, Spanned},
    tree::{Node, Value},
};

use super::{Lower, commands, kubeadm::begin, reach::Reach};

/// Annotations that hold the addresses which a provider is to give to a load balancer.
const LOAD_BALANCER_ANNOTATIONS: &[&str] = &[
    "metallb.io/loadBalancerIPs",
    "metallb.universe.tf/loadBalancerIPs",
    "lbipam.cilium.io/ips",
    "io.cilium/lb-ipam-ips",
    "kube-vip.io/loadbalancerIPs",
    "service.beta.kubernetes.io/azure-load-balancer-ipv4",
    "service.beta.kubernetes.io/azure-load-balancer-ipv6",
];
/// Annotations, and the value of each by which a provider gives a load balancer IPv4 only.
const IPV4_ONLY_ANNOTATIONS: &[(&str, &str)] = &[
    ("service.beta.kubernetes.io/aws-load-balancer-ip-address-type", "ipv4"),
    ("service.beta.kubernetes.io/do-loadbalancer-network-stack", "IPV4"),
    ("load-balancer.hetzner.cloud/ipv6-disabled", "true"),
];

/// How annotations begin that providers of load balancers read.
const PROVIDERS: [&str; 4] = [
    "service.beta.kubernetes.io/",
    "loadbalancer.openstack.org/",
    "metallb.io/",
    "metallb.universe.tf/",
];

/// The annotation by which a provider gives a load balancer IPv4 only, if there is one.
fn ipv4_only(root: &Node) -> Option<Spanned<String>> {
    let annotations = root.at(&["metadata", "annotations"])?;
    IPV4_ONLY_ANNOTATIONS.iter().find_map(|(name, value)| {
        annotations.get(name)?.text().filter(|text| text.value.eq_ignore_ascii_case(value))
    })
}

/// Annotations of a provider's that concern its load balancers.
fn provider_annotations(root: &Node) -> Vec<Arg> {
    let annotations = root.at(&["metadata", "annotations"]).map(Node::entries).unwrap_or_default();
    let own = annotations
        .iter()
        .filter(|entry| PROVIDERS.iter().any(|beginning| entry.key.value.starts_with(beginning)));
    own.filter_map(|entry| Some(Arg { name: entry.key.clone(), value: entry.value.text()? }))
        .collect()
}

impl Lower<'_> {
    pub(super) fn service(&mut self, root: &Node) -> bool {
        let spec = root.get("spec");
        if let Some(spec) = spec {
            // The legacy field has a rule of its own, which knows the versions.
            let mut spec = spec.clone();
            if let Value::Map(entries) = &mut spec.value {
                entries.retain(|entry| entry.key.value != "ipFamily");
            }
            self.flaws(|flaws| Schema::Service.check("ServiceSpec", &spec, flaws));
            // The fields of families have a rule of their own, too.
            let mut recent = Schema::Service.recent("ServiceSpec", &spec);
            recent.retain(|field| !field.name.value.starts_with("ipFamil"));
            self.model.recent_fields.extend(recent);
        }
        let metadata = |field| root.at(&["metadata", field]).and_then(Node::text);
        let name = metadata("name");
        let at = name.as_ref().map_or_else(|| begin(root), |name| name.span);
        let name = name.map(|name| name.value).unwrap_or_default();
        let name = match metadata("namespace") {
            Some(namespace) => format!("{}/{name}", namespace.value),
            None => name,
        };
        let text = |field| spec.and_then(|spec| spec.get(field)).and_then(Node::text);
        let list = |field| {
            let items = spec.and_then(|spec| spec.get(field)).map(Node::items);
            items.unwrap_or_default().iter().filter_map(Node::text)
        };
        let cluster_ip = text("clusterIP").filter(|text| !text.value.is_empty());
        let cluster_ip = cluster_ip.map(Address::new);
        let mut cluster_ips: Vec<_> = list("clusterIPs").map(Address::new).collect();
        if cluster_ips.is_empty() {
            cluster_ips.extend(cluster_ip.clone());
        }
        self.model.services.push(Service {
            at,
            name,
            extent: Extent::Whole,
            kind: text("type"),
            legacy_family: text("ipFamily"),
            policy: text("ipFamilyPolicy"),
            families: list("ipFamilies").collect(),
            cluster_ip,
            cluster_ips,
            external_ips: list("externalIPs").map(Address::new).collect(),
            load_balancer_ips: self.load_balancer_ips(root),
            ipv4_only: ipv4_only(root),
            source_ranges: list("loadBalancerSourceRanges").map(RangeEntry::new).collect(),
            class: text("loadBalancerClass"),
            annotations: provider_annotations(root),
        });
        true
    }

    /// The addresses that a Service asks a load balancer for: by its field, or by the annotation
    /// of a provider.
    fn load_balancer_ips(&self, root: &Node) -> Vec<Address> {
        let field = root.at(&["spec", "loadBalancerIP"]).and_then(Node::text);
        let annotations = root.at(&["metadata", "annotations"]).map(Node::entries);
        let asks = annotations
            .unwrap_or_default()
            .iter()
            .filter(|entry| LOAD_BALANCER_ANNOTATIONS.contains(&entry.key.value.as_str()));
        let asked = asks.filter_map(|entry| entry.value.text());
        let texts = field.filter(|text| !text.value.is_empty()).into_iter().chain(asked);
        texts.flat_map(|text| self.split(&text)).map(Address::new).collect()
    }

    /// A Pod, or the template of one: its control plane component, or calico-node.
    pub(super) fn pod(&mut self, root: &Node, spec: Option<&Node>) -> bool {
        let containers = spec.and_then(|spec| spec.get("containers")).map(Node::items);
        let mut known = false;
        for container in containers.unwrap_or_default() {
            known |= self.component(container)
                || self.kube_router(container)
                || self.kube_ovn_controller(container)
                || self.external_dns(container)
                || self.kube_vip(container)
                || self.ingress_controller(container);
            let named = |node: &Node| node.get("name").and_then(Node::str) == Some("calico-node");
            if named(container) {
                self.calico_node(container);
                known = true;
            }
        }
        // A Pod that sets the kernel was understood as far as it concerns this.
        known || root.at(&["spec", "securityContext", "sysctls"]).is_some()
    }

    fn component(&mut self, container: &Node) -> bool {
        let words = self.container_words(container);
        let program = |word: &Spanned<String>| match word.value.rsplit('/').next()? {
            "kube-apiserver" => Some(ComponentName::ApiServer),
            "kube-controller-manager" => Some(ComponentName::ControllerManager),
            "kube-proxy" => Some(ComponentName::Proxy),
            _ => None,
        };
        let Some(name) = words.iter().take(2).find_map(program) else { return false };
        let args = self.flags(&words);
        let at = container.get("command").or_else(|| container.get("args"));
        let at = at.map_or(container.span, |node| node.span);
        self.image_version(container.get("image"));
        self.component_flags(name, args, at);
        true
    }

    /// A component of the control plane, by its own flags.
    pub(super) fn component_flags(&mut self, name: ComponentName, args: Args, at: Span) {
        self.gate_flag(&args, GateReader::ControlPlane);
        let ranges = self.component_ranges(name, &args);
        if name == ComponentName::Proxy {
            self.proxy_flags(at, &args);
        }
        self.model.components.push(Component { at, name, args, ranges, extra: false });
    }

    /// A container's command and arguments; those of the last command where a shell reads them.
    fn container_words(&self, container: &Node) -> Vec<Spanned<String>> {
        let list = |field| container.get(field).map(Node::items).unwrap_or_default();
        let words = || list("command").iter().chain(list("args")).filter_map(Node::text);
        let mut script =
            words().skip_while(|word| word.value != "-c" && word.value != "-ec").skip(1);
        match (words().next(), script.next()) {
            (Some(shell), Some(script)) if shell.value.ends_with("sh") => {
                let last = commands::commands(&script.value).pop().unwrap_or_default();
                let last = last.into_iter().skip_while(|word| word == "exec").collect();
                self.place(&script, last, &mut 0)
            }
            _ => words().collect(),
        }
    }

    /// kube-router, by its program or its container's name.
    fn kube_router(&mut self, container: &Node) -> bool {
        let list = |field| container.get(field).map(Node::items).unwrap_or_default();
        let words = || list("command").iter().chain(list("args"));
        let name = container.get("name").and_then(Node::str);
        let program = list("command").first().and_then(Node::str).unwrap_or_default();
        if name != Some("kube-router") && !program.ends_with("kube-router") {
            return false;
        }
        let at = container.get("args").or_else(|| container.get("command"));
        let at = at.map_or(container.span, |node| node.span);
        let args = self.command_line(words());
        self.model.kube_routers.push(KubeRouter { at, args });
        true
    }

    /// kube-proxy's flags as the configuration file that they stand for.
    pub(super) fn proxy_flags(&mut self, at: Span, args: &Args) {
        let get = |name| args.get(name).cloned();
        let ports = get("nodeport-addresses").map(|text| self.split(&text)).unwrap_or_default();
        self.model.proxies.push(KubeProxyConfiguration {
            at,
            mode: get("proxy-mode"),
            cluster_cidr: None,
            node_ports: ports.into_iter().map(RangeEntry::new).collect(),
            bind: get("bind-address").map(Address::new),
            windows: ["source-vip", "network-name"].iter().any(|name| args.get(name).is_some()),
        });
    }

    /// The ranges among a component's flags.
    pub(super) fn component_ranges(&self, name: ComponentName, args: &Args) -> Vec<RangeList> {
        let list = |flag: &str, field, role, owner| {
            self.ranges(args.get(flag).cloned(), role, owner, field)
        };
        let (services, pods) = ("service-cluster-ip-range", "cluster-cidr");
        let (services_field, pods_field) = ("--service-cluster-ip-range", "--cluster-cidr");
        let lists = match name {
            ComponentName::ApiServer => {
                vec![list(services, services_field, Role::Services, Owner::ApiServer)]
            }
            ComponentName::ControllerManager => vec![
                list(pods, pods_field, Role::Pods, Owner::ControllerManager),
                list(services, services_field, Role::Services, Owner::ControllerManager),
            ],
            ComponentName::Proxy => vec![list(pods, pods_field, Role::Pods, Owner::Proxy)],
        };
        lists.into_iter().flatten().collect()
    }

    pub(super) fn node_object(&mut self, root: &Node) -> bool {
        let Some(name) = root.at(&["metadata", "name"]).and_then(Node::text) else { return true };
        let list = |path: &[&str]| root.at(path).map(Node::items).unwrap_or_default();
        let addresses = list(&["status", "addresses"]).iter();
        let internal = addresses
            .filter(|node| node.get("type").and_then(Node::str) == Some("InternalIP"))
            .filter_map(|node| node.get("address")?.text())
            .map(Address::new);
        let internal_ips = internal.collect();
        let pods = list(&["spec", "podCIDRs"]).iter();
        let pod_cidrs = pods.filter_map(Node::text).map(RangeEntry::new).collect();
        let text = |path: &[&str]| root.at(path).and_then(Node::str).unwrap_or_default().to_owned();
        let version = ["status", "nodeInfo", "kubeletVersion"];
        let label = ["metadata", "labels", "node-role.kubernetes.io/control-plane"];
        let (kubelet_version, provider) = (text(&version), text(&["spec", "providerID"]));
        let control_plane = root.at(&label).is_some();
        self.version(root.at(&version).and_then(Node::text));
        self.model.node_objects.push(NodeObject {
            name,
            internal_ips,
            pod_cidrs,
            provider,
            kubelet_version,
            control_plane,
        });
        true
    }

    /// The addresses of an EndpointSlice, whoever writes it.
    pub(super) fn endpoint_slice(&mut self, root: &Node) -> bool {
        if root.get("addressType").and_then(Node::str) != Some("FQDN") {
            let endpoints = root.get("endpoints").map(Node::items).unwrap_or_default().iter();
            let lists = endpoints.filter_map(|endpoint| endpoint.get("addresses"));
            let texts = lists.flat_map(Node::items).filter_map(Node::text);
            let of = root.get("addressType").and_then(Node::text);
            let own =
                texts.map(|text| EndpointAddress { address: Address::new(text), of: of.clone() });
            self.model.endpoint_addresses.extend(own);
        }
        true
    }

    pub(super) fn service_cidr(&mut self, root: &Node) -> bool {
        let Some(list) = root.at(&["spec", "cidrs"]) else { return true };
        let entries: Vec<_> = list.items().iter().filter_map(Node::text).collect();
        let joined: Vec<&str> = entries.iter().map(|entry| entry.value.as_str()).collect();
        let text = Spanned::new(joined.join(","), list.span);
        let entries = entries.into_iter().map(RangeEntry::new).collect();
        self.model.service_cidrs.push(RangeList {
            role: Role::Services,
            owner: Owner::ServiceCidr,
            field: "spec.cidrs",
            text,
            entries,
            assumed: false,
        });
        true
    }

    /// A ConfigMap may hold the configuration of kubeadm, of kube-proxy, of the kubelet, of a
    /// network plugin, of CoreDNS, and files of any kind. The keys tell, whatever the map is called.
    pub(super) fn config_map(&mut self, root: &Node) -> bool {
        let Some(data) = root.get("data") else { return false };
        let mut known = false;
        let mut cilium = false;
        let name = root.at(&["metadata", "name"]).and_then(Node::str);
        if self.ovn_kubernetes(data) || (name == Some("kubevip") && self.kube_vip_pools(data)) {
            return true;
        }
        known |= self.ingress_config(name, data);
        let dns = name.is_some_and(|name| name.contains("coredns"));
        for entry in data.entries() {
            match entry.key.value.as_str() {
                "ClusterConfiguration"
                | "InitConfiguration"
                | "JoinConfiguration"
                | "kubelet"
                | "config.conf"
                | "kubeadm.yaml"
                | "kubeadm-config.yaml" => {
                    self.embedded_documents(&entry.value, &entry.key.value);
                    known = true;
                }
                "cni_network_config" => {
                    self.calico_config(&entry.value);
                    known = true;
                }
                "net-conf.json" => {
                    self.flannel_config(&entry.value, &entry.key);
                    known = true;
                }
                "antrea-agent.conf" => known |= self.antrea_agent_text(&entry.value),
                "Corefile" => {
                    self.corefile(&entry.value, false);
                    known = true;
                }
                // Imported into the Corefile of k3s and AKS.
                key if dns && (key.ends_with(".override") || key.ends_with(".server")) => {
                    self.corefile(&entry.value, key.ends_with(".override"));
                    known = true;
                }
                "enable-ipv6"
                | "enable-ipv4"
                | "cluster-pool-ipv4-cidr"
                | "cluster-pool-ipv6-cidr" => {
                    if !cilium {
                        self.cilium_config(data);
                    }
                    cilium = true;
                    known = true;
                }
                // MetalLB before 0.13.
                "config" => known |= self.metallb_config(&entry.value),
                key if key.contains("values") => known |= self.embedded_values(&entry.value, None),
                // Its scripts are those of Pods.
                key => {
                    let before = std::mem::replace(&mut self.reach, Reach::POD);
                    known |= self.carried_text(&entry.value, Some(key));
                    self.reach = before;
                }
            }
        }
        known
    }
}
