//! Which fields the documents may have, and of which type.
//!
//! The tables beside this file list each type's fields as its Go type declares them; `args` is
//! kubeadm's `extraArgs`, which one version writes as a mapping and the next as a list (a rule of
//! its own covers that), and `any` is not looked into.

mod since;

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    source::Edit,
    tree::{Entry, Flaw, FlawKind, Node, ScalarKind, Value},
};

/// A family of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Schema {
    /// kubeadm.k8s.io/v1beta2.
    KubeadmV1beta2,
    /// kubeadm.k8s.io/v1beta3.
    KubeadmV1beta3,
    /// kubeadm.k8s.io/v1beta4.
    KubeadmV1beta4,
    /// kubelet.config.k8s.io/v1beta1.
    Kubelet,
    /// kubeproxy.config.k8s.io/v1alpha1.
    Proxy,
    /// kind.x-k8s.io/v1alpha4.
    Kind,
    /// The `spec` of a v1 Service.
    Service,
}

impl Schema {
    /// The schema of one of kubeadm's API versions, such as `v1beta4`.
    pub(super) fn kubeadm(version: &str) -> Option<Self> {
        match version {
            "v1beta2" => Some(Self::KubeadmV1beta2),
            "v1beta3" => Some(Self::KubeadmV1beta3),
            "v1beta4" => Some(Self::KubeadmV1beta4),
            _ => None,
        }
    }

    /// The program that reads documents of it.
    const fn reader(self) -> &'static str {
        match self {
            Self::KubeadmV1beta2 | Self::KubeadmV1beta3 | Self::KubeadmV1beta4 => "kubeadm",
            Self::Kubelet => "kubelet",
            Self::Proxy => "kube-proxy",
            Self::Kind => "kind",
            Self::Service => "kube-apiserver",
        }
    }

    /// Checks a mapping against one of the schema's types.
    pub(super) fn check(self, root: &str, node: &Node, flaws: &mut Vec<Flaw>) {
        let table = &TABLES[self as usize];
        Checker { schema: self, table, root, flaws }.value(root, node, root);
    }

    /// Finds only the fields that are most likely misspelt, of a document that has kubeadm's fields
    /// and may have some of a tool's beside them.
    pub(super) fn misspelt(
        self,
        reader: &'static str,
        root: &str,
        node: &Node,
        flaws: &mut Vec<Flaw>,
    ) {
        let own = |name: &str| TABLES[self as usize].get(name);
        let Some(fields) = own(root) else { return };
        let others = self.siblings();
        let other = |key: &str| {
            let mut tables = others.iter().map(|(_, schema)| &TABLES[*schema as usize]);
            tables.any(|table| table.get(root).is_some_and(|fields| fields.contains_key(key)))
        };
        let known: Vec<&str> = fields.keys().copied().collect();
        let mut found = Vec::new();
        misspelt(root, node, &known, &mut found);
        let found = found.into_iter().filter(|(key, _)| !other(key));
        flaws.extend(found.map(|(_, flaw)| flaw.reader(reader)));
        for entry in node.entries() {
            match fields.get(entry.key.value.as_str()) {
                Some(of) if own(of).is_some() => self.misspelt(reader, of, &entry.value, flaws),
                _ => {}
            }
        }
    }

    /// kubeadm's other versions, in which a field unknown to this one may exist.
    fn siblings(self) -> Vec<(&'static str, Self)> {
        let versions = [
            ("v1beta2", Self::KubeadmV1beta2),
            ("v1beta3", Self::KubeadmV1beta3),
            ("v1beta4", Self::KubeadmV1beta4),
        ];
        if versions.iter().any(|(_, schema)| *schema == self) {
            versions.into_iter().rev().filter(|(_, schema)| *schema != self).collect()
        } else {
            Vec::new()
        }
    }
}

type Fields = BTreeMap<&'static str, &'static str>;
type Table = BTreeMap<&'static str, Fields>;

static TABLES: LazyLock<[Table; 7]> = LazyLock::new(|| {
    [
        table(include_str!("kubeadm_v1beta2.fields")),
        table(include_str!("kubeadm_v1beta3.fields")),
        table(include_str!("kubeadm_v1beta4.fields")),
        table(include_str!("kubelet.fields")),
        table(include_str!("kube_proxy.fields")),
        table(include_str!("kind.fields")),
        table(include_str!("service.fields")),
    ]
});

