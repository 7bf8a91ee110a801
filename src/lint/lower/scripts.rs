//! Files that hold command lines: units of systemd and their drop-ins, files of environment
//! variables, and shell scripts.

use std::path::Path;

use crate::lint::{
    model::{Model, has_variable},
    source::{SourceId, Sources, Span},
    tree::{Block, Budget, Node, Scalar, ScalarKind, Value},
};

use super::{
    Lower,
    commands::{program, target},
    defines::MANIFESTS,
    texts::whole,
};

/// Sections by which a unit of systemd begins.
const SECTIONS: [&str; 4] = ["[Unit]", "[Service]", "[Install]", "[Container]"];

/// Whether a file holds command lines, by its name or by how its text begins.
pub(in crate::lint) fn is_script(path: &Path, text: &str) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if matches!(ending, "yaml" | "yml" | "json") {
        return false;
    }
    let mut lines = text.lines().map(str::trim);
    let first = lines.clone().next().unwrap_or_default();
    let shell = first.starts_with("#!")
        && first.split(['/', ' ']).any(|word| matches!(word, "sh" | "bash" | "dash" | "zsh"));
    let begins = lines.find(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    shell
        || matches!(ending, "sh" | "service" | "env")
        || begins.is_some_and(|line| SECTIONS.contains(&line))
        || begins.is_some_and(|line| line.starts_with("KUBELET_EXTRA_ARGS="))
}

/// Adds what the command lines of a file set up; false if that is nothing.
pub(in crate::lint) fn script_file(
    id: SourceId,
    sources: &mut Sources,
    budget: &Budget,
    model: &mut Model,
) -> bool {
    let node = whole(sources, id);
    let mut lower = Lower::new(sources, budget, model);
    lower.reach = lower.in_file(id);
    lower.shell(&node)
}

/// A part of a script: commands, or what a here-document writes to a file.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    /// The file, or an empty text where it isn't named; nothing for commands.
    place: Option<String>,
    /// What becomes of it.
    action: Action,
    /// Its first line, from 0.
    line: usize,
    text: String,
}

/// What a command makes of a here-document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// A cluster gets the objects in it.
    Applied,
    /// A cluster loses the objects in it.
    Deleted,
    /// Anything else, such as a file.
    Unknown,
}

impl Action {
    /// By the line that begins the here-document.
    fn of(line: &str) -> Self {
        let mut words = line.split(|c: char| c.is_whitespace() || "|;&()".contains(c));
        let kubectl = |word: &str| program(word).ends_with("kubectl");
        if !words.any(kubectl) || line.contains("--dry-run") {
            return Self::Unknown;
        }
        let verb = words.find_map(|word| match word {
            "apply" | "create" | "replace" => Some(Self::Applied),
            "delete" => Some(Self::Deleted),
            _ => None,
        });
        verb.unwrap_or(Self::Unknown)
    }
}

/// Cuts a script at its here-documents.
fn parts(script: &str) -> Vec<Part> {
    let mut all = Vec::new();
    let mut own = Part { place: None, action: Action::Unknown, line: 0, text: String::new() };
    let mut lines = script.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        own.text.push_str(line);
        own.text.push('\n');
        let Some((word, quoted)) = delimiter(line) else { continue };
        let mut here = Part {
            place: Some(target(line.split_whitespace())),
            action: Action::of(line),
            line: number + 1,
            text: String::new(),
        };
        let mut last = number;
        for (number, line) in lines.by_ref() {
            last = number;
            if line.trim() == word {
                break;
            }
            here.text.push_str(line);
            here.text.push('\n');
        }
        all.push(std::mem::replace(
            &mut own,
            Part { place: None, action: Action::Unknown, line: last + 1, text: String::new() },
        ));
        // What the shell fills in can't be known.
        if quoted || !has_variable(&here.text) {
            all.push(here);
        }
    }
    all.push(own);
    all
}

/// Whether a text is a script that writes files by here-documents.
pub(super) fn writes_files(text: &str) -> bool {
    text.contains("<<") && text.lines().any(|line| delimiter(line).is_some())
}

/// Whether a text holds objects of Kubernetes.
pub(super) fn is_manifest(text: &str) -> bool {
    let begins = |key: &str| text.lines().any(|line| line.starts_with(key));
    begins("apiVersion:") && begins("kind:")
}

