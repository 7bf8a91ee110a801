//! Command lines that set a cluster up, wherever a document holds them: `kubeadm init`, and the
//! flags of k3s and RKE2.

use crate::lint::{
    model::{Address, Arg, Args, ClusterConfiguration, GateReader, NodeConfiguration, Owner, Role},
    source::{Span, Spanned},
    tree::Node,
};

use super::{Lower, settings};

/// Variables that hold the arguments for k3s and RKE2.
const VARIABLES: [&str; 3] = ["INSTALL_K3S_EXEC=", "INSTALL_RKE2_EXEC=", "K3S_EXEC="];
/// Variables that hold the kubelet's flags.
const KUBELET: [&str; 2] = ["KUBELET_EXTRA_ARGS=", "KUBELET_KUBEADM_ARGS="];

/// The commands of a script, each as its words; quotes are taken off.
pub(super) fn commands(text: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    let end = |word: &mut Option<String>, all: &mut Vec<Vec<String>>| {
        if let (Some(word), Some(last)) = (word.take(), all.last_mut()) {
            last.push(word);
        }
    };
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => {
                if let Some(next) = chars.next().filter(|next| *next != '\n') {
                    word.get_or_insert_default().push(next);
                }
            }
            (None, '\n' | ';' | '|' | '&') => {
                end(&mut word, &mut all);
                all.push(Vec::new());
            }
            (None, c) if c.is_whitespace() => end(&mut word, &mut all),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    end(&mut word, &mut all);
    all.retain(|words| !words.is_empty());
    all
}

/// The name of a program without its directory.
fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

impl Lower<'_> {
    /// The command lines in a text. False if none of them is known.
    pub(super) fn script(&mut self, node: &Node) -> bool {
        let Some(text) = node.text() else { return false };
        let words = |program: &str, word: &str| {
            text.value.contains(program) && text.value.contains(word) && text.value.contains("--")
        };
        let known = words("kubeadm", "init")
            || words("KUBELET_", "node-ip")
            || ["k3s", "K3S", "rke2", "RKE2"]
                .iter()
                .any(|name| words(name, "cidr") || words(name, "node-ip"));
        if !known {
            return false;
        }
        let mut found = false;
        let mut from = 0;
        for words in commands(&text.value) {
            let words = self.place(&text, words, &mut from);
            found |= self.command(&words);
        }
        found
    }

    /// Words with the places at which they stand in a text, one after the other.
    pub(super) fn place(
        &self,
        text: &Spanned<String>,
        words: Vec<String>,
        from: &mut usize,
    ) -> Vec<Spanned<String>> {
        let written = self.sources.text(text.span);
        let place = |word: String| {
            let rest = written.get(*from..).unwrap_or_default();
            let span = match rest.find(word.as_str()) {
                Some(at) => {
                    let span = text.span.slice(*from + at, word.len());
                    *from += at + word.len();
                    span
                }
                None => text.span,
            };
            Spanned::new(word, span)
        };
        words.into_iter().map(place).collect()
    }

    /// One command line. False if it sets up no cluster.
    pub(super) fn command(&mut self, words: &[Spanned<String>]) -> bool {
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).map(|word| word.value.as_str());
            let rest = words.get(at + 2..).unwrap_or_default();
            match (program(&word.value), next) {
                ("kubeadm", Some("init")) => return self.kubeadm_init(rest, word.span),
                ("k3s" | "rke2", Some("server" | "agent")) => {
                    return self.k3s_flags(rest, word.span);
                }
                _ => {}
            }
            if let Some(words) = self.variable(word, &VARIABLES) {
                return self.k3s_flags(&words, word.span);
            }
            if let Some(words) = self.variable(word, &KUBELET) {
                return self.kubelet_flags(&words, word.span);
            }
        }
        false
    }

    /// Flags of k3s or RKE2, which its configuration file has as keys.
    pub(super) fn k3s_flags(&mut self, words: &[Spanned<String>], at: Span) -> bool {
        let Args { list, .. } = self.flags(words);
        // The shell fills in what this can't know.
        let known: Vec<Arg> =
            list.into_iter().filter(|arg| !is_variable(&arg.value.value)).collect();
        let tree = settings::from_flags(&known, at);
        self.k3s(&tree)
    }

    /// The words of a variable, if the word sets one of these; systemd has it in `Environment=`.
    fn variable(&self, word: &Spanned<String>, names: &[&str]) -> Option<Vec<Spanned<String>>> {
        let name = names.iter().find(|name| {
            word.value.starts_with(**name) || word.value.starts_with(&format!("Environment={name}"))
        })?;
        let (before, value) = word.value.split_once(name)?;
        let text = self.part(word, before.len() + name.len(), value);
        let words = commands(value).into_iter().flatten().collect();
        Some(self.place(&text, words, &mut 0))
    }

    /// Flags that a node's kubelet gets beside its own.
    fn kubelet_flags(&mut self, words: &[Spanned<String>], at: Span) -> bool {
        let kubelet = self.flags(words);
        let node_ip = kubelet.get("node-ip").filter(|text| !is_variable(&text.value));
        let Some(node_ip) = node_ip.map(|text| self.addresses(text)) else { return false };
        self.gate_flag(&kubelet, GateReader::Kubelet);
        self.model.nodes.push(NodeConfiguration {
            at,
            api: None,
            name: None,
            registration: None,
            kubelet,
            node_ip: Some(node_ip),
            advertise: None,
            tool: None,
        });
        true
    }

    /// What `kubeadm init` makes of its flags.
    fn kubeadm_init(&mut self, words: &[Spanned<String>], at: Span) -> bool {
        let args = self.flags(words);
        let get = |name: &str| args.get(name).filter(|text| !is_variable(&text.value)).cloned();
        let pods = get("pod-network-cidr");
        let services = get("service-cidr");
        let pods = self.ranges(pods, Role::Pods, Owner::Kubeadm, "--pod-network-cidr");
        let services = self.ranges(services, Role::Services, Owner::Kubeadm, "--service-cidr");
        // With a file the flags are not read.
        if args.get("config").is_some() || (pods.is_none() && services.is_none()) {
            return false;
        }
        self.version(get("kubernetes-version"));
        self.gate_flag(&args, GateReader::Kubeadm);
        if args.get("service-cidr").is_none() {
            self.assume_services(at);
        }
        let name = get("node-name");
        if let Some(advertise) = get("apiserver-advertise-address") {
            self.model.nodes.push(NodeConfiguration {
                at,
                api: None,
                name,
                registration: None,
                kubelet: Args::default(),
                node_ip: None,
                advertise: Some(Address::new(advertise)),
                tool: None,
            });
        }
        self.model.clusters.push(ClusterConfiguration {
            at,
            api: None,
            pods,
            services,
            dns_domain: get("service-dns-domain"),
            extra_args: Vec::new(),
        });
        true
    }
}

/// Whether a shell or a template is still to fill in a word.
fn is_variable(text: &str) -> bool {
    ["$", "`", "{{", "<"].iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn a_script_is_cut_into_commands_and_words() {
        let script = "set -e; kubeadm init \\\n  --a=b --c 'd e' && x \"y\"z | w\n";
        let wanted = vec![
            vec!["set", "-e"],
            vec!["kubeadm", "init", "--a=b", "--c", "d e"],
            vec!["x", "yz"],
            vec!["w"],
        ];
        assert_eq!(commands(script), wanted);
    }
}