fn table(text: &'static str) -> Table {
    let mut types = Table::new();
    let mut fields: Option<&mut Fields> = None;
    for line in text.lines() {
        match line.strip_prefix("  ").and_then(|field| field.split_once(' ')) {
            Some((name, of)) => {
                if let Some(fields) = fields.as_deref_mut() {
                    fields.insert(name, of);
                }
            }
            None => fields = Some(types.entry(line).or_default()),
        }
    }
    types
}

struct Checker<'a> {
    schema: Schema,
    table: &'a Table,
    root: &'a str,
    flaws: &'a mut Vec<Flaw>,
}

impl Checker<'_> {
    fn value(&mut self, of: &str, node: &Node, path: &str) {
        if matches!(&node.value, Value::Scalar(scalar) if scalar.kind == ScalarKind::Null) {
            return;
        }
        if let Some(item) = of.strip_prefix("list:") {
            match &node.value {
                Value::List(items) => {
                    items.iter().for_each(|node| self.value(item, node, path));
                }
                _ => self.wrong(node, path, "a list"),
            }
            return;
        }
        if let Some(item) = of.strip_prefix("map:") {
            match &node.value {
                Value::Map(entries) => {
                    entries.iter().for_each(|entry| self.entry(item, entry));
                }
                _ => self.wrong(node, path, "a mapping"),
            }
            return;
        }
        match of {
            "any" => {}
            // kind's reader takes a number or a boolean for its text.
            "string" if self.schema == Schema::Kind && node.scalar().is_some() => {}
            "string" => self.scalar(node, path, "a string", &[ScalarKind::String]),
            "int" => self.scalar(node, path, "a whole number", &[ScalarKind::Int]),
            "bool" => self.scalar(node, path, "true or false", &[ScalarKind::Bool]),
            "args" => self.args(node, path),
            name => self.structure(name, node, path),
        }
    }

    /// An entry of a mapping with names of any kind. One whose value is wrong may be a field that was
    /// put there by its indentation.
    fn entry(&mut self, of: &str, entry: &Entry) {
        let key = entry.key.value.as_str();
        let before = self.flaws.len();
        self.value(of, &entry.value, key);
        let place = self.elsewhere(key);
        if let (Some(place), Some(flaw)) = (place, self.flaws.get_mut(before)) {
            flaw.fix = Some(place);
        }
    }

    fn scalar(&mut self, node: &Node, path: &str, wanted: &str, kinds: &[ScalarKind]) {
        match node.scalar() {
            Some(scalar) if kinds.contains(&scalar.kind) => {}
            _ => self.wrong(node, path, wanted),
        }
    }

    fn args(&mut self, node: &Node, path: &str) {
        match &node.value {
            Value::Map(entries) => entries.iter().for_each(|entry| {
                self.value("string", &entry.value, &entry.key.value);
            }),
            Value::List(items) => {
                for item in items {
                    for entry in item.entries() {
                        self.value("string", &entry.value, &entry.key.value);
                    }
                }
            }
            Value::Scalar(_) => self.wrong(node, path, "flags with their values"),
        }
    }

    fn structure(&mut self, name: &str, node: &Node, path: &str) {
        let Value::Map(entries) = &node.value else {
            self.wrong(node, path, "a mapping");
            return;
        };
        let Some(fields) = self.table.get(name) else { return };
        for entry in entries {
            match fields.get(entry.key.value.as_str()) {
                Some(of) => self.value(of, &entry.value, &entry.key.value),
                None => self.unknown(name, fields, entry, entries),
            }
        }
    }

    fn wrong(&mut self, node: &Node, field: &str, wanted: &str) {
        let is = node.describe();
        let flaw = Flaw::new(
            FlawKind::WrongType,
            node.span,
            format!("`{field}` must be {wanted}, but this is {is}"),
        );
        let fix = match node.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Bool | ScalarKind::Int | ScalarKind::Float)
                if wanted == "a string" =>
            {
                node.str().map(|text| format!("quote it: \"{text}\""))
            }
            Some(ScalarKind::String) if wanted == "a list" => {
                node.str().map(|text| format!("write it as a list: [{text:?}]"))
            }
            Some(ScalarKind::String) if wanted != "a string" => {
                Some("write it without quotes if it has them".into())
            }
            _ => None,
        };
        let unquoted = node.scalar().is_some_and(|scalar| {
            matches!(scalar.kind, ScalarKind::Bool | ScalarKind::Int | ScalarKind::Float)
        });
        let edit = node.str().filter(|_| unquoted && wanted == "a string");
        let edit = edit.map(|text| Edit::new(node.span, text, format!("\"{text}\"")));
        self.flaws.push(Flaw { fix, edit, ..flaw });
    }

    fn unknown(&mut self, name: &str, fields: &Fields, entry: &Entry, entries: &[Entry]) {
        let key = entry.key.value.as_str();
        let flaw = Flaw::new(
            FlawKind::UnknownField,
            entry.key.span,
            format!("`{name}` has no field `{key}`"),
        )
        .reader(self.schema.reader());
        let near = nearest(key, fields.keys().copied());
        let free = |near: &&str| entries.iter().all(|entry| entry.key.value != *near);
        let edit = near.filter(free).map(|near| Edit::new(entry.key.span, key, near));
        let fix = near
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| self.elsewhere(key))
            .or_else(|| self.in_another_version(name, key));
        self.flaws.push(Flaw { fix, edit, ..flaw });
    }

    /// A field that is one level too high or too low.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let root = self.table.get(self.root)?;
        if root.contains_key(key) {
            return Some(format!("`{key}` belongs to the top level of the document"));
        }
        root.iter()
            .find(|(_, of)| self.table.get(**of).is_some_and(|fields| fields.contains_key(key)))
            .map(|(field, _)| format!("`{key}` belongs under `{field}`"))
    }

    fn in_another_version(&self, name: &str, key: &str) -> Option<String> {
        let (version, _) = self.schema.siblings().into_iter().find(|(_, schema)| {
            TABLES[*schema as usize].get(name).is_some_and(|fields| fields.contains_key(key))
        })?;
        Some(format!("kubeadm's {version} has this field; is the document's apiVersion right?"))
    }
}

