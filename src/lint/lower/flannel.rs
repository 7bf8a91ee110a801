//! flannel's `net-conf.json`.

use crate::lint::{
    model::{Arg, Args, Flannel, has_variable, is_template},
    source::{Edit, Span, Spanned},
    tree::{Document, Entry, Node, ScalarKind, Value},
};

use super::Lower;

impl Lower<'_> {
    /// The text of `net-conf.json` in flannel's ConfigMap.
    pub(super) fn flannel_config(&mut self, node: &Node, key: &Spanned<String>) {
        let Some(text) = node.text() else { return };
        // What a shell is still to fill in need not be JSON yet.
        let whole = !has_variable(&text.value) && !is_template(&text.value);
        let parsed = serde_json::from_str::<serde_json::Value>(&text.value);
        let broken = parsed.err().filter(|_| whole).map(|error| {
            let line = error.line().saturating_sub(1);
            let span = self.line_span(node, line, error.column().saturating_sub(1), 1);
            Spanned::new(error.to_string(), span)
        });
        // What is not JSON is mostly YAML still, and its fields can be read as such.
        let before = self.model.flaws.len();
        let documents = self.embedded(node, &key.value);
        self.model.flaws.truncate(before);
        let mut flannel = Flannel {
            at: key.span,
            broken,
            settings: Args::default(),
            enable: None,
            texts: Vec::new(),
        };
        if let Some(Document { root, .. }) = documents.first() {
            fields(root, "", &mut flannel);
            flannel.enable = self.enable_ipv6(root);
        }
        self.model.flannel.push(flannel);
    }

    /// The edit that writes `"EnableIPv6": true` before `IPv6Network`, on a line of its own if that
    /// is on one.
    fn enable_ipv6(&self, root: &Node) -> Option<Edit> {
        let same = |entry: &&Entry| entry.key.value.eq_ignore_ascii_case("IPv6Network");
        let key = root.entries().iter().find(same)?.key.span;
        let source = self.sources.get(key.source);
        let line = source.line_range(source.line_of(key.start)).start;
        let before = source.text.get(line..key.start)?;
        let start = key.start - usize::from(before.ends_with('"'));
        let before = before.trim_end_matches('"');
        let new = match before.trim().is_empty() {
            true => format!("\"EnableIPv6\": true,\n{before}"),
            false => "\"EnableIPv6\": true, ".to_owned(),
        };
        let span = Span { start, end: start, ..key };
        source.is_file.then(|| Edit::new(span, "", new))
    }

    /// `net-conf.json` as a file of its own.
    pub(super) fn flannel_file(&mut self, root: &Node) -> bool {
        let has = |keys: &[&str]| keys.iter().any(|key| root.get(key).is_some());
        if !has(&["Backend", "EnableIPv6"]) || !has(&["Network", "IPv6Network"]) {
            return false;
        }
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        let settings = Args::default();
        let mut flannel = Flannel { at, broken: None, settings, enable: None, texts: Vec::new() };
        fields(root, "", &mut flannel);
        flannel.enable = self.enable_ipv6(root);
        self.model.flannel.push(flannel);
        true
    }

    /// Helm values of flannel's chart.
    pub(super) fn flannel_values(&mut self, root: &Node, at: Span) {
        let mut list = Vec::new();
        let mut set = |name: &str, value: Spanned<String>| {
            list.push(Arg { name: Spanned::new(name.to_owned(), value.span), value });
        };
        let text = |key: &str| root.get(key).and_then(Node::text);
        // The chart has a range of IPv4 by itself.
        let default = || Spanned::new("10.244.0.0/16".to_owned(), at);
        set("network", text("podCidr").unwrap_or_else(default));
        // The chart turns IPv6 on by the range.
        if let Some(range) = text("podCidrv6").filter(|range| !range.value.is_empty()) {
            set("enableipv6", range.with("true".to_owned()));
            set("ipv6network", range);
        }
        let backend = root.at(&["flannel", "backend"]).and_then(Node::text);
        set("backend.type", backend.unwrap_or_else(|| Spanned::new("vxlan".to_owned(), at)));
        self.flannel_settings(at, list);
    }

    /// What a chart's values say of flannel.
    fn flannel_settings(&mut self, at: Span, list: Vec<Arg>) {
        let settings = Args { list, ..Args::default() };
        let flannel = Flannel { at, broken: None, settings, enable: None, texts: Vec::new() };
        self.model.flannel.push(flannel);
    }

    /// Helm values of RKE2's chart of Canal, to which RKE2 gives the cluster's ranges: what is said
    /// of flannel counts where IPv6 is on by a range among the values.
    pub(super) fn canal_values(&mut self, root: &Node, at: Span) {
        let range = |all: &str, own: &str| {
            let set = root.at(&["global", all]).and_then(Node::text);
            let set = set.filter(|range| !range.value.is_empty());
            set.or_else(|| root.get(own).and_then(Node::text))
        };
        let Some(v6) = range("clusterCIDRv6", "podCidrv6") else { return };
        // What RKE2 gives where it is told no range.
        let rke2 = Spanned::new("10.42.0.0/16".to_owned(), at);
        let backend = root.at(&["flannel", "backend"]).and_then(Node::text);
        let settings = [
            ("network", range("clusterCIDRv4", "podCidr").or(Some(rke2))),
            ("enableipv6", Some(v6.with("true".to_owned()))),
            ("ipv6network", Some(v6)),
            ("backend.type", backend.or_else(|| Some(Spanned::new("vxlan".to_owned(), at)))),
        ];
        let set = |(name, value): (&str, Option<Spanned<String>>)| {
            let value = value?;
            Some(Arg { name: value.with(name.to_owned()), value })
        };
        let list = settings.into_iter().filter_map(set).collect();
        self.flannel_settings(at, list);
    }
}

/// The fields of a mapping and of the mappings in it, as flannel's reader compares their names.
fn fields(node: &Node, before: &str, flannel: &mut Flannel) {
    for entry in node.entries() {
        let name = format!("{before}{}", entry.key.value.to_lowercase());
        if let Value::Map(_) = entry.value.value {
            fields(&entry.value, &format!("{name}."), flannel);
        } else if let Some(value) = entry.value.text() {
            if entry.value.scalar().is_some_and(|scalar| scalar.kind == ScalarKind::String) {
                flannel.texts.push(name.clone());
            }
            flannel.settings.list.push(Arg { name: entry.key.with(name), value });
        }
    }
}
