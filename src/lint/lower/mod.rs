//! From marked trees to the typed model: the only place that knows both.

mod apps;
mod bgp;
mod calico;
mod carried;
mod cilium;
mod cni;
mod commands;
mod defines;
mod dns;
mod encoded;
mod flannel;
mod forms;
mod helm;
mod ingress;
mod installs;
mod invocations;
mod kernel;
mod kubeadm;
mod kubernetes;
mod lists;
mod minikube;
mod parts;
mod patches;
mod reach;
mod scripts;
mod settings;
mod silent;
mod texts;
mod tools;
mod traffic;

pub(super) use scripts::{is_script, script_file};
pub(super) use texts::{corefile, sysctl_file};

use super::{
    model::{
        Address, AddressList, Arg, Args, ArgsForm, Asked, Gate, GateReader, Model, Owner,
        RangeEntry, RangeList, Role, Version,
    },
    source::{Source, SourceId, Sources, Spanned},
    tree::{self, Budget, Document, Flaw, Node, Scalar, Value},
};

use reach::Reach;
use silent::SILENT;

/// Whether a document is of a known kind, for the report's counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recognition {
    /// It was understood and is in the model.
    Known,
    /// Its kind says nothing about the network.
    Silent,
    /// Its kind is not known here: the name, or nothing where it has none.
    Unknown(Option<String>),
}

/// How deep documents may stand inside documents: a List holds a ConfigMap holds kubeadm's
/// configuration.
const MAX_EMBEDDING: usize = 4;

/// Adds what a document says to the model. Texts found inside it are added to the sources.
pub(super) fn lower(
    document: Document,
    sources: &mut Sources,
    budget: &Budget,
    model: &mut Model,
) -> Vec<Recognition> {
    let mut lower = Lower::new(sources, budget, model);
    lower.reach = lower.in_file(document.root.span.source);
    lower.document(document);
    lower.recognized
}

/// An empty model for a cluster of which the user says `asked`.
pub(super) fn model(asked: Asked) -> Model {
    Model { asked, ..Model::default() }
}

/// Whether a document says what a cluster's network is to be, so that another one like it is
/// another cluster's.
pub(super) fn defines_cluster(root: &Node) -> bool {
    let text = |key| root.get(key).and_then(Node::str).unwrap_or_default();
    let group = text("apiVersion").split('/').next().unwrap_or_default();
    match (group, text("kind")) {
        (
            "kubeadm.k8s.io" | "k0s.k0sproject.io" | "eksctl.io",
            "ClusterConfig" | "ClusterConfiguration",
        )
        | (
            "kind.x-k8s.io" | "k0sctl.k0sproject.io" | "cluster.x-k8s.io" | "kops.k8s.io",
            "Cluster",
        )
        | ("core.gardener.cloud", "Shoot")
        | ("kubeone.k8c.io" | "kubeone.io", "KubeOneCluster") => true,
        (
            "k3d.io"
            | "provisioning.cattle.io"
            | "controlplane.cluster.x-k8s.io"
            | "k0smotron.io"
            | "kamaji.clastix.io",
            "Simple"
            | "Cluster"
            | "KThreesControlPlane"
            | "K0sControlPlane"
            | "K0smotronControlPlane"
            | "TenantControlPlane",
        ) => true,
        (_, "") => {
            let talos = ["podSubnets", "serviceSubnets"];
            let kubespray = ["kube_pods_subnet", "kube_service_addresses"];
            is_k3s(root)
                || talos.iter().any(|key| root.at(&["cluster", "network", key]).is_some())
                || kubespray.iter().any(|key| root.get(key).is_some())
                || root.get("clusterPodNets").is_some()
                || Lower::is_cluster(root)
                || defines::cluster(root)
        }
        _ => false,
    }
}

/// Whether a document is a server's configuration of k3s or RKE2.
pub(super) fn is_k3s(root: &Node) -> bool {
    ["cluster-cidr", "service-cidr"].iter().any(|key| root.get(key).is_some())
}

