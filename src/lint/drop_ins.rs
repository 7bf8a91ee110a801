//! The configuration of k3s and of RKE2 that lies in several files: both read `config.yaml`, then
//! `config.yaml.d/*.yaml` in the order of their names. The last value of a key counts, and one of
//! `key+` is added to what there is (`readConfigFile` of k3s' `pkg/configfilearg`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    lower,
    parsed::Parsed,
    tree::{Document, Entry, Flaw, FlawKind, Node, Value},
};

/// Makes one document of each such configuration, in the first of its files; every value keeps its
/// own place. Returns how many documents others took up.
pub(super) fn merge(files: &mut [Parsed]) -> usize {
    let mut taken = first_alone(files);
    let mut groups: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        if let Some(base) = file.path.as_deref().and_then(base) {
            groups.entry(base).or_default().push(at);
        }
    }
    for (base, mut group) in groups {
        group.sort_by_key(|at| files[*at].path.clone());
        let main = files.iter().position(|file| file.path.as_deref() == Some(&*base));
        let group: Vec<usize> = main.into_iter().chain(group).collect();
        let roots: Vec<&Node> = group.iter().filter_map(|at| root(&files[*at])).collect();
        if roots.len() > 1 && roots.iter().any(|root| lower::is_k3s_file(root)) {
            taken += roots.len() - 1;
            join(files, &group);
        }
    }
    taken
}

/// The file whose drop-in a path is: of `…/config.yaml.d/10.yaml` it is `…/config.yaml`.
fn base(path: &Path) -> Option<PathBuf> {
    let yaml = |path: &Path| path.extension().is_some_and(|own| own == "yaml" || own == "yml");
    let directory = path.parent().filter(|_| yaml(path))?;
    let base = directory.with_extension("");
    (directory.extension()? == "d" && yaml(&base)).then_some(base)
}

/// Leaves out documents that k3s and RKE2 do not read, those behind the first one of a file, and says so.
/// Returns how many there were.
fn first_alone(files: &mut [Parsed]) -> usize {
    let mut taken = 0;
    for file in files {
        let placed = file.path.as_deref().is_some_and(is_read);
        let Some((first, rest)) = file.documents.split_first() else { continue };
        if first.root.get("kind").is_some() || !(placed || lower::is_k3s_file(&first.root)) {
            continue;
        }
        let own = |document: &Document| placed || lower::is_k3s_file(&document.root);
        let unread: Vec<bool> = rest.iter().map(own).collect();
        let mut number = 0;
        let mut flaws = Vec::new();
        file.documents.retain(|document| {
            number += 1;
            let read = number == 1 || !unread[number - 2];
            if !read {
                let at =
                    document.root.entries().first().map_or(document.root.span, |own| own.key.span);
                let message = "k3s and RKE2 read only the first document of a file";
                flaws.push(Flaw::new(FlawKind::Unread, at, message));
            }
            read
        });
        taken += flaws.len();
        file.flaws.extend(flaws);
    }
    taken
}

/// Whether a path is one of those that k3s or RKE2 read: a drop-in, or their own config.yaml.
fn is_read(path: &Path) -> bool {
    let own = ["k3s/config.yaml", "rke2/config.yaml"];
    base(path).is_some() || own.iter().any(|name| path.ends_with(name))
}

/// What k3s reads of a file: its first document.
fn root(file: &Parsed) -> Option<&Node> {
    let root = &file.documents.first()?.root;
    let own = matches!(root.value, Value::Map(_)) && root.get("kind").is_none();
    own.then_some(root)
}

fn join(files: &mut [Parsed], group: &[usize]) {
    let mut documents = Vec::new();
    for at in group {
        if root(&files[*at]).is_some() {
            documents.push((*at, files[*at].documents.remove(0)));
        }
    }
    let mut documents = documents.into_iter();
    let Some((first, mut document)) = documents.next() else { return };
    let Value::Map(entries) = &mut document.root.value else { return };
    for (_, other) in documents {
        document.flaws.extend(other.flaws);
        let Value::Map(others) = other.root.value else { continue };
        others.into_iter().for_each(|entry| add(entries, entry));
    }
    files[first].documents.insert(0, document);
}

fn add(entries: &mut Vec<Entry>, mut entry: Entry) {
    let name = |key: &str| key.strip_suffix('+').unwrap_or(key).to_owned();
    let own = name(&entry.key.value);
    let known = entries.iter().rposition(|known| name(&known.key.value) == own);
    match known.filter(|_| own != entry.key.value) {
        Some(at) => {
            let list = &mut entries[at].value;
            let mut items = items(list.clone());
            items.extend(self::items(entry.value));
            list.value = Value::List(items);
        }
        None => {
            entry.key.value.clone_from(&own);
            entries.retain(|known| name(&known.key.value) != own);
            entries.push(entry);
        }
    }
}

fn items(node: Node) -> Vec<Node> {
    match node.value {
        Value::List(items) => items,
        _ => vec![node],
    }
}
