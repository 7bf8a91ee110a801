//! Parts of Services that other documents hold: Helm values, and patches of Kustomize's.

use crate::lint::{
    model::{Address, Extent, Service},
    source::Spanned,
    tree::{Node, Value},
};

use super::{Lower, patches};

/// How deep values are searched for Services.
const MAX_DEPTH: usize = 8;

impl Lower<'_> {
    /// The families that Services are to have by a chart's values, wherever in them they stand.
    pub(super) fn value_services(&mut self, values: &Node) -> bool {
        self.services_below(values, "", 0)
    }

    fn services_below(&mut self, node: &Node, path: &str, depth: usize) -> bool {
        if let Value::List(items) = &node.value {
            let mut known = false;
            for item in items.iter().filter(|_| depth < MAX_DEPTH) {
                known |= self.services_below(item, path, depth + 1);
            }
            return known;
        }
        let Value::Map(entries) = &node.value else { return false };
        let mut known = self.service_part(node, path, Extent::Values);
        for entry in entries.iter().filter(|_| depth < MAX_DEPTH) {
            let key = entry.key.value.as_str();
            let below = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            known |= self.services_below(&entry.value, &below, depth + 1);
        }
        known
    }

    /// A part of a Service's `spec`; false if it says nothing about families.
    pub(super) fn service_part(&mut self, spec: &Node, name: &str, extent: Extent) -> bool {
        let text = |key: &str| spec.get(key)?.text().filter(|text| !text.value.is_empty());
        let list = |key: &str| spec.get(key).map(Node::items).unwrap_or_default().iter();
        let families: Vec<Spanned<String>> = list("ipFamilies").filter_map(Node::text).collect();
        let policy = text("ipFamilyPolicy");
        let Some(at) = policy.as_ref().or(families.first()).map(|text| text.span) else {
            return false;
        };
        self.model.services.push(Service {
            at,
            name: name.to_owned(),
            extent,
            kind: text("type"),
            legacy_family: None,
            policy,
            families,
            cluster_ip: None,
            cluster_ips: Vec::new(),
            external_ips: Vec::new(),
            load_balancer_ips: text("loadBalancerIP").map(Address::new).into_iter().collect(),
            ipv4_only: None,
            source_ranges: Vec::new(),
            class: None,
            annotations: Vec::new(),
        });
        true
    }

    /// What Kustomize's patches say of Services.
    pub(super) fn kustomize_patches(&mut self, root: &Node) -> bool {
        let list = |key: &str| root.get(key).map(Node::items).unwrap_or_default();
        let mut known = false;
        for patch in list("patches").iter().chain(list("patchesJson6902")) {
            let kind = patch.at(&["target", "kind"]).and_then(Node::str).map(str::to_owned);
            if let Some(text) = patch.get("patch") {
                known |= self.kustomize_patch(text, kind.as_deref());
            }
        }
        for patch in list("patchesStrategicMerge").iter().filter(|text| is_document(text)) {
            known |= self.kustomize_patch(patch, None);
        }
        known
    }

    fn kustomize_patch(&mut self, text: &Node, target: Option<&str>) -> bool {
        let before = self.model.flaws.len();
        let documents = self.embedded(text, "patch");
        self.model.flaws.truncate(before);
        let mut known = false;
        for document in documents {
            let operations = patches::is_patch(&document.root);
            let root = match operations {
                true => patches::patched(&document.root),
                false => document.root,
            };
            let own = root.get("kind").and_then(Node::str);
            if own.or(target) == Some("Service")
                && let Some(spec) = root.get("spec")
            {
                known |= self.service_part(spec, "", Extent::Part);
            }
        }
        known
    }
}

/// Whether an entry is a document in place, and not the name of a file.
fn is_document(text: &Node) -> bool {
    text.str().is_some_and(|text| text.contains('\n'))
}
