//! kubeadm's documents.

use crate::lint::{
    model::{
        Address, ClusterConfiguration, Component, ComponentName, Endpoint, GateReader,
        KubeadmDocument, NodeConfiguration, Owner, RangeEntry, RangeList, Role, Tool,
    },
    schema::{Schema, nearest},
    source::{Span, Spanned},
    tree::Node,
};

use super::Lower;

/// The fields of `networking`.
const NETWORKING: [&str; 3] = ["podSubnet", "serviceSubnet", "dnsDomain"];
/// Who reads kubeadm's fields in a document of another kind.
const CLUSTER_API: &str = "Cluster API";
/// kubeadm's default Service range (`DefaultServicesSubnet`).
const SERVICES: &str = "10.96.0.0/12";

impl Lower<'_> {
    /// `version` is that of kubeadm's API, such as `v1beta4`; patches may leave it out.
    pub(super) fn kubeadm(
        &mut self,
        root: &Node,
        kind: &Spanned<String>,
        version: Option<Spanned<String>>,
    ) -> bool {
        let known = matches!(
            kind.value.as_str(),
            "InitConfiguration"
                | "ClusterConfiguration"
                | "JoinConfiguration"
                | "ResetConfiguration"
                | "UpgradeConfiguration"
        );
        if !known {
            return false;
        }
        if let Some(api) = &version {
            // Which API versions a patch may be of is kind's matter, and not kubeadm's.
            if !self.patching {
                let document = KubeadmDocument { kind: kind.clone(), api: api.clone() };
                self.model.kubeadm.push(document);
            }
            if let Some(schema) = Schema::kubeadm(&api.value) {
                self.flaws(|flaws| schema.check(&kind.value, root, flaws));
            }
        }
        match kind.value.as_str() {
            "ClusterConfiguration" => self.cluster_configuration(root, version),
            "InitConfiguration" => self.node_configuration(root, version, true, None),
            "JoinConfiguration" => self.node_configuration(root, version, false, None),
            _ => {}
        }
        true
    }

    pub(super) fn cluster_configuration(&mut self, root: &Node, api: Option<Spanned<String>>) {
        if api.is_none() {
            let check = Schema::KubeadmV1beta4;
            self.flaws(|flaws| check.misspelt(CLUSTER_API, "ClusterConfiguration", root, flaws));
        }
        self.version(root.get("kubernetesVersion").and_then(Node::text));
        let network = |field| like(root.get("networking")?, field).and_then(Node::text);
        let pods = self.ranges(network("podSubnet"), Role::Pods, Owner::Kubeadm, "podSubnet");
        let services = network("serviceSubnet");
        let services = self.ranges(services, Role::Services, Owner::Kubeadm, "serviceSubnet");
        let mut extra_args = Vec::new();
        for (section, name) in [
            ("apiServer", Some(ComponentName::ApiServer)),
            ("controllerManager", Some(ComponentName::ControllerManager)),
            ("scheduler", None),
        ] {
            let Some(node) = root.at(&[section, "extraArgs"]) else { continue };
            let args = self.extra_args(Some(node));
            self.gate_flag(&args, GateReader::ControlPlane);
            extra_args.push(args.clone());
            if let Some(name) = name {
                let ranges = self.component_ranges(name, &args);
                self.model.components.push(Component {
                    at: node.span,
                    name,
                    args,
                    ranges,
                    extra: true,
                });
            }
        }
        if services.is_none() && api.is_some() && !self.patching {
            let networking = root.entry("networking").map(|entry| entry.key.span);
            self.assume_services(networking.unwrap_or_else(|| begin(root)));
        }
        let dns_domain = network("dnsDomain");
        self.endpoint(root.get("controlPlaneEndpoint").and_then(Node::text), false);
        self.gate_map(root.get("featureGates"), GateReader::Kubeadm);
        let cluster =
            ClusterConfiguration { at: begin(root), api, pods, services, dns_domain, extra_args };
        self.model.clusters.push(cluster);
    }

    /// Where the API server is to be found.
    pub(super) fn endpoint(&mut self, text: Option<Spanned<String>>, needs_port: bool) {
        let text = text.filter(|text| !text.value.is_empty());
        self.model.endpoints.extend(text.map(|text| Endpoint { text, needs_port }));
    }

    /// What kubeadm takes where no Service range is given.
    pub(super) fn assume_services(&mut self, at: Span) {
        let text = Spanned::new(SERVICES.to_owned(), at);
        self.model.assumed_services.push(RangeList {
            role: Role::Services,
            owner: Owner::Kubeadm,
            field: "serviceSubnet",
            entries: vec![RangeEntry::new(text.clone())],
            text,
            assumed: true,
        });
    }

    pub(super) fn node_configuration(
        &mut self,
        root: &Node,
        api: Option<Spanned<String>>,
        init: bool,
        tool: Option<Tool>,
    ) {
        if api.is_none() {
            let kind = if init { "InitConfiguration" } else { "JoinConfiguration" };
            self.flaws(|flaws| Schema::KubeadmV1beta4.misspelt(CLUSTER_API, kind, root, flaws));
        }
        let endpoint = if init {
            root.get("localAPIEndpoint")
        } else {
            root.at(&["controlPlane", "localAPIEndpoint"])
        };
        if !init {
            let join = root.at(&["discovery", "bootstrapToken", "apiServerEndpoint"]);
            self.endpoint(join.and_then(Node::text), true);
        }
        let registration = root.get("nodeRegistration");
        let kubelet = self.extra_args(registration.and_then(|node| node.get("kubeletExtraArgs")));
        let node_ip = kubelet.get("node-ip").map(|text| self.addresses(text));
        self.gate_flag(&kubelet, GateReader::Kubelet);
        let advertise = endpoint.and_then(|node| node.get("advertiseAddress"));
        let advertise = advertise.and_then(Node::text).map(Address::new);
        self.model.nodes.push(NodeConfiguration {
            at: begin(root),
            api,
            name: registration.and_then(|node| node.get("name")).and_then(Node::text),
            registration: root.entry("nodeRegistration").map(|entry| entry.key.span),
            kubelet,
            node_ip,
            advertise,
            tool,
        });
    }

    /// A node of which nothing but its registration is known.
    pub(super) fn registration(&mut self, registration: &Node) {
        let kubelet = self.extra_args(registration.get("kubeletExtraArgs"));
        let node_ip = kubelet.get("node-ip").map(|text| self.addresses(text));
        self.model.nodes.push(NodeConfiguration {
            at: registration.span,
            api: None,
            name: registration.get("name").and_then(Node::text),
            registration: Some(registration.span),
            kubelet,
            node_ip,
            advertise: None,
            tool: Some(Tool::ClusterApi),
        });
    }
}

/// The value of a field, or of one that is most likely meant: a misspelt field has a finding of its
/// own, and what stands in it is judged all the same.
fn like<'n>(node: &'n Node, field: &str) -> Option<&'n Node> {
    node.get(field).or_else(|| {
        let entries = node.entries().iter();
        let meant = entries.filter(|entry| !NETWORKING.contains(&entry.key.value.as_str()));
        let mut meant =
            meant.filter(|entry| nearest(&entry.key.value, NETWORKING.into_iter()) == Some(field));
        meant.next().map(|entry| &entry.value)
    })
}

/// Where a person looks for a document: at its kind.
pub(super) fn begin(root: &Node) -> Span {
    root.get("kind").map_or(root.span, |kind| kind.span)
}
