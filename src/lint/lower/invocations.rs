//! Command lines of tools that configure a cluster or a node: Helm and Cilium's own installer with
//! values, k3sup, talosctl, sysctl, and programs that hand a command on.

use crate::lint::{
    model::{Arg, Args},
    source::Spanned,
    tree::Node,
};

use super::{
    Lower,
    commands::{commands, is_variable, program},
    part_from, settings,
};

/// Programs that run a command which is one of their words.
const RUNNERS: [&str; 6] = ["ssh", "sshpass", "bash", "sh", "su", "vagrant"];
/// Flags by which Helm takes values from elsewhere: what the others set is only a part then.
const OTHER_VALUES: [&str; 4] = ["-f", "--values", "--reuse-values", "--reset-then-reuse-values"];

/// The flags that a shell hands to k3s' install script, which it reads from a pipe: those behind
/// `sh -s - server`, where `server` may be left out.
fn piped(words: &[Spanned<String>]) -> Option<&[Spanned<String>]> {
    let mut rest = words;
    let mut reads = false;
    while let [word, more @ ..] = rest {
        match word.value.as_str() {
            "-s" => reads = true,
            "-" | "--" | "server" | "agent" if reads => {}
            flag if flag.starts_with("--") && reads => return Some(rest),
            _ => return None,
        }
        rest = more;
    }
    None
}

/// Whether kernel settings are read from a file.
fn is_sysctl_file(path: &str) -> bool {
    path.contains("sysctl.d/") || path.ends_with("sysctl.conf")
}

impl Lower<'_> {
    /// A command line whose program is at the first word, and the file to which it writes. False if
    /// it sets up nothing that is known.
    pub(super) fn invocation(&mut self, words: &[Spanned<String>], written: &str) -> bool {
        let Some((first, rest)) = words.split_first() else { return false };
        let verb = |verbs: &[&str]| {
            let verb = rest.iter().find(|word| !word.value.starts_with('-'));
            verb.is_some_and(|word| verbs.contains(&word.value.as_str()))
        };
        match program(&first.value) {
            "helm" if verb(&["install", "upgrade", "template"]) => self.helm_command(words),
            "cilium" if verb(&["install"]) => self.helm_command(words),
            "k3sup" if verb(&["install", "join"]) => self.k3sup(rest),
            "talosctl" => self.talosctl(rest),
            "minikube" if verb(&["start"]) => self.minikube(rest, first.span),
            "kubectl" => self.stock_manifest(rest),
            "sysctl" => self.sysctl_words(rest),
            "echo" | "printf" if is_sysctl_file(written) => self.sysctl_words(rest),
            "sh" | "bash" if let Some(words) = piped(rest) => self.k3s_flags(words, first.span),
            name if RUNNERS.contains(&name) => self.handed_on(rest),
            _ => false,
        }
    }

    /// Values that `--set` gives to a chart.
    fn helm_command(&mut self, words: &[Spanned<String>]) -> bool {
        let elsewhere = |word: &Spanned<String>| {
            let name = word.value.split('=').next().unwrap_or_default();
            OTHER_VALUES.contains(&name)
        };
        if words.iter().any(elsewhere) {
            return false;
        }
        let args = self.flags(words);
        let own = |names: &[&str]| -> Vec<Spanned<String>> {
            let set = args.list.iter().filter(|arg| names.contains(&arg.name.value.as_str()));
            set.map(|arg| arg.value.clone()).collect()
        };
        let given = own(&["set", "set-string", "set-json", "helm-set"]);
        // What the shell fills in may be anything.
        if given.iter().any(|text| is_variable(&text.value)) {
            return false;
        }
        let mut list: Vec<Arg> = given.iter().flat_map(|text| self.assignments(text)).collect();
        // A list of JSON reads as Helm's own form of a list.
        for arg in &mut list {
            let inner = arg.value.value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            if let Some(inner) = inner.filter(|inner| !inner.contains(['{', '['])) {
                let inner = inner.replace('"', "");
                arg.value.value = format!("{{{inner}}}");
            }
        }
        let stock = self.stock_cilium(words);
        let Some(span) = list.first().map(|arg| arg.name.span) else { return stock };
        let plain = |word: &&Spanned<String>| !word.value.starts_with('-');
        let chart = words.iter().skip(1).filter(plain).find(|word| word.value.contains('/'));
        let chart = chart.or(words.first()).map(|word| word.value.clone());
        let version = args.get("version").map(Node::leaf);
        self.chart_version(chart.as_deref(), version.as_ref());
        self.helm_values(&settings::from_paths(&list, span), chart.as_deref())
    }

    /// `a.b=c,d={e,f}`: names and values.
    fn assignments(&self, text: &Spanned<String>) -> Vec<Arg> {
        let written = self.written(text);
        let mut list = Vec::new();
        let mut start = 0;
        let mut depth = 0_usize;
        let ends = text.value.char_indices().filter(|(_, c)| match c {
            '{' | '[' => {
                depth += 1;
                false
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => *c == ',' && depth == 0,
        });
        let mut ends: Vec<usize> = ends.map(|(at, _)| at).collect();
        ends.push(text.value.len());
        for end in ends {
            let piece = text.value.get(start..end).unwrap_or_default();
            if let Some((name, value)) = piece.split_once('=') {
                let behind = start + name.len() + 1;
                let value = part_from(text, written, behind, value);
                list.push(Arg { name: part_from(text, written, start, name), value });
            }
            start = end + 1;
        }
        list
    }

    /// The flags that k3sup hands on to k3s.
    fn k3sup(&mut self, words: &[Spanned<String>]) -> bool {
        let name = "--k3s-extra-args";
        let Some(at) = words.iter().position(|word| word.value.starts_with(name)) else {
            return false;
        };
        let joined = words[at].value.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        let joined = joined.map(|rest| self.part(&words[at], name.len() + 1, rest));
        let Some(extra) = &joined.or_else(|| words.get(at + 1).cloned()) else { return false };
        let inner = commands(&extra.value).into_iter().flatten().collect();
        let inner = self.place(extra, inner, &mut 0);
        self.k3s_flags(&inner, extra.span)
    }

    /// Patches for Talos' machine configuration, and the URL that is put into it.
    fn talosctl(&mut self, words: &[Spanned<String>]) -> bool {
        let generates =
            words.windows(2).any(|two| two[0].value == "gen" && two[1].value == "config");
        let url = words.iter().find(|word| generates && word.value.starts_with("https://"));
        let url = url.filter(|url| !is_variable(&url.value));
        self.model.server_urls.extend(url.cloned());
        let mut known = url.is_some();
        let Args { list, .. } = self.flags(words);
        for Arg { name, value } in list {
            let patch = name.value.starts_with("config-patch") || name.value == "patch";
            if patch && !value.value.starts_with('@') {
                known |= self.carried_text(&Node::leaf(&value), Some(&format!("--{}", name.value)));
            }
        }
        known
    }

    /// A command that is one word of another one.
    fn handed_on(&mut self, words: &[Spanned<String>]) -> bool {
        let mut known = false;
        for word in words.iter().filter(|word| word.value.contains(' ')) {
            known |= self.script(&Node::leaf(word));
        }
        known
    }
}
