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
    tree::{Entry, Node, Value},
};

/// Makes one document of each such configuration, in the first of its files; every value keeps its
/// own place. Returns how many documents others took up.
pub(super) fn merge(files: &mut [Parsed]) -> usize {
    let mut groups: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        if let Some(base) = file.path.as_deref().and_then(base) {
            groups.entry(base).or_default().push(at);
        }
    }
    let mut taken = 0;
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
