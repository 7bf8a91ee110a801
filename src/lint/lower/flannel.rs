//! flannel's `net-conf.json`.

use crate::lint::{
    model::{Arg, Args, Flannel},
    source::{Span, Spanned},
    tree::{Document, Node, Value},
};

use super::Lower;

impl Lower<'_> {
    /// The text of `net-conf.json` in flannel's ConfigMap.
    pub(super) fn flannel_config(&mut self, node: &Node, key: &Spanned<String>) {
        let Some(text) = node.text() else { return };
        let broken = serde_json::from_str::<serde_json::Value>(&text.value).err().map(|error| {
            let line = error.line().saturating_sub(1);
            let span = self.line_span(node, line, error.column().saturating_sub(1), 1);
            Spanned::new(error.to_string(), span)
        });
        // What is not JSON is mostly YAML still, and its fields can be read as such.
        let before = self.model.flaws.len();
        let documents = self.embedded(node, &key.value);
        self.model.flaws.truncate(before);
        let mut list = Vec::new();
        if let Some(Document { root, .. }) = documents.first() {
            fields(root, "", &mut list);
        }
        let settings = Args { list, ..Args::default() };
        self.model.flannel.push(Flannel { at: key.span, broken, settings });
    }

    /// Helm values of flannel's chart.
    pub(super) fn flannel_values(&mut self, root: &Node, at: Span) {
        let mut list = Vec::new();
        let mut set = |name: &str, value: Spanned<String>| {
            list.push(Arg { name: Spanned::new(name.to_owned(), value.span), value });
        };
        let text = |key: &str| root.get(key).and_then(Node::text);
        if let Some(range) = text("podCidr") {
            set("network", range);
        }
        // The chart turns IPv6 on by the range.
        if let Some(range) = text("podCidrv6").filter(|range| !range.value.is_empty()) {
            set("enableipv6", range.with("true".to_owned()));
            set("ipv6network", range);
        }
        if let Some(backend) = root.at(&["flannel", "backend"]).and_then(Node::text) {
            set("backend.type", backend);
        }
        let settings = Args { list, ..Args::default() };
        self.model.flannel.push(Flannel { at, broken: None, settings });
    }
}

/// The fields of a mapping and of the mappings in it, as flannel's reader compares their names.
fn fields(node: &Node, before: &str, list: &mut Vec<Arg>) {
    for entry in node.entries() {
        let name = format!("{before}{}", entry.key.value.to_lowercase());
        if let Value::Map(_) = entry.value.value {
            fields(&entry.value, &format!("{name}."), list);
        } else if let Some(value) = entry.value.text() {
            list.push(Arg { name: entry.key.with(name), value });
        }
    }
}