/// The keys of a mapping that are most likely meant to be one of these fields, each with what to say
/// of it.
pub(super) fn misspelt(name: &str, node: &Node, fields: &[&str], found: &mut Vec<(String, Flaw)>) {
    let has = |key: &str| node.entries().iter().any(|entry| entry.key.value == key);
    for entry in node.entries() {
        let key = entry.key.value.as_str();
        // A period that the tool has in a unit of its own.
        let unit = ["Days", "Seconds"].iter().any(|unit| key.ends_with(unit));
        if unit || fields.contains(&key) {
            continue;
        }
        let Some(near) = nearest(key, fields.iter().copied()).filter(|near| !has(near)) else {
            continue;
        };
        let message = format!("`{name}` has no field `{key}`");
        let flaw = Flaw::new(FlawKind::UnknownField, entry.key.span, message)
            .fix(format!("did you mean `{near}`?"))
            .edit(Edit::new(entry.key.span, key, near));
        found.push((key.to_owned(), flaw));
    }
}

/// The candidate that a misspelt word most likely means.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .map(|candidate| {
            let distance = strsim::osa_distance(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .min()
        .filter(|(distance, candidate)| *distance <= (candidate.len().min(word.len()) / 4).max(1))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_a_table_names_is_in_it() {
        for table in TABLES.iter() {
            for (of, fields) in table {
                for (field, kind) in fields {
                    let name = kind.rsplit(':').next().unwrap_or_default();
                    let plain = ["string", "int", "bool", "any", "args"].contains(&name);
                    assert!(plain || table.contains_key(name), "{of}.{field}: {kind}");
                }
            }
        }
    }

    #[test]
    fn a_misspelt_word_finds_its_neighbour_and_a_strange_one_does_not() {
        let fields = ["podSubnet", "serviceSubnet", "dnsDomain"];
        assert_eq!(nearest("podSubnets", fields.into_iter()), Some("podSubnet"));
        assert_eq!(nearest("servceSubnet", fields.into_iter()), Some("serviceSubnet"));
        assert_eq!(nearest("DNSDomain", fields.into_iter()), Some("dnsDomain"));
        assert_eq!(nearest("ipFamilies", fields.into_iter()), None);
    }
}
