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
mod kind_patches;
mod kinds;
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
mod stock;
mod texts;
mod tools;
mod traffic;

pub(super) use installs::is_k3s_file;
pub(super) use scripts::{is_script, script_file};
pub(super) use texts::{corefile, sysctl_file};

use super::{
    model::{
        Address, AddressList, Arg, Args, ArgsForm, Asked, Gate, GateReader, Model, Owner,
        RangeEntry, RangeList, Role, Version,
    },
    schema::misspelt,
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
fn is_k3s(root: &Node) -> bool {
    ["cluster-cidr", "service-cidr"].iter().any(|key| root.get(key).is_some())
}

/// Whether a text holds kernel settings and nothing else.
pub(super) fn is_sysctl_text(text: &str) -> bool {
    Lower::is_sysctl_text(text)
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
            let (name, value) = (entry.key.clone(), entry.value.span);
            self.model.gates.push(Gate { name, enabled, value, reader });
        }
    }

    /// The gates of a `--feature-gates` flag.
    fn gate_flag(&mut self, args: &Args, reader: GateReader) {
        let Some(value) = args.get("feature-gates") else { return };
        for part in self.split(value) {
            let Some((name, enabled)) = part.value.split_once('=') else { continue };
            let value = part.span.slice(name.len() + 1, enabled.len());
            let name = Spanned::new(name.trim().to_owned(), part.span.slice(0, name.len()));
            let enabled = enabled.trim().parse().ok();
            self.model.gates.push(Gate { name, enabled, value, reader });
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

    /// Finds keys that are most likely meant to be one of the fields that a tool has.
    fn misspelt(&mut self, reader: &'static str, name: &str, node: Option<&Node>, fields: &[&str]) {
        let Some(node) = node else { return };
        let mut found = Vec::new();
        misspelt(name, node, fields, &mut found);
        self.model.flaws.extend(found.into_iter().map(|(_, flaw)| flaw.reader(reader)));
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
