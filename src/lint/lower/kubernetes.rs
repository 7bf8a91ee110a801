//! Kubernetes' own objects: Services, Pods of the control plane, Nodes, ServiceCIDRs, ConfigMaps.

use crate::lint::{
    model::{
        Address, Args, Component, ComponentName, GateReader, NodeObject, Owner, RangeEntry,
        RangeList, Role, Service,
    },
    schema::Schema,
    source::Spanned,
    tree::{Node, Value},
};

use super::{Lower, kubeadm::begin};

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
        let mut cluster_ips: Vec<_> = list("clusterIPs").map(Address::new).collect();
        if cluster_ips.is_empty() {
            cluster_ips.extend(text("clusterIP").map(Address::new));
        }
        self.model.services.push(Service {
            at,
            name,
            kind: text("type"),
            legacy_family: text("ipFamily"),
            policy: text("ipFamilyPolicy"),
            families: list("ipFamilies").collect(),
            cluster_ips,
        });
        true
    }

    /// A Pod, or the template of one: its control plane component, or calico-node.
    pub(super) fn pod(&mut self, root: &Node, spec: Option<&Node>) -> bool {
        let containers = spec.and_then(|spec| spec.get("containers")).map(Node::items);
        let mut known = false;
        for container in containers.unwrap_or_default() {
            known |= self.component(container);
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
        let list = |field| container.get(field).map(Node::items).unwrap_or_default();
        let words = || list("command").iter().chain(list("args"));
        let program = |word: &Node| {
            let name = word.str()?.rsplit('/').next()?;
            match name {
                "kube-apiserver" => Some(ComponentName::ApiServer),
                "kube-controller-manager" => Some(ComponentName::ControllerManager),
                "kube-proxy" => Some(ComponentName::Proxy),
                _ => None,
            }
        };
        let Some(name) = words().take(2).find_map(program) else { return false };
        let args = self.command_line(words());
        self.gate_flag(&args, GateReader::ControlPlane);
        let at = container.get("command").or_else(|| container.get("args"));
        let at = at.map_or(container.span, |node| node.span);
        if let Some(image) = container.get("image").and_then(Node::text) {
            // registry.k8s.io/kube-apiserver:v1.36.3
            let tag = image.value.split('@').next().and_then(|image| image.rsplit_once(':'));
            let tag = tag.map(|(_, tag)| image.with(tag.to_owned()));
            self.version(tag);
        }
        let ranges = self.component_ranges(name, &args);
        self.model.components.push(Component { at, name, args, ranges, extra: false });
        true
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
        self.version(root.at(&["status", "nodeInfo", "kubeletVersion"]).and_then(Node::text));
        self.model.node_objects.push(NodeObject { name, internal_ips, pod_cidrs });
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
        });
        true
    }

    /// A ConfigMap may hold the configuration of kubeadm, of kube-proxy, of the kubelet, of
    /// Calico. The keys tell, whatever the map is called.
    pub(super) fn config_map(&mut self, root: &Node) -> bool {
        let Some(data) = root.get("data") else { return false };
        let mut known = false;
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
                _ => {}
            }
        }
        known
    }
}
