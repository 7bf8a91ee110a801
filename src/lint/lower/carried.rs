//! Configuration that other documents carry: the files that cloud-init, Ignition, Cluster API,
//! Talos or Ansible write on a machine, those in ConfigMaps and Secrets, and command lines.

use crate::lint::{
    model::{Sysctl, is_template},
    source::Spanned,
    tree::{Document, Entry, Node, Value},
};

use super::{
    Lower, cni,
    defines::{KEYS, MANIFESTS, MAX_DEPTH},
    patches, scripts, settings,
    texts::sysctl_line,
};

/// API groups of configuration, of which a document inside another one is read.
const GROUPS: &[&str] = &[
    "kubeadm.k8s.io",
    "kubelet.config.k8s.io",
    "kubeproxy.config.k8s.io",
    "kind.x-k8s.io",
    "k0s.k0sproject.io",
    "k3d.io",
    "eksctl.io",
    "helm.cattle.io",
    "operator.tigera.io",
    "crd.projectcalico.org",
    "projectcalico.org",
    "metallb.io",
    "cilium.io",
    "core.gardener.cloud",
    "kubeovn.io",
];
/// Keys that say to where the text beside them is written.
const PLACES: [&str; 4] = ["path", "dest", "destination", "filename"];
/// Keys of such a text.
const CONTENTS: [&str; 6] = ["content", "contents", "inline", "data", "text", "source"];

/// Whether a text is a static Pod, by where it is written.
fn is_static_pod(text: &str, place: &str) -> bool {
    place.contains(MANIFESTS) && text.contains("kind: Pod")
}

/// Whether a text holds control structures of a template: what it comes to is not known.
fn is_program(text: &str) -> bool {
    ["{%", "<%", "{{ if", "{{- if", "{{ range", "{{- range", "{{ with", "{{- with"]
        .iter()
        .any(|mark| text.contains(mark))
}

/// Whether a text is a machine configuration of Talos.
fn is_talos(text: &str) -> bool {
    let begins = |key: &str| text.lines().any(|line| line.starts_with(key));
    begins("version: v1alpha1") && (begins("machine:") || begins("cluster:"))
}

fn is_cloud_init(text: &str) -> bool {
    text.starts_with("#cloud-config") || text.contains("\nwrite_files:")
}

