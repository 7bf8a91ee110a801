//! JSON patches (RFC 6902): lists of operations, read as the part of a document that they write.

use crate::lint::{
    source::Spanned,
    tree::{Entry, Node, Value},
};

/// Whether a list holds nothing but operations.
pub(super) fn is_patch(node: &Node) -> bool {
    let operation = |item: &Node| item.get("op").is_some() && item.get("path").is_some();
    !node.items().is_empty() && node.items().iter().all(operation)
}

/// What the operations would make of an empty document.
pub(super) fn patched(operations: &Node) -> Node {
    let mut root = Node { span: operations.span, value: Value::Map(Vec::new()) };
    for operation in operations.items() {
        let writes = matches!(operation.get("op").and_then(Node::str), Some("add" | "replace"));
        let path = operation.get("path").and_then(Node::text).filter(|_| writes);
        if let (Some(path), Some(value)) = (path, operation.get("value")) {
            let keys = path.value.split('/').skip(1);
            let keys: Vec<String> =
                keys.map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
            write(&mut root, &keys, &path, value);
        }
    }
    root
}

/// Puts a value at the end of a path. A number, and a dash, is an item of a list.
fn write(node: &mut Node, keys: &[String], at: &Spanned<String>, value: &Node) {
    let empty = || Node { span: value.span, value: Value::Map(Vec::new()) };
    let Some((first, rest)) = keys.split_first() else {
        *node = value.clone();
        return;
    };
    if first == "-" || first.parse::<usize>().is_ok() {
        if matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
            node.value = Value::List(Vec::new());
        }
        if let Value::List(items) = &mut node.value {
            let mut item = empty();
            write(&mut item, rest, at, value);
            items.push(item);
        }
        return;
    }
    let Value::Map(entries) = &mut node.value else { return };
    let known = entries.iter().position(|entry| entry.key.value == *first);
    let index = known.unwrap_or_else(|| {
        entries.push(Entry { key: at.with(first.clone()), value: empty() });
        entries.len() - 1
    });
    write(&mut entries[index].value, rest, at, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{
        source::{Source, Sources},
        tree::{Budget, parse},
    };

    fn read(text: &str) -> Node {
        let source = Source::new("a", true, text.to_owned());
        let id = Sources::default().add(source.clone());
        parse(&source, id, None, &Budget::new(1000), &mut Vec::new()).remove(0).root
    }

    #[test]
    fn operations_write_what_stands_at_the_end_of_their_paths() {
        let patch = read(
            "- {op: add, path: /a/b~1c, value: 1}\n- {op: replace, path: /a/l/-, value: x}\n\
             - {op: add, path: /a/l/0, value: y}\n- {op: remove, path: /a/d}\n",
        );
        assert!(is_patch(&patch));
        let root = patched(&patch);
        assert_eq!(root.at(&["a", "b/c"]).and_then(Node::str), Some("1"));
        let items = root.at(&["a", "l"]).unwrap().items();
        assert_eq!(items.iter().filter_map(Node::str).collect::<Vec<_>>(), ["x", "y"]);
        assert!(root.at(&["a", "d"]).is_none());
    }

    #[test]
    fn a_list_of_other_things_is_no_patch() {
        for text in ["- a: 1\n", "- {op: add}\n", "[]\n", "op: add\npath: /a\n"] {
            assert!(!is_patch(&read(text)), "{text}");
        }
    }
}