struct Lower<'a> {
    sources: &'a mut Sources,
    budget: &'a Budget,
    model: &'a mut Model,
    recognized: Vec<Recognition>,
    depth: usize,
    /// Whether what is read only changes documents that a tool writes.
    patching: bool,
    /// On what commands act where they stand.
    reach: Reach,
}

impl<'a> Lower<'a> {
    fn new(sources: &'a mut Sources, budget: &'a Budget, model: &'a mut Model) -> Self {
        Self {
            sources,
            budget,
            model,
            recognized: Vec::new(),
            depth: 0,
            patching: false,
            reach: Reach::default(),
        }
    }

    /// On what commands of a file act.
    fn in_file(&self, id: SourceId) -> Reach {
        self.reach.in_file(&self.sources.get(id).name)
    }

    fn document(&mut self, document: Document) {
        let Document { root, flaws } = document;
        self.sysctls(&root);
        let recognition = self.recognize(&root);
        if recognition == Recognition::Known {
            self.model.flaws.extend(flaws);
        }
        self.recognized.push(recognition);
    }

    /// Adds an object, and says whether its kind is known.
    fn recognize(&mut self, root: &Node) -> Recognition {
        if self.object(root) {
            return Recognition::Known;
        }
        let kind = root.get("kind").and_then(Node::str);
        // A schema describes, and a patch of Kustomize's is a part of a document.
        let other = ["CustomResourceDefinition", "Kustomization", "Component"];
        let patches = kind.is_none() && root.get("patches").is_some();
        if !kind.is_some_and(|kind| other.contains(&kind)) && !patches {
            // What an operator is asked for may say how its Services are to be.
            let carried = self.carried(root);
            if self.value_services(root) || carried {
                return Recognition::Known;
            }
        }
        match root.get("kind").and_then(Node::text).map(|kind| kind.value) {
            Some(kind) if SILENT.contains(&kind.as_str()) => Recognition::Silent,
            kind => Recognition::Unknown(kind),
        }
    }

