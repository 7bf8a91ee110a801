//! What tools that install clusters are told: one file for each tool.

mod antrea;
mod cluster_api;
mod eksctl;
mod gardener;
mod k0s;
mod k3s;
mod kamaji;
mod kops;
mod kubeone;
mod kubespray;
mod microk8s;
mod openshift;
mod ovn;
mod providers;
mod rke;
mod talos;
mod wrapped;

pub(in crate::lint) use k3s::is_k3s_file;

use std::net::Ipv6Addr;

use crate::lint::{
    model::{
        Arg, Args, Component, ComponentName, GateReader, KubeProxyConfiguration, Owner, RangeEntry,
        RangeList, Role, Tool,
    },
    source::{Span, Spanned},
    tree::{Node, ScalarKind, Value},
};

use super::{Lower, patches};

/// Which ranges a setting gives: their role, the tool and the setting's name.
#[derive(Clone, Copy)]
struct Setting {
    role: Role,
    tool: Tool,
    field: &'static str,
}

impl Setting {
    const fn pods(tool: Tool, field: &'static str) -> Self {
        Self { role: Role::Pods, tool, field }
    }

    const fn services(tool: Tool, field: &'static str) -> Self {
        Self { role: Role::Services, tool, field }
    }
}

impl Lower<'_> {
    /// Whether a document without a kind is the cluster of a tool whose keys tell.
    pub(super) fn is_cluster(root: &Node) -> bool {
        Self::is_rke(root.get("rancher_kubernetes_engine_config").unwrap_or(root))
            || Self::is_microk8s_launch(root)
            || Self::is_openshift_install(root)
    }

    /// Documents without a kind, told by the keys that only one tool has.
    pub(super) fn by_keys(&mut self, root: &Node) -> bool {
        if patches::is_patch(root) {
            return self.by_keys(&patches::patched(root));
        }
        self.talos(root)
            || self.talhelper(root)
            || self.k3s(root)
            || self.hetzner_k3s(root)
            || self.kubespray(root)
            || self.rke(root)
            || self.microk8s(root)
            || self.install_config(root)
            || self.antrea(root)
            || self.cni_file(root)
            || self.helm_values(root, None)
            || self.kustomize_charts(root)
            || self.helmfile(root)
            || self.flannel_file(root)
    }

    /// Counts the nodes of a list that run a kubelet.
    fn listed(&mut self, list: Option<&Node>, runs: impl Fn(&Node) -> bool) {
        let Some(list) = list.filter(|list| !list.items().is_empty()) else { return };
        let count = list.items().iter().filter(|item| runs(item)).count();
        if let Ok(count) = u64::try_from(count) {
            self.model.listed_nodes.push(Spanned::new(count, list.span));
        }
    }

    /// Ranges in a list, each an item of its own.
    fn range_items(&self, node: Option<&Node>, setting: Setting) -> Option<RangeList> {
        let items = node.map(Node::items).unwrap_or_default();
        let parts: Vec<_> = items.iter().filter_map(item_text).collect();
        joined(&parts, setting)
    }

    /// Ranges that stand in a list, or in one text between commas.
    fn range_list(&self, node: Option<&Node>, setting: Setting) -> Option<RangeList> {
        let Setting { role, tool, field } = setting;
        let node = node?;
        if !matches!(node.value, Value::List(_)) {
            return self.ranges(node.text(), role, Owner::Tool(tool), field);
        }
        let items: Vec<_> = node.items().iter().filter_map(item_text).collect();
        let parts: Vec<_> = items.iter().flat_map(|item| self.split(item)).collect();
        joined(&parts, setting)
    }

    /// Flags as k3s takes them: `name=value` each.
    fn arg_list(&self, node: Option<&Node>) -> Args {
        let Some(node) = node else { return Args::default() };
        let one = node.text();
        let words = node.items().iter().filter_map(Node::text).chain(one);
        let arg = |word: Spanned<String>| {
            let flag = word.value.trim_start_matches('-');
            let dashes = word.value.len() - flag.len();
            let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
            let value = self.part(&word, dashes + name.len() + 1, value);
            Arg { name: self.part(&word, dashes, name), value }
        };
        Args { list: words.map(arg).collect(), ..Args::default() }
    }

    /// A control plane component that a tool starts with flags beside its own.
    fn tool_component(&mut self, name: ComponentName, at: Span, args: Args) {
        if args.list.is_empty() {
            return;
        }
        self.gate_flag(&args, GateReader::ControlPlane);
        let ranges = self.component_ranges(name, &args);
        if name == ComponentName::Proxy {
            self.proxy_flags(at, &args);
        }
        self.model.components.push(Component { at, name, args, ranges, extra: true });
    }

    /// kube-proxy's mode as a tool sets it.
    fn proxy_mode(&mut self, mode: Option<Spanned<String>>) {
        let Some(mode) = mode else { return };
        self.model.proxies.push(KubeProxyConfiguration {
            at: mode.span,
            mode: Some(mode),
            cluster_cidr: None,
            node_ports: Vec::new(),
            bind: None,
            windows: false,
        });
    }
}

/// The text of an item. An address that ends in `::` and isn't quoted is a key to YAML.
fn item_text(item: &Node) -> Option<Spanned<String>> {
    item.text().or_else(|| {
        let [entry] = item.entries() else { return None };
        let address = format!("{}:", entry.key.value);
        let empty = entry.value.scalar().is_some_and(|scalar| scalar.kind == ScalarKind::Null);
        (empty && address.parse::<Ipv6Addr>().is_ok()).then(|| entry.key.with(address))
    })
}

/// One list of ranges that stand in different places.
fn joined(parts: &[Spanned<String>], setting: Setting) -> Option<RangeList> {
    let Setting { role, tool, field } = setting;
    let first = parts.first()?;
    let same = parts.iter().filter(|part| part.span.source == first.span.source);
    let end = same.map(|part| part.span.end).max().unwrap_or(first.span.end);
    let start = parts.iter().filter(|part| part.span.source == first.span.source);
    let start = start.map(|part| part.span.start).min().unwrap_or(first.span.start);
    let text: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    Some(RangeList {
        role,
        owner: Owner::Tool(tool),
        field,
        text: Spanned::new(text.join(","), Span { start, end, ..first.span }),
        entries: parts.iter().cloned().map(RangeEntry::new).collect(),
        assumed: false,
    })
}

/// The ranges that a tool takes where none are given.
fn assumed(text: &str, at: Span, setting: Setting) -> RangeList {
    let Setting { role, tool, field } = setting;
    let entry = |part: &str| RangeEntry::new(Spanned::new(part.to_owned(), at));
    RangeList {
        role,
        owner: Owner::Tool(tool),
        field,
        text: Spanned::new(text.to_owned(), at),
        entries: text.split(',').map(entry).collect(),
        assumed: true,
    }
}

/// Settings by their paths, as far as a document has them.
fn settings(root: &Node, paths: &[&str]) -> Args {
    let find = |path: &&str| {
        let keys: Vec<&str> = path.split('.').collect();
        let value = root.at(&keys)?.text()?;
        Some(Arg { name: Spanned::new((*path).to_owned(), value.span), value })
    };
    Args { list: paths.iter().filter_map(find).collect(), ..Args::default() }
}
