//! CNI configuration: a node's, which is the network of all Pods, and that of networks which Pods ask
//! for beside it by Multus' `NetworkAttachmentDefinition`.

use crate::lint::{
    model::{Address, CniNetwork, CniRange, RangeEntry, has_variable, is_template},
    source::{Span, Spanned},
    tree::{Flaw, FlawKind, Node, Value},
};

use super::Lower;

/// Whether a text is CNI configuration with an IPAM plugin.
pub(super) fn is_text(text: &str) -> bool {
    text.trim_start().starts_with('{')
        && text.contains("\"cniVersion\"")
        && text.contains("\"ipam\"")
}

impl Lower<'_> {
    /// Multus' `NetworkAttachmentDefinition`, whose configuration is a text of JSON.
    pub(super) fn attachment(&mut self, root: &Node) -> bool {
        let config = root.at(&["spec", "config"]);
        // What a template is still to fill in need not be JSON yet.
        let config = config.filter(|node| !node.str().is_some_and(is_template));
        if let Some(config) = config {
            let before = self.model.flaws.len();
            for document in self.embedded(config, "config") {
                self.cni(&document.root, false);
            }
            self.not_json(config, before);
        }
        true
    }

    /// Says why a text is not JSON, which reads well enough as YAML: nothing was said of it since
    /// there were that many flaws. Calico's `__WORD__`s are filled in before anybody reads it.
    pub(super) fn not_json(&mut self, node: &Node, flaws: usize) {
        let told = self.model.flaws.len() > flaws;
        let unfinished = |text: &str| has_variable(text) || is_template(text);
        let Some(text) = node.str().filter(|text| !told && !unfinished(text)) else { return };
        let is_word = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        let fill = |(at, part): (usize, &str)| match at % 2 == 1 && is_word(part) {
            true => "1".repeat(part.len()),
            false => part.to_owned(),
        };
        let filled: Vec<String> = text.split("__").enumerate().map(fill).collect();
        let filled = filled.join("11");
        let Err(error) = serde_json::from_str::<serde_json::Value>(&filled) else { return };
        let line = error.line().saturating_sub(1);
        let span = self.line_span(node, line, error.column().saturating_sub(1), 1);
        let message = format!("this must be JSON: {error}");
        let flaw = Flaw::new(FlawKind::Syntax, span, message);
        self.model.flaws.push(flaw.fix("write JSON: no comma behind the last item, texts in \"\""));
    }

    /// A node's configuration: one plugin, or a list of them.
    pub(super) fn cni_file(&mut self, root: &Node) -> bool {
        let known = root.get("cniVersion").is_some()
            && (root.get("plugins").is_some() || root.get("ipam").is_some());
        if known {
            self.cni(root, true);
        }
        known
    }

    fn cni(&mut self, root: &Node, main: bool) {
        let plugins = root.get("plugins").map(Node::items).unwrap_or_default();
        for plugin in plugins.iter().chain([root]) {
            let Some(entry) = plugin.entry("ipam") else { continue };
            let ipam = &entry.value;
            let network = match ipam.get("type").and_then(Node::str) {
                Some("host-local") => host_local(ipam),
                Some("whereabouts") => self.whereabouts(ipam),
                _ => continue,
            };
            let (sets, flat) = network;
            let routes = ipam.get("routes").map(Node::items).unwrap_or_default().iter();
            let routes = routes.filter_map(|route| route.get("dst")?.text());
            self.model.cni_networks.push(CniNetwork {
                at: entry.key.span,
                main,
                host_local: ipam.get("type").and_then(Node::str) == Some("host-local"),
                sets,
                flat,
                routes: routes.map(RangeEntry::new).collect(),
            });
        }
    }

    /// whereabouts' ranges, of which each gives an address: `range` and `ipRanges`. A range may have
    /// its first address before it.
    fn whereabouts(&self, ipam: &Node) -> (Vec<Vec<CniRange>>, Option<Span>) {
        let several = ipam.get("ipRanges").map(Node::items).unwrap_or_default();
        let set = |node: &Node| {
            let text = node.get("range")?.text()?;
            let mut ends = ends(node, ["range_start", "range_end"]);
            let subnet = match text.value.split_once('-') {
                Some((first, rest)) => {
                    ends.push(Address::new(self.part(&text, 0, first)));
                    self.part(&text, first.len() + 1, rest)
                }
                None => text,
            };
            Some(vec![CniRange { subnet: RangeEntry::new(subnet), ends }])
        };
        ([ipam].into_iter().chain(several).filter_map(set).collect(), None)
    }
}

/// host-local's sets of ranges: `ranges`, and the one that stands beside the plugin's name.
fn host_local(ipam: &Node) -> (Vec<Vec<CniRange>>, Option<Span>) {
    let range = |node: &Node| {
        let subnet = node.get("subnet")?.text()?;
        Some(CniRange {
            subnet: RangeEntry::new(subnet),
            ends: ends(node, ["rangeStart", "rangeEnd"]),
        })
    };
    let sets = ipam.get("ranges").map(Node::items).unwrap_or_default();
    let flat = sets.iter().find(|set| matches!(set.value, Value::Map(_))).map(|set| set.span);
    let sets = sets.iter().map(|set| set.items().iter().filter_map(range).collect());
    (range(ipam).map(|range| vec![range]).into_iter().chain(sets).collect(), flat)
}

fn ends(node: &Node, keys: [&str; 2]) -> Vec<Address> {
    let texts = keys.iter().filter_map(|key| node.get(key)?.text());
    texts.filter(|text: &Spanned<String>| !text.value.is_empty()).map(Address::new).collect()
}
