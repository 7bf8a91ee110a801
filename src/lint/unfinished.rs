//! What is no configuration yet: templates of charts, and patches that Kustomize applies. Found in a
//! directory they are skipped and counted; a file that is named by itself is read as it is.

use std::{
    collections::HashSet,
    path::{Component, Path, PathBuf},
};

use super::{
    parsed::Parsed,
    tree::{Document, FlawKind, Node},
};

/// What a text must have one of to be anything that this linter reads.
const MARKS: [&str; 8] =
    ["apiVersion", "kind:", "cidr", "CIDR", "ubnet", "node-ip", "ipv6", "write_files"];

/// Takes templates and patches out of the files that were found in directories; returns how many
/// documents that leaves out. Files that are nobody's configuration of a cluster are passed over:
/// `skipped` names those that can't be read.
pub(super) fn skip(files: &mut [Parsed], skipped: &mut Vec<String>) -> usize {
    let patches: HashSet<PathBuf> = files.iter().flat_map(patches).collect();
    let mut count = 0;
    for file in files.iter_mut().filter(|file| file.found) {
        let patch = file.path.as_deref().is_some_and(|path| patches.contains(&plain(path)));
        if patch || is_chart_template(file) {
            count += file.documents.len().max(1);
            file.documents.clear();
            file.flaws.clear();
            continue;
        }
        let broken = file.flaws.iter().any(|flaw| flaw.kind == FlawKind::Syntax);
        if broken && !MARKS.iter().any(|mark| file.source.text.contains(mark)) {
            skipped
                .push(format!("{}: not valid YAML, and nothing of a cluster's", file.source.name));
            file.documents.clear();
            file.flaws.clear();
            continue;
        }
        // An empty file among others is nobody's mistake.
        file.flaws.retain(|flaw| flaw.kind != FlawKind::Empty);
        let before = file.documents.len();
        file.documents.retain(|document| document.root.get("$patch").is_none());
        count += before - file.documents.len();
        let marked = ["{{", "{%", "<%"].iter().any(|mark| file.source.text.contains(mark));
        let before = file.flaws.len();
        let source = &file.source;
        file.flaws.retain(|flaw| match flaw.kind {
            FlawKind::Template => false,
            // A shell's placeholders break a text only where they stand.
            FlawKind::Syntax => {
                !marked && !source.line(source.line_of(flaw.span.start)).contains("${")
            }
            _ => true,
        });
        count += before - file.flaws.len();
    }
    count
}

/// Whether a file holds placeholders and lies among the templates of a chart.
fn is_chart_template(file: &Parsed) -> bool {
    let among =
        |path: &Path| path.components().rev().skip(1).any(|part| part.as_os_str() == "templates");
    file.path.as_deref().is_some_and(among) && file.source.text.contains("{{")
}

/// The files that a Kustomization applies as patches.
fn patches(file: &Parsed) -> Vec<PathBuf> {
    let Some(directory) = file.path.as_deref().and_then(Path::parent) else { return Vec::new() };
    let mut found = Vec::new();
    for Document { root, .. } in &file.documents {
        if !is_kustomization(file, root) {
            continue;
        }
        for field in ["patches", "patchesStrategicMerge", "patchesJson6902"] {
            let items = root.get(field).map(Node::items).unwrap_or_default();
            let path = |item: &Node| item.get("path").unwrap_or(item).str().map(str::to_owned);
            found.extend(items.iter().filter_map(path).map(|path| plain(&directory.join(path))));
        }
    }
    found
}

fn is_kustomization(file: &Parsed, root: &Node) -> bool {
    let named =
        file.path.as_deref().and_then(Path::file_stem).is_some_and(|stem| stem == "kustomization");
    let api = root.get("apiVersion").and_then(Node::str).unwrap_or_default();
    named || api.starts_with("kustomize.config.k8s.io/")
}

/// A path without `.` and `..`, as far as its text shows.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