    /// Adds an object; false if it is of no kind that is known here.
    fn object(&mut self, root: &Node) -> bool {
        let api = root.get("apiVersion").and_then(Node::text);
        let kind = root.get("kind").and_then(Node::text);
        let Some(kind) = kind else { return self.by_keys(root) };
        let (group, version) = match api.as_ref().map(|api| api.value.as_str()) {
            Some(api) => api.split_once('/').unwrap_or(("", api)),
            None => ("", ""),
        };
        match (group, kind.value.as_str()) {
            ("kubeadm.k8s.io", _) => {
                let version = api.as_ref().map(|api| api.with(version.to_owned()));
                self.kubeadm(root, &kind, version)
            }
            ("kubelet.config.k8s.io", "KubeletConfiguration") => self.kubelet(root),
            ("kubeproxy.config.k8s.io", "KubeProxyConfiguration") => self.proxy(root),
            ("kind.x-k8s.io", "Cluster") => self.kind_cluster(root),
            ("k0s.k0sproject.io", "ClusterConfig") => self.k0s(root),
            ("k0sctl.k0sproject.io", "Cluster") => self.k0sctl(root),
            ("cluster.x-k8s.io", "Cluster") => self.capi_cluster(root),
            ("cluster.x-k8s.io", "ClusterClass") => self.capi_class(root),
            ("kops.k8s.io", "Cluster") => self.kops(root),
            ("core.gardener.cloud", "Shoot") => self.gardener(root),
            ("kubeone.k8c.io" | "kubeone.io", "KubeOneCluster") => self.kubeone(root),
            ("kubeovn.io", "Subnet") => self.kube_ovn_subnet(root),
            ("install.istio.io", "IstioOperator") => self.istio_operator(root),
            ("networking.istio.io", "ServiceEntry") => self.service_entry(root),
            ("config.openshift.io" | "operator.openshift.io", "Network") => {
                root.get("spec").is_some_and(|spec| self.openshift_networking(spec))
            }
            ("hypershift.openshift.io", "HostedCluster") => root
                .at(&["spec", "networking"])
                .is_some_and(|network| self.openshift_networking(network)),
            ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane")
            | ("controlplane.cluster.x-k8s.io", "KubeadmControlPlaneTemplate")
            | ("bootstrap.cluster.x-k8s.io", "KubeadmConfig")
            | ("bootstrap.cluster.x-k8s.io", "KubeadmConfigTemplate") => self.capi_kubeadm(root),
            ("kamaji.clastix.io", "TenantControlPlane") => self.kamaji(root),
            ("k0smotron.io", "Cluster")
            | (
                "controlplane.cluster.x-k8s.io",
                "K0smotronControlPlane" | "K0smotronControlPlaneTemplate",
            ) => self.k0smotron(root),
            ("helm.crossplane.io", "Release") => self.helm_crossplane(root),
            ("eksctl.io", "ClusterConfig") => self.eksctl(root),
            ("k3d.io", "Simple" | "ClusterConfig") => self.k3d(root),
            ("provisioning.cattle.io", "Cluster") => self.rancher(root),
            ("controlplane.cluster.x-k8s.io", "KThreesControlPlane") => {
                self.k3s_control_plane(root)
            }
            ("controlplane.cluster.x-k8s.io", "RKE2ControlPlane" | "RKE2ControlPlaneTemplate")
            | ("bootstrap.cluster.x-k8s.io", "RKE2ConfigTemplate") => self.rke2_control_plane(root),
            ("controlplane.cluster.x-k8s.io", "K0sControlPlane" | "K0sControlPlaneTemplate") => {
                self.k0s_control_plane(root)
            }
            ("helm.cattle.io", "HelmChart" | "HelmChartConfig") => self.helm_chart(root),
            ("helm.toolkit.fluxcd.io", "HelmRelease") => self.helm_release(root),
            ("source.toolkit.fluxcd.io", "OCIRepository") => self.oci_repository(root),
            ("argoproj.io", "Application") => self.argo_application(root),
            ("argoproj.io", "ApplicationSet") => {
                root.at(&["spec", "template"]).is_some_and(|app| self.argo_application(app))
            }
            ("kustomize.config.k8s.io", "Kustomization" | "Component") => {
                let charts = self.kustomize_charts(root);
                self.kustomize_patches(root) || charts
            }
            ("addons.cluster.x-k8s.io", "HelmChartProxy") => self.helm_chart_proxy(root),
            ("", "Service") => self.service(root),
            ("", "ConfigMap") => self.config_map(root),
            ("", "Pod") => self.pod(root, root.get("spec")),
            ("", "Node") => self.node_object(root),
            ("apps", "DaemonSet" | "Deployment" | "StatefulSet" | "ReplicaSet") => {
                self.pod(root, root.at(&["spec", "template", "spec"]))
            }
            ("networking.k8s.io", "ServiceCIDR") => self.service_cidr(root),
            ("networking.k8s.io", "NetworkPolicy") => self.network_policy(root),
            (
                "policy.networking.k8s.io",
                "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy",
            ) => self.admin_policy(root),
            ("cilium.io", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy") => {
                self.cilium_policy(root)
            }
            (
                "crd.projectcalico.org" | "projectcalico.org",
                "NetworkPolicy" | "GlobalNetworkPolicy",
            ) => self.calico_policy(root),
            ("metallb.io", "IPAddressPool" | "AddressPool")
            | ("cilium.io", "CiliumLoadBalancerIPPool") => self.address_pool(root),
            ("purelb.io", "ServiceGroup") => self.service_group(root),
            ("cilium.io", "CiliumPodIPPool") => self.cilium_pod_pool(root),
            ("cilium.io", "CiliumBGPClusterConfig") => self.bgp_cluster_config(root),
            ("cilium.io", "CiliumBGPPeerConfig") => self.bgp_peer_config(root),
            ("cilium.io", "CiliumBGPAdvertisement") => self.bgp_advertisement(root),
            ("cilium.io", "CiliumL2AnnouncementPolicy") => self.l2_announcement(root),
            ("cilium.io", "CiliumBGPPeeringPolicy") => self.bgp_peering_policy(root),
            ("k8s.cni.cncf.io", "NetworkAttachmentDefinition") => self.attachment(root),
            ("gateway.envoyproxy.io", "EnvoyProxy") => self.envoy_proxy(root),
            ("metallb.io", "L2Advertisement" | "BGPAdvertisement") => self.advertisement(root),
            (
                "admissionregistration.k8s.io",
                "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
            )
            | ("apiregistration.k8s.io", "APIService") => self.called(root),
            ("crd.projectcalico.org" | "projectcalico.org", "IPPool") => self.ip_pool(root),
            ("crd.projectcalico.org" | "projectcalico.org", "FelixConfiguration") => {
                self.model.felix.extend(root.at(&["spec", "ipv6Support"]).and_then(Node::text));
                true
            }
            ("crd.projectcalico.org" | "projectcalico.org", "BGPConfiguration") => {
                self.calico_bgp_configuration(root)
            }
            ("crd.projectcalico.org" | "projectcalico.org", "BGPPeer") => {
                self.calico_bgp_peer(root)
            }
            ("operator.tigera.io", "Installation") => self.installation(root),
            (group, kind) => {
                (kind.ends_with("List") && self.list(root)) || self.provider(group, kind, root)
            }
        }
    }