impl Lower<'_> {
    /// Adds what a document of an unknown kind, or a part of one, carries. False if that is
    /// nothing.
    pub(super) fn carried(&mut self, node: &Node) -> bool {
        let before = self.reach;
        self.reach = before.in_document(node);
        let known = self.search(node, None, 0);
        self.reach = before;
        known
    }

    fn search(&mut self, node: &Node, place: Option<&str>, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        match &node.value {
            Value::Scalar(_) => match self.decoded(node) {
                Some(decoded) => self.carried_text(&decoded, place),
                None => self.carried_text(node, place),
            },
            Value::List(items) => {
                if patches::is_patch(node) && self.by_keys(&patches::patched(node)) {
                    return true;
                }
                let words: Vec<_> = items.iter().filter_map(Node::text).collect();
                if words.len() == items.len() && self.command(&words, "") {
                    return true;
                }
                if let Some(lines) = self.lines(&words).filter(|_| words.len() == items.len())
                    && self.settings_in(&lines)
                {
                    return true;
                }
                let mut known = false;
                for item in items {
                    known |= self.search(item, place, depth + 1);
                }
                known
            }
            Value::Map(entries) => {
                if self.settings_in(node) || self.container(node) {
                    return true;
                }
                let own = PLACES.iter().find_map(|key| node.get(key).and_then(Node::str));
                let place = own.or(place);
                let before = self.reach;
                let own = before.within(node);
                let mut known = false;
                for entry in entries {
                    let key = entry.key.value.as_str();
                    self.reach = own.below(key, &entry.value);
                    let flags = key.ends_with("server_args");
                    // k3s' role for Ansible has the files themselves.
                    let file = key.ends_with("config_yaml").then_some("/etc/rancher/config.yaml");
                    let place = place.filter(|_| CONTENTS.contains(&key)).or(file);
                    known |= (flags && self.flags_text(&entry.value))
                        || self.search(&entry.value, place, depth + 1);
                }
                self.reach = before;
                known
            }
        }
    }

    /// Lines of a file that stand in a list, each as `key: value`, as the mapping that they make.
    fn lines(&self, words: &[Spanned<String>]) -> Option<Node> {
        let first = words.first()?.span;
        let entry = |word: &Spanned<String>| {
            let (key, value) = word.value.split_once(": ")?;
            let behind = word.value.len() - value.trim_start().len();
            let value = value.trim();
            let bare = value.trim_matches(['"', '\'']);
            let quotes = usize::from(bare.len() < value.len());
            let value = Node::leaf(&self.part(word, behind + quotes, bare));
            Some(Entry { key: self.part(word, 0, key), value })
        };
        let entries = words.iter().map(entry).collect::<Option<Vec<_>>>()?;
        Some(Node { span: first, value: Value::Map(entries) })
    }

    /// A mapping somewhere in a document that is the configuration of a tool: the variables of an
    /// inventory, of a role for k3s or RKE2, of Rancher.
    fn settings_in(&mut self, node: &Node) -> bool {
        let has = |keys: &[&str]| keys.iter().any(|key| node.get(key).is_some());
        if has(&["cluster-cidr", "service-cidr"]) {
            return self.k3s(node);
        }
        if has(&["rke2_cluster_cidr", "rke2_service_cidr", "k3s_cluster_cidr", "k3s_service_cidr"])
        {
            return self.k3s(&settings::as_flags(node));
        }
        has(&["kube_pods_subnet", "kube_service_addresses"]) && self.kubespray(node)
    }

    /// A container of k3s, whose arguments are those of `k3s`.
    fn container(&mut self, node: &Node) -> bool {
        let image = node.get("image").and_then(Node::str).unwrap_or_default();
        if !image.contains("rancher/k3s") && !image.contains("rancher/rke2") {
            return false;
        }
        self.image_version(node.get("image"));
        let mut known = false;
        for key in ["command", "args"] {
            let Some(value) = node.get(key) else { continue };
            let words: Vec<Spanned<String>> = value.items().iter().filter_map(Node::text).collect();
            known |= match words.first() {
                Some(first) => self.k3s_flags(&words, first.span),
                None => self.flags_text(value),
            };
        }
        known
    }

    /// A text of flags for k3s or RKE2.
    fn flags_text(&mut self, node: &Node) -> bool {
        let Some(text) = node.text().filter(|text| text.value.contains("--")) else { return false };
        let words = text.value.split_whitespace().map(str::to_owned).collect();
        let words = self.place(&text, words, &mut 0);
        self.k3s_flags(&words, text.span)
    }

    /// A text somewhere in a document, and the path to which it is written, if that is known.
    pub(super) fn carried_text(&mut self, node: &Node, place: Option<&str>) -> bool {
        let Some(text) = node.str().filter(|text| text.len() > 8 && !is_program(text)) else {
            return false;
        };
        let place = place.unwrap_or_default();
        let of_sysctl = place.contains("sysctl.d/") && text.contains('=');
        if place.ends_with("sysctl.conf") || of_sysctl || Self::is_sysctl_text(text) {
            return self.sysctl_text(node);
        }
        let block = node.scalar().is_some_and(|scalar| scalar.block.is_some());
        if block && !is_cloud_init(text) && scripts::writes_files(text) {
            return self.shell(node);
        }
        let starts = |key: &&&str| text.lines().any(|line| line.trim_start().starts_with(**key));
        let of_group = text.contains("kind:") && GROUPS.iter().any(|group| text.contains(group));
        let of_k3s = place.contains("/rancher/") && place.contains("config.yaml");
        let patch = starts(&&"- op:") && text.contains("path: /");
        let json = text.trim_start().starts_with('[') && text.contains("\"op\"");
        let settings =
            of_k3s || patch || json || is_talos(text) || KEYS.iter().any(|key| starts(&key));
        if of_group
            || settings
            || is_cloud_init(text)
            || is_static_pod(text, place)
            || cni::is_text(text)
        {
            return self.carried_documents(node, place, false);
        }
        // What k3s and RKE2 find there they apply.
        if place.contains("/server/manifests/") && scripts::is_manifest(text) {
            return self.carried_documents(node, place, true);
        }
        self.shell(node)
    }

    /// The documents of a text; those of all kinds where the cluster is sure to get them.
    pub(super) fn carried_documents(&mut self, node: &Node, place: &str, all: bool) -> bool {
        let before = self.model.flaws.len();
        let name = if place.is_empty() { "a text inside" } else { place };
        let documents = self.embedded(node, name);
        let broken = self.model.flaws.split_off(before);
        let mut known = false;
        self.depth += 1;
        for Document { root, flaws } in documents {
            let api = root.get("apiVersion").and_then(Node::str).unwrap_or_default();
            let group = api.split('/').next().unwrap_or_default();
            let own = match root.get("kind") {
                Some(kind) => {
                    let pod = kind.str() == Some("Pod") && place.contains(MANIFESTS);
                    (all || GROUPS.contains(&group) || pod) && self.object(&root)
                }
                None => self.by_keys(&root) || self.carried(&root),
            };
            if own {
                self.model.flaws.extend(flaws);
            }
            known |= own;
        }
        self.depth -= 1;
        // What a template is still to fill in need not be YAML yet.
        if known && !node.str().is_some_and(is_template) {
            self.model.flaws.extend(broken);
        }
        known
    }

    /// Kernel settings, as a file of sysctl.d holds them.
    fn sysctl_text(&mut self, node: &Node) -> bool {
        let Some(text) = node.text() else { return false };
        let mut known = false;
        for (number, line) in text.value.lines().enumerate() {
            let length = line.trim_end().chars().count();
            let span = self.line_span(node, number, 0, length);
            let own = |sysctl: &Sysctl| sysctl.name.starts_with("net.");
            if let Some(sysctl) = sysctl_line(line).filter(own) {
                self.kernel_setting(sysctl, span);
                known = true;
            }
        }
        known
    }
}
