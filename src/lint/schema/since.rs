//! Since which version of Kubernetes each field exists, for types that grow while their API version
//! stays the same.
//!
//! `since.fields` lists the table, the type with its field, and the first minor version that has it;
//! what is older than 1.20 is not listed.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::lint::{
    model::{RecentField, Version},
    tree::{Node, ScalarKind, Value},
};

use super::{Schema, TABLES};

static SINCE: LazyLock<BTreeMap<(&str, &str, &str), Version>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ');
        let table = words.next()?;
        let (of, field) = words.next()?.split_once('.')?;
        Some(((table, of, field), Version::v1(words.next()?.parse().ok()?)))
    };
    include_str!("since.fields").lines().filter_map(line).collect()
});

impl Schema {
    /// The name of its part of `since.fields`; nothing for what has a version of its own.
    fn grows(self) -> Option<&'static str> {
        match self {
            Self::Kubelet => Some("kubelet"),
            Self::Proxy => Some("kube_proxy"),
            Self::Service => Some("service"),
            _ => None,
        }
    }

    /// The fields of a document that older versions of Kubernetes don't have.
    pub(in crate::lint) fn recent(self, root: &'static str, node: &Node) -> Vec<RecentField> {
        let mut found = Vec::new();
        if let Some(name) = self.grows() {
            Search { schema: self, name, root, found: &mut found }.value(root, node);
        }
        found
    }
}

struct Search<'a> {
    schema: Schema,
    name: &'static str,
    root: &'static str,
    found: &'a mut Vec<RecentField>,
}

impl Search<'_> {
    fn value(&mut self, of: &'static str, node: &Node) {
        if let Some(item) = of.strip_prefix("list:") {
            return node.items().iter().for_each(|node| self.value(item, node));
        }
        let Some(fields) = TABLES[self.schema as usize].get(of) else { return };
        let Value::Map(entries) = &node.value else { return };
        for entry in entries {
            let Some((field, kind)) = fields.get_key_value(entry.key.value.as_str()) else {
                continue;
            };
            // What is below a field that is too new need not be told as well.
            match SINCE.get(&(self.name, of, *field)) {
                Some(_) if is_zero(&entry.value) => {}
                Some(since) => {
                    let name = entry.key.clone();
                    self.found.push(RecentField { kind: self.root, name, since: *since });
                }
                None => self.value(kind, &entry.value),
            }
        }
    }
}

/// Whether a value says no more than leaving its field out, as programs write what they don't set.
fn is_zero(node: &Node) -> bool {
    match &node.value {
        Value::Map(entries) => entries.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Scalar(scalar) => {
            scalar.kind == ScalarKind::Null || ["", "0", "0s"].contains(&scalar.text.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_field_of_its_table() {
        assert_eq!(SINCE.len(), include_str!("since.fields").lines().count());
        for schema in [Schema::Kubelet, Schema::Proxy, Schema::Service] {
            let own = SINCE.keys().filter(|(table, ..)| Some(*table) == schema.grows());
            let missing: Vec<_> = own
                .filter(|(_, of, field)| {
                    let fields = TABLES[schema as usize].get(of);
                    !fields.is_some_and(|fields| fields.contains_key(field))
                })
                .collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    }
}