/// The word that ends the here-document which a line begins, and whether it is quoted.
fn delimiter(line: &str) -> Option<(&str, bool)> {
    let (_, after) = line.split_once("<<").filter(|(_, after)| !after.starts_with('<'))?;
    let after = after.trim_start_matches('-').trim_start();
    let bare = after.trim_start_matches(['\'', '"', '\\']);
    let end = bare.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(bare.len());
    (end > 0).then(|| (&bare[..end], bare.len() < after.len()))
}

impl Lower<'_> {
    /// The commands of a script, and the files that it writes by here-documents.
    pub(super) fn shell(&mut self, node: &Node) -> bool {
        let scalar = node.scalar().filter(|scalar| scalar.text.contains("<<"));
        let Some((text, block)) = scalar.and_then(|own| Some((own.text.clone(), own.block?)))
        else {
            let before = self.model.sysctls.len();
            let known = self.script(node);
            self.unsettle(before);
            return known;
        };
        let before = self.model.sysctls.len();
        let mut known = false;
        for part in parts(&text) {
            let first_line = block.first_line + part.line;
            let count = part.text.lines().count();
            let source = self.sources.get(node.span.source);
            let start = source.offset(first_line, block.indent);
            let end = source.offset(first_line + count, 0).max(start);
            let block = Some(Block { first_line, ..block });
            let scalar = Scalar { text: part.text, kind: ScalarKind::String, block };
            let own = Node { span: Span { start, end, ..node.span }, value: Value::Scalar(scalar) };
            known |= match &part.place {
                Some(_) if part.action == Action::Deleted => false,
                // What is only written to a file need not be for this cluster.
                Some(place)
                    if (part.action == Action::Applied || place.contains(MANIFESTS))
                        && own.str().is_some_and(is_manifest) =>
                {
                    self.carried_documents(&own, place, true)
                }
                Some(place) => self.carried_text(&own, Some(place)),
                None => self.script(&own),
            };
        }
        self.unsettle(before);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_environments_and_shells_are_scripts_and_yaml_is_not() {
        let is = |name: &str, text: &str| is_script(Path::new(name), text);
        assert!(is("k3s.service", ""));
        assert!(is("20-node-ip.conf", "# a\n\n[Service]\nEnvironment=A=b\n"));
        assert!(is("kubelet", "KUBELET_EXTRA_ARGS=--node-ip=::\n"));
        assert!(is("user-data", "#!/bin/bash -e\nkubeadm init\n"));
        assert!(is("user-data", "#!/usr/bin/env bash\n"));
        assert!(!is("play", "#!/usr/bin/env ansible-playbook\n- hosts: all\n"));
        assert!(!is("a.yaml", "[Service]\n"));
        assert!(!is("config", "cluster-cidr: 10.42.0.0/16\n"));
    }

    #[test]
    fn kubectl_applies_or_deletes_a_here_document_and_others_leave_it_open() {
        assert_eq!(Action::of("kubectl apply -f - <<EOF"), Action::Applied);
        assert_eq!(Action::of("cat <<'EOF' | sudo k3s kubectl -n a create -f -"), Action::Applied);
        assert_eq!(Action::of("cat <<EOF|/usr/bin/kubectl replace -f -"), Action::Applied);
        assert_eq!(Action::of("cat <<'EOF' | kubectl delete -f -"), Action::Deleted);
        assert_eq!(Action::of("kubectl create --dry-run=client -f - <<EOF"), Action::Unknown);
        assert_eq!(Action::of("cat > apply.yaml <<EOF"), Action::Unknown);
        assert_eq!(Action::of("kubectl diff -f - <<EOF"), Action::Unknown);
    }

    #[test]
    fn a_script_is_cut_at_its_here_documents() {
        let script = "a\ncat <<'EOF' | sudo tee -a /etc/x\nb: $c\n  EOF\nd\ncat > /y <<E\n$f\nE\n";
        let part = |place: Option<&str>, line, text: &str| Part {
            place: place.map(str::to_owned),
            action: Action::Unknown,
            line,
            text: text.to_owned(),
        };
        let wanted = [
            part(None, 0, "a\ncat <<'EOF' | sudo tee -a /etc/x\n"),
            part(Some("/etc/x"), 2, "b: $c\n"),
            part(None, 4, "d\ncat > /y <<E\n"),
            part(None, 8, ""),
        ];
        assert_eq!(parts(script), wanted);
        assert_eq!(parts("a <<< b\n"), [part(None, 0, "a <<< b\n")]);
    }
}
