//! kubeadm patches of kind's: of which nodes they change a document, and which kind drops.

use crate::lint::{
    model::{DroppedPatch, Version},
    source::Spanned,
    tree::{Entry, Flaw, Node, Value},
};

use super::{Lower, patches};

/// A node of kind's.
struct KindNode {
    control_plane: bool,
    /// The version that its image names.
    version: Option<Spanned<Version>>,
}

/// A patch of one of the documents that kind writes for a node.
struct KindPatch {
    root: Node,
    flaws: Vec<Flaw>,
    kind: Spanned<String>,
    /// kubeadm's API version that it names, such as `v1beta4`.
    api: Option<Spanned<String>>,
    /// The node under which it stands; nothing where it is for all.
    node: Option<usize>,
}

impl KindPatch {
    fn new(root: Node, flaws: Vec<Flaw>, node: Option<usize>) -> Option<Self> {
        let kind = root.get("kind").and_then(Node::text)?;
        let api = root.get("apiVersion").and_then(Node::text);
        let api = api.and_then(|api| {
            let own = api.value.strip_prefix("kubeadm.k8s.io/")?.to_owned();
            Some(api.with(own))
        });
        Some(Self { root, flaws, kind, api, node })
    }

    /// The nodes on which kubeadm reads the document that it changes: `kubeadm init` runs on the
    /// first control plane, `kubeadm join` on the others.
    fn nodes(&self, nodes: &[KindNode]) -> Vec<usize> {
        if let Some(own) = self.node {
            return vec![own];
        }
        let first = nodes.iter().position(|node| node.control_plane).unwrap_or_default();
        let joins = |at: &usize| *at != first;
        match self.kind.value.as_str() {
            "JoinConfiguration" if nodes.len() > 1 => (0..nodes.len()).filter(joins).collect(),
            "ClusterConfiguration" | "InitConfiguration" | "JoinConfiguration" => vec![first],
            _ => (0..nodes.len()).collect(),
        }
    }
}