    /// The documents inside a scalar: those of a literal block keep their positions in the file,
    /// others become a source of their own.
    fn embedded(&mut self, node: &Node, name: &str) -> Vec<Document> {
        if self.depth >= MAX_EMBEDDING {
            return Vec::new();
        }
        let Some(scalar) = node.scalar() else { return Vec::new() };
        let mut flaws = Vec::new();
        let documents = if let Scalar { block: Some(block), text, .. } = scalar {
            let id = node.span.source;
            tree::parse(self.sources.get(id), id, Some((text, *block)), self.budget, &mut flaws)
        } else {
            let outer = self.sources.get(node.span.source);
            let source =
                Source::new(format!("{} ({name})", outer.name), false, scalar.text.clone());
            let id = self.sources.add(source);
            tree::parse(self.sources.get(id), id, None, self.budget, &mut flaws)
        };
        self.model.flaws.extend(flaws);
        documents
    }

    /// Adds the documents inside a scalar.
    fn embedded_documents(&mut self, node: &Node, name: &str) {
        for document in self.embedded(node, name) {
            self.depth += 1;
            if self.object(&document.root) {
                self.model.flaws.extend(document.flaws);
            }
            self.depth -= 1;
        }
    }

    /// The part of a scalar's span that holds `part`, which begins at byte `offset` of its text.
    fn part(&self, text: &Spanned<String>, offset: usize, part: &str) -> Spanned<String> {
        part_from(text, self.written(text), offset, part)
    }

    /// Where in a scalar's span its text begins. Nothing where escapes or folding keep it from
    /// being written as it reads.
    fn written(&self, text: &Spanned<String>) -> Option<usize> {
        self.sources.text(text.span).find(text.value.as_str())
    }

    /// The parts of a scalar between commas, as they are written, each with its position.
    fn split(&self, text: &Spanned<String>) -> Vec<Spanned<String>> {
        let written = self.written(text);
        let mut offset = 0;
        let mut parts = Vec::new();
        for part in text.value.split(',') {
            parts.push(part_from(text, written, offset, part));
            offset += part.len() + 1;
        }
        parts
    }

    fn ranges(
        &self,
        text: Option<Spanned<String>>,
        role: Role,
        owner: Owner,
        field: &'static str,
    ) -> Option<RangeList> {
        let text = text.filter(|text| !text.value.is_empty())?;
        let entries = self.split(&text).into_iter().map(RangeEntry::new).collect();
        Some(RangeList { role, owner, field, text, entries, assumed: false })
    }

    fn addresses(&self, text: &Spanned<String>) -> AddressList {
        let entries = self.split(text).into_iter().map(Address::new).collect();
        AddressList { text: text.clone(), entries }
    }

