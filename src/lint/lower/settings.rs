//! Settings that are written as flags or by dotted paths, as the tree that a file of them would be.

use std::collections::HashMap;

use crate::lint::{
    model::Arg,
    source::{Span, Spanned},
    tree::{Entry, Node, Value},
};

/// How deep a path may lead: deeper than the values of any chart.
const MAX_DEPTH: usize = 32;

/// Flags as the mapping that the same program reads from a file; of one that is repeated, a list.
pub(super) fn from_flags(flags: &[Arg], at: Span) -> Node {
    let mut root = Node { span: at, value: Value::Map(Vec::new()) };
    let mut positions = HashMap::new();
    for Arg { name, value } in flags {
        insert(&mut root, &mut positions, &[&name.value], name, Node::leaf(value));
    }
    root
}

/// Values by dotted paths, as Helm's `--set` has them: `a.b=c`, `a[0]=b`, `a={b,c}`.
pub(super) fn from_paths(settings: &[Arg], at: Span) -> Node {
    let mut root = Node { span: at, value: Value::Map(Vec::new()) };
    let mut positions = HashMap::new();
    for Arg { name, value } in settings {
        let path = name.value.split(['.', '[']).map(|key| key.trim_end_matches(']'));
        let path: Vec<&str> = path.filter(|key| key.parse::<usize>().is_err()).collect();
        let list = value.value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let leaf = match list {
            Some(inner) => {
                let items = inner.split(',').map(|item| Node::leaf(&value.with(item.to_owned())));
                Node { span: value.span, value: Value::List(items.collect()) }
            }
            None => Node::leaf(value),
        };
        insert(&mut root, &mut positions, &path, name, leaf);
    }
    root
}

/// Puts a value at the end of a path; beside one that is there already, as a list of both. The
/// positions are those of the paths among the entries of the mappings that hold them, so that
/// thousands of values need no search each.
fn insert(
    root: &mut Node,
    positions: &mut HashMap<String, usize>,
    path: &[&str],
    name: &Spanned<String>,
    leaf: Node,
) {
    if path.len() > MAX_DEPTH {
        return;
    }
    let mut node = root;
    let mut joined = String::new();
    let mut leaf = Some(leaf);
    for (depth, key) in path.iter().enumerate() {
        let Value::Map(entries) = &mut node.value else { return };
        joined.push('.');
        joined.push_str(key);
        let known = positions.get(&joined).copied();
        let at = known.unwrap_or_else(|| {
            let value = Node { span: name.span, value: Value::Map(Vec::new()) };
            entries.push(Entry { key: name.with((*key).to_owned()), value });
            positions.insert(joined.clone(), entries.len() - 1);
            entries.len() - 1
        });
        let value = &mut entries[at].value;
        if let Some(leaf) = leaf.take_if(|_| depth + 1 == path.len()) {
            match (&mut value.value, known) {
                (_, None) => *value = leaf,
                (Value::List(items), Some(_)) => items.push(leaf),
                (_, Some(_)) => {
                    let first = value.clone();
                    *value = Node { span: first.span, value: Value::List(vec![first, leaf]) };
                }
            }
            return;
        }
        node = value;
    }
}

/// A mapping with its keys in the words of k3s' flags: `clusterCidr` and `k3s_cluster_cidr` are
/// `cluster-cidr`, `kubeletArgs` is `kubelet-arg`.
pub(super) fn as_flags(node: &Node) -> Node {
    let rename = |entry: &Entry| {
        let mut key = String::new();
        for c in entry.key.value.chars() {
            match c {
                '_' => key.push('-'),
                'A'..='Z' => {
                    key.push('-');
                    key.push(c.to_ascii_lowercase());
                }
                c => key.push(c),
            }
        }
        let key = ["k3s-", "rke2-"].iter().find_map(|tool| key.strip_prefix(tool)).unwrap_or(&key);
        let key = match key.strip_suffix("-args") {
            Some(program) => format!("{program}-arg"),
            None => key.to_owned(),
        };
        Entry { key: entry.key.with(key), value: entry.value.clone() }
    };
    let entries = node.entries().iter().map(rename).collect();
    Node { span: node.span, value: Value::Map(entries) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::source::{Source, Sources};

    fn settings(pairs: &[(&str, &str)]) -> (Vec<Arg>, Span) {
        let at = Span::start_of(Sources::default().add(Source::new("a", true, String::new())));
        let text = |text: &str| Spanned::new(text.to_owned(), at);
        (
            pairs
                .iter()
                .map(|(name, value)| Arg { name: text(name), value: text(value) })
                .collect(),
            at,
        )
    }

    #[test]
    fn a_flag_that_is_repeated_is_a_list() {
        let (flags, at) =
            settings(&[("cluster-cidr", "10.0.0.0/8"), ("cluster-cidr", "fd00::/56")]);
        let node = from_flags(&flags, at);
        let items = node.get("cluster-cidr").unwrap().items();
        assert_eq!(
            items.iter().filter_map(Node::str).collect::<Vec<_>>(),
            ["10.0.0.0/8", "fd00::/56"]
        );
    }

    #[test]
    fn a_dotted_path_leads_into_mappings_and_a_number_is_an_item() {
        let (paths, at) =
            settings(&[("ipv6.enabled", "true"), ("a.b[0]", "x"), ("a.b[1]", "y"), ("l", "{p,q}")]);
        let node = from_paths(&paths, at);
        assert_eq!(node.at(&["ipv6", "enabled"]).and_then(Node::str), Some("true"));
        let texts = |path: &[&str]| {
            let items = node.at(path).unwrap().items();
            items.iter().filter_map(Node::str).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(texts(&["a", "b"]), ["x", "y"]);
        assert_eq!(texts(&["l"]), ["p", "q"]);
    }

    #[test]
    fn a_value_below_another_value_is_left_out_and_so_is_one_too_deep() {
        let deep = vec!["x"; 100_000].join(".");
        let (paths, at) = settings(&[("a", "1"), ("a.b", "2"), (&deep, "3"), ("c", "4")]);
        let node = from_paths(&paths, at);
        let keys: Vec<&str> = node.entries().iter().map(|entry| &*entry.key.value).collect();
        assert_eq!(keys, ["a", "c"]);
        assert_eq!(node.get("a").and_then(Node::str), Some("1"));
    }

    #[test]
    fn keys_of_any_spelling_become_flags() {
        let (list, at) =
            settings(&[("clusterCidr", "a"), ("rke2_service_cidr", "b"), ("kubeletArgs", "c")]);
        let flags = as_flags(&from_flags(&list, at));
        let keys: Vec<&str> = flags.entries().iter().map(|entry| &*entry.key.value).collect();
        assert_eq!(keys, ["cluster-cidr", "service-cidr", "kubelet-arg"]);
    }
}
