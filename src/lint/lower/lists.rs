//! Lists of objects: of all kinds, and of a single one.

use std::borrow::Cow;

use crate::lint::tree::{Entry, Node, Value};

use super::{Lower, MAX_EMBEDDING};

/// An item of a list. In one of a single kind, such as a `ServiceList`, the API server leaves out
/// what the list's own kind says.
fn listed<'n>(root: &Node, item: &'n Node) -> Cow<'n, Node> {
    let kind = root.get("kind").and_then(Node::text).filter(|_| item.get("kind").is_none());
    let own = kind.and_then(|kind| {
        let own = kind.value.strip_suffix("List").filter(|own| !own.is_empty())?;
        Some(kind.with(own.to_owned()))
    });
    let (Some(own), Value::Map(entries)) = (own, &item.value) else { return Cow::Borrowed(item) };
    let kind = Entry { key: own.with("kind".to_owned()), value: Node::leaf(&own) };
    let api = root.entry("apiVersion").cloned();
    let entries = entries.iter().cloned().chain(api).chain([kind]).collect();
    Cow::Owned(Node { span: item.span, value: Value::Map(entries) })
}

impl Lower<'_> {
    /// Adds the items of a list; false where there are none to read.
    pub(super) fn list(&mut self, root: &Node) -> bool {
        let items = root.get("items").filter(|items| matches!(items.value, Value::List(_)));
        let Some(items) = items.filter(|_| self.depth < MAX_EMBEDDING) else { return false };
        self.depth += 1;
        for item in items.items() {
            let recognition = self.recognize(&listed(root, item));
            self.recognized.push(recognition);
        }
        self.depth -= 1;
        true
    }
}
