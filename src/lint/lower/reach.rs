//! On what commands and settings act, by where they stand: those of a Pod are its own network's, and
//! some depend on a condition that is not known.

use crate::lint::tree::{Node, Value};

/// Kinds that hold values of charts: a command in them is one of a Pod.
const CHARTS: [&str; 7] = [
    "HelmRelease",
    "Release",
    "Application",
    "ApplicationSet",
    "HelmChart",
    "HelmChartConfig",
    "HelmChartProxy",
];

/// On what a command in a part of a document acts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach {
    /// On the network of a Pod, and not on the node's.
    pub(super) pod: bool,
    /// Below a Pod that has the node's network.
    host_network: bool,
    /// Only under a condition.
    pub(super) conditional: bool,
    /// Only when a cluster is taken down, as the file's or the function's name says.
    pub(super) undoing: bool,
}

/// Words in the names of files and functions that take a cluster down.
const UNDOING: [&str; 14] = [
    "teardown",
    "uninstall",
    "cleanup",
    "clean",
    "reset",
    "destroy",
    "undo",
    "remove",
    "delete",
    "purge",
    "down",
    "stop",
    "unset",
    "deinit",
];

/// Whether a name says that what it names takes a cluster down. Of a path the file's name tells, and
/// that of Ansible's role.
pub(super) fn undoes(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let file = parts.next().unwrap_or_default();
    let role = path.split_once("roles/").and_then(|(_, rest)| rest.split('/').next());
    [Some(file), role].into_iter().flatten().any(|name| {
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| UNDOING.contains(&word.to_ascii_lowercase().as_str()))
    })
}

impl Reach {
    /// The network of a Pod.
    pub(super) const POD: Self =
        Self { pod: true, host_network: false, conditional: false, undoing: false };

    /// In a document, by its kind.
    pub(super) fn in_document(self, root: &Node) -> Self {
        let kind = root.get("kind").and_then(Node::str).unwrap_or_default();
        Self { pod: self.pod || CHARTS.contains(&kind), ..self }
    }

    /// Below a mapping.
    pub(super) fn within(mut self, node: &Node) -> Self {
        if node.get("hostNetwork").and_then(Node::str) == Some("true") {
            self.host_network = true;
            self.pod = false;
        }
        self.conditional |= node.get("when").is_some();
        self
    }

    /// Below a key of a mapping. Ansible's `command` is a text or a mapping, a container's a list.
    pub(super) fn below(mut self, key: &str, value: &Node) -> Self {
        let command = matches!(key, "command" | "args") && matches!(value.value, Value::List(_));
        // Charts have `extraInitContainers` and the like.
        let containers = key.to_ascii_lowercase().ends_with("containers");
        self.pod |= (command || containers) && !self.host_network;
        self
    }

    /// In a file of this name.
    pub(super) fn in_file(self, name: &str) -> Self {
        Self { undoing: self.undoing || undoes(name), ..self }
    }

    /// In a branch of a script.
    pub(super) const fn in_branch(self, branch: bool) -> Self {
        Self { conditional: self.conditional || branch, ..self }
    }
}