impl Lower<'_> {
    /// The patches of a cluster of kind's, and of its nodes.
    pub(super) fn kind_patches(&mut self, root: &Node) {
        let list = root.get("nodes").map(Node::items).unwrap_or_default();
        let mut nodes: Vec<KindNode> = list.iter().map(|node| self.kind_node(node)).collect();
        if nodes.is_empty() {
            nodes.push(KindNode { control_plane: true, version: None });
        }
        let holders = list.iter().enumerate().map(|(at, node)| (Some(at), node));
        let holders: Vec<_> = holders.chain([(None, root)]).collect();
        let mut all = Vec::new();
        for field in ["kubeadmConfigPatches", "kubeadmConfigPatchesJSON6902"] {
            for (node, holder) in &holders {
                for patch in holder.get(field).map(Node::items).unwrap_or_default() {
                    all.extend(match field {
                        "kubeadmConfigPatches" => self.merge_patches(patch, *node),
                        _ => self.json_patches(patch, *node),
                    });
                }
            }
        }
        let dropped: Vec<_> = all.iter().map(|patch| self.dropped(patch, &all, &nodes)).collect();
        for (patch, (used, dropped)) in all.into_iter().zip(dropped) {
            self.model.dropped_patches.extend(dropped);
            if used && self.patched_document(&patch.root, &patch.kind) {
                self.model.flaws.extend(patch.flaws);
            }
        }
    }

    fn kind_node(&mut self, node: &Node) -> KindNode {
        let role = node.get("role").and_then(Node::str);
        // kindest/node:v1.36.1@sha256:…
        let image = node.get("image").and_then(Node::text);
        let version = image.and_then(|image| {
            let tag = image.value.split('@').next()?.rsplit_once(':')?.1;
            Some(image.with(tag.parse::<Version>().ok()?))
        });
        self.model.versions.extend(version.clone());
        KindNode { control_plane: role != Some("worker"), version }
    }

    /// A patch names its kind, but mostly no API version.
    fn merge_patches(&mut self, patch: &Node, node: Option<usize>) -> Vec<KindPatch> {
        let documents = self.embedded(patch, "kubeadmConfigPatches").into_iter();
        let read = |mut document: crate::lint::tree::Document| {
            // kind's own documents carry a name, which kubeadm's reader passes over.
            if let Value::Map(entries) = &mut document.root.value {
                entries.retain(|entry| entry.key.value != "metadata");
            }
            KindPatch::new(document.root, document.flaws, node)
        };
        documents.filter_map(read).collect()
    }

    /// A JSON patch, beside which stands what it is for.
    fn json_patches(&mut self, patch: &Node, node: Option<usize>) -> Vec<KindPatch> {
        let text = |key: &str| patch.get(key).and_then(Node::text);
        let (Some(group), Some(api), Some(kind)) = (text("group"), text("version"), text("kind"))
        else {
            return Vec::new();
        };
        let Some(operations) = patch.get("patch") else { return Vec::new() };
        let api = api.with(format!("{}/{}", group.value, api.value));
        let mut all = Vec::new();
        for document in self.embedded(operations, "kubeadmConfigPatchesJSON6902") {
            if !patches::is_patch(&document.root) {
                continue;
            }
            let mut root = patches::patched(&document.root);
            if let Value::Map(entries) = &mut root.value {
                for (key, text) in [("apiVersion", &api), ("kind", &kind)] {
                    let value = Node::leaf(text);
                    entries.push(Entry { key: text.with(key.to_owned()), value });
                }
            }
            all.extend(KindPatch::new(root, Vec::new(), node));
        }
        all
    }

    /// A part of one of the documents that kind writes.
    fn patched_document(&mut self, root: &Node, kind: &Spanned<String>) -> bool {
        self.depth += 1;
        self.patching = true;
        let known = match kind.value.as_str() {
            _ if root.get("apiVersion").is_some() => self.object(root),
            "KubeletConfiguration" => self.kubelet(root),
            "KubeProxyConfiguration" => self.proxy(root),
            _ => self.kubeadm(root, kind, None),
        };
        self.patching = false;
        self.depth -= 1;
        known
    }

    /// Whether a patch changes a document of any node, and whether kind drops it at one, since it is
    /// of another API version of kubeadm than the document that kind writes for the node's version
    /// of Kubernetes. Given once for each API version, one of them matches.
    fn dropped(
        &self,
        patch: &KindPatch,
        all: &[KindPatch],
        nodes: &[KindNode],
    ) -> (bool, Option<DroppedPatch>) {
        let own = |node: &KindNode| {
            let version = node.version.as_ref().map(|version| version.value);
            written(version.or(self.model.asked.version))
        };
        let Some(api) = &patch.api else { return (true, None) };
        let (mut used, mut dropped) = (false, None);
        for at in patch.nodes(nodes) {
            let node = &nodes[at];
            let (name, matches) = own(node);
            if matches(&api.value) {
                used = true;
                continue;
            }
            let sibling = |other: &&KindPatch| {
                let here = other.node.is_none_or(|own| own == at);
                let matching = other.api.as_ref().is_some_and(|api| matches(&api.value));
                here && matching && other.kind.value == patch.kind.value
            };
            if dropped.is_none() && all.iter().find(sibling).is_none() {
                let version = node.version.clone();
                dropped = Some(DroppedPatch { api: api.clone(), own: name, version });
            }
        }
        (used, dropped)
    }
}

/// The API version of kubeadm in which kind writes its documents for a version of Kubernetes, and
/// which ones may be it.
fn written(version: Option<Version>) -> (&'static str, fn(&str) -> bool) {
    match version {
        Some(old) if old < Version::v1(23) => ("v1beta2", |api| api == "v1beta2"),
        Some(known) if known < Version::v1(36) => ("v1beta3", |api| api == "v1beta3"),
        // What kind writes from 1.36 on, and which image it takes where none is named, depends on
        // the version of kind; these have been gone since its images are of 1.23 and later.
        _ => ("v1beta3 or later", |api| !matches!(api, "v1beta1" | "v1beta2")),
    }
}
