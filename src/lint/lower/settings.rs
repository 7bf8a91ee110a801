//! Settings that are written as flags or by dotted paths, as the tree that a file of them would be.

use crate::lint::{
    model::Arg,
    source::{Span, Spanned},
    tree::{Entry, Node, Value},
};

/// Flags as the mapping that the same program reads from a file; of one that is repeated, a list.
pub(super) fn from_flags(flags: &[Arg], at: Span) -> Node {
    let mut entries: Vec<Entry> = Vec::new();
    for Arg { name, value } in flags {
        let leaf = Node::leaf(value);
        let Some(known) = entries.iter_mut().find(|entry| entry.key.value == name.value) else {
            entries.push(Entry { key: name.clone(), value: leaf });
            continue;
        };
        if let Value::List(items) = &mut known.value.value {
            items.push(leaf);
        } else {
            let span = known.value.span;
            let first = known.value.clone();
            known.value = Node { span, value: Value::List(vec![first, leaf]) };
        }
    }
    Node { span: at, value: Value::Map(entries) }
}

/// Values by dotted paths, as Helm's `--set` has them: `a.b=c`, `a[0]=b`, `a={b,c}`.
pub(super) fn from_paths(settings: &[Arg], at: Span) -> Node {
    let mut root = Node { span: at, value: Value::Map(Vec::new()) };
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
        insert(&mut root, &path, name, leaf);
    }
    root
}

/// Puts a value at the end of a path; beside one that is there already, as a list of both.
pub(super) fn insert(node: &mut Node, path: &[&str], name: &Spanned<String>, leaf: Node) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let Value::Map(entries) = &mut node.value else { return };
    let known = entries.iter().position(|entry| entry.key.value == *first);
    let at = known.unwrap_or_else(|| {
        let value = Node { span: name.span, value: Value::Map(Vec::new()) };
        entries.push(Entry { key: name.with((*first).to_owned()), value });
        entries.len() - 1
    });
    let value = &mut entries[at].value;
    match (&mut value.value, rest.is_empty(), known) {
        (_, false, _) => insert(value, rest, name, leaf),
        (_, true, None) => *value = leaf,
        (Value::List(items), true, Some(_)) => items.push(leaf),
        (_, true, Some(_)) => {
            let first = value.clone();
            *value = Node { span: first.span, value: Value::List(vec![first, leaf]) };
        }
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
    fn keys_of_any_spelling_become_flags() {
        let (list, at) =
            settings(&[("clusterCidr", "a"), ("rke2_service_cidr", "b"), ("kubeletArgs", "c")]);
        let flags = as_flags(&from_flags(&list, at));
        let keys: Vec<&str> = flags.entries().iter().map(|entry| &*entry.key.value).collect();
        assert_eq!(keys, ["cluster-cidr", "service-cidr", "kubelet-arg"]);
    }
}