    /// Flags as kubeadm's `extraArgs` give them, in either form.
    fn extra_args(&self, node: Option<&Node>) -> Args {
        let Some(node) = node else { return Args::default() };
        let (form, list): (_, Vec<Arg>) = match &node.value {
            Value::Map(entries) => (
                ArgsForm::Map,
                entries
                    .iter()
                    .filter_map(|entry| {
                        let value = entry.value.text()?;
                        Some(Arg { name: entry.key.clone(), value })
                    })
                    .collect(),
            ),
            Value::List(items) => (
                ArgsForm::List,
                items
                    .iter()
                    .filter_map(|item| {
                        let name = item.get("name")?.text()?;
                        let empty = || Spanned::new(String::new(), name.span);
                        let value = item.get("value").and_then(Node::text).unwrap_or_else(empty);
                        Some(Arg { name, value })
                    })
                    .collect(),
            ),
            Value::Scalar(_) => return Args::default(),
        };
        let source = self.sources.get(node.span.source);
        let rewrite = match form {
            ArgsForm::Map => forms::to_list(source, node.span, &list),
            ArgsForm::List => forms::to_map(source, &list),
        };
        Args { list, form: Some(Spanned::new(form, node.span)), rewrite }
    }

    /// Flags as a command line gives them: `--name=value`, or `--name` and then the value.
    fn command_line<'n>(&self, words: impl Iterator<Item = &'n Node>) -> Args {
        self.flags(&words.filter_map(Node::text).collect::<Vec<_>>())
    }

    /// The flags among words.
    fn flags(&self, words: &[Spanned<String>]) -> Args {
        let mut list = Vec::new();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.value.strip_prefix("--") else { continue };
            let dashes = word.value.len() - flag.len();
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, self.part(word, dashes + name.len() + 1, value)),
                None => match words.next_if(|next| !next.value.starts_with("--")) {
                    Some(value) => (flag, value.clone()),
                    None => (flag, word.with("true".to_owned())),
                },
            };
            list.push(Arg { name: self.part(word, dashes, name), value });
        }
        Args { list, ..Args::default() }
    }

    fn gate_map(&mut self, node: Option<&Node>, reader: GateReader) {
        for entry in node.map(Node::entries).unwrap_or_default() {
            let enabled = entry.value.str().and_then(|text| text.parse().ok());
            let name = entry.key.clone();
            self.model.gates.push(Gate { name, enabled, reader });
        }
    }

    /// The gates of a `--feature-gates` flag.
    fn gate_flag(&mut self, args: &Args, reader: GateReader) {
        let Some(value) = args.get("feature-gates") else { return };
        for part in self.split(value) {
            let Some((name, enabled)) = part.value.split_once('=') else { continue };
            let name = Spanned::new(name.trim().to_owned(), part.span.slice(0, name.len()));
            let enabled = enabled.trim().parse().ok();
            self.model.gates.push(Gate { name, enabled, reader });
        }
    }

    /// The version that an image's tag names, as in `registry.k8s.io/kube-apiserver:v1.36.3`.
    fn image_version(&mut self, image: Option<&Node>) {
        let Some(image) = image.and_then(Node::text) else { return };
        let tag = image.value.split('@').next().and_then(|image| image.rsplit_once(':'));
        let tag = tag.map(|(_, tag)| image.with(tag.to_owned()));
        self.version(tag);
    }

    fn version(&mut self, text: Option<Spanned<String>>) {
        if let Some(text) = text
            && let Ok(version) = text.value.parse::<Version>()
        {
            self.model.versions.push(text.with(version));
        }
    }

    fn flaws(&mut self, check: impl FnOnce(&mut Vec<Flaw>)) {
        check(&mut self.model.flaws);
    }
}

/// A part of a text whose beginning in its span is known, which is not to be searched for each part.
fn part_from(
    text: &Spanned<String>,
    written: Option<usize>,
    offset: usize,
    part: &str,
) -> Spanned<String> {
    let span = written.map_or(text.span, |at| text.span.slice(at + offset, part.len()));
    Spanned::new(part.to_owned(), span)
}
