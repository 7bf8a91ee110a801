//! Command lines that set a cluster up, wherever a document holds them: `kubeadm init` and
//! `kubeadm join`, and the flags of k3s and RKE2.

use crate::lint::{
    model::{
        Address, AddressList, Arg, Args, ClusterConfiguration, ComponentName, GateReader,
        NodeConfiguration, Owner, Role,
    },
    source::{Span, Spanned},
    tree::Node,
};

use super::{Lower, reach::undoes, settings, stock::is_stock};

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
                let next = chars.next();
                if next == Some('\r') && chars.peek() == Some(&'\n') {
                    chars.next();
                } else if let Some(next) = next.filter(|next| *next != '\n') {
                    word.get_or_insert_default().push(next);
                }
            }
            // A comment, up to the end of its line.
            (None, '#') if word.is_none() => {
                while chars.peek().is_some_and(|next| *next != '\n') {
                    chars.next();
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

/// The name of a program without its directory, and without what systemd has before it.
pub(super) fn program(word: &str) -> &str {
    let word = word.strip_prefix("ExecStart=").unwrap_or(word);
    word.rsplit('/').next().unwrap_or(word)
}

/// The file that a command writes to; an empty text where it is none.
pub(super) fn target<'w>(mut words: impl Iterator<Item = &'w str>) -> String {
    while let Some(word) = words.next() {
        let path = match word.strip_prefix('>').map(|rest| rest.trim_start_matches('>')) {
            Some("") => words.next(),
            Some(path) => Some(path),
            None if word == "tee" => words.find(|word| !word.starts_with('-')),
            None => None,
        };
        if let Some(path) = path {
            return path.trim_matches(['\'', '"']).to_owned();
        }
    }
    String::new()
}

/// Flags of `kubeadm join` that stand alone: the word after them is not their value.
const JOIN_SWITCHES: [&str; 3] =
    ["control-plane", "discovery-token-unsafe-skip-ca-verification", "dry-run"];

/// Flags of the control plane's components and of kube-proxy that concern families.
const COMPONENT_FLAGS: [&str; 9] = [
    "service-cluster-ip-range",
    "cluster-cidr",
    "node-cidr-mask-size",
    "node-cidr-mask-size-ipv4",
    "node-cidr-mask-size-ipv6",
    "advertise-address",
    "proxy-mode",
    "nodeport-addresses",
    "feature-gates",
];

fn component(program: &str) -> Option<ComponentName> {
    match program {
        "kube-apiserver" => Some(ComponentName::ApiServer),
        "kube-controller-manager" => Some(ComponentName::ControllerManager),
        "kube-proxy" => Some(ComponentName::Proxy),
        _ => None,
    }
}

/// Whether a program is k3s or RKE2, or an image of one of them.
fn is_k3s(name: &str) -> bool {
    matches!(name.split([':', '@']).next(), Some("k3s" | "rke2"))
}

/// Whether a word may stand before a program: of the shell, another program that starts it, or a
/// variable that is set for it.
fn goes_before(word: &str) -> bool {
    let words = ["sudo", "exec", "nohup", "env", "time", "if", "then", "else", "do", "!", "-E"];
    words.contains(&word) || (word.contains('=') && !word.starts_with('-'))
}

/// Whether a command of a script begins a branch (true) or ends one (false).
fn branching(words: &[String]) -> Option<bool> {
    let mut words = words.iter().map(String::as_str);
    match words.find(|word| !matches!(*word, "then" | "else" | "do" | "{"))? {
        "if" | "case" => Some(true),
        "fi" | "esac" => Some(false),
        _ => None,
    }
}

/// The name of the function that a command of a script begins to define.
fn function_of(words: &[Spanned<String>]) -> Option<&str> {
    let word = |at: usize| words.get(at).map(|word| word.value.as_str());
    match (word(0)?, word(1)) {
        ("function", Some(name)) => Some(name),
        (name, Some("()")) => Some(name),
        (name, _) => name.strip_suffix("()"),
    }
}

impl Lower<'_> {
    /// The command lines in a text. False if none of them is known.
    pub(super) fn script(&mut self, node: &Node) -> bool {
        let Some(text) = node.text() else { return false };
        let words = |program: &str, word: &str| {
            text.value.contains(program) && text.value.contains(word) && text.value.contains("--")
        };
        let known = words("kubeadm", "init")
            || words("kubeadm", "join")
            || words("kubelet", "node-ip")
            || words("KUBELET_", "node-ip")
            || ["apiserver", "controller-manager", "proxy"]
                .iter()
                .any(|name| COMPONENT_FLAGS.iter().any(|flag| words(name, flag)))
            || ["k3s", "K3S", "rke2", "RKE2"]
                .iter()
                .any(|name| words(name, "cidr") || words(name, "node-ip"))
            || words("helm", "--set")
            || words("cilium", "--set")
            || text.value.contains("cilium install")
            || text.value.contains("cilium/cilium")
            || words("talosctl", "config")
            || (text.value.contains("kubectl") && text.value.split_whitespace().any(is_stock))
            || words("minikube", "extra-config")
            || words("minikube", "service-cluster-ip-range")
            || (text.value.contains("net.ipv")
                && ["sysctl ", "echo ", "printf "].iter().any(|name| text.value.contains(name)));
        if !known {
            return false;
        }
        let mut found = false;
        let mut from = 0;
        let outer = self.reach;
        let mut branches = 0_usize;
        let mut function = false;
        let mut commands = commands(&text.value).into_iter().peekable();
        while let Some(words) = commands.next() {
            branches = match branching(&words) {
                Some(true) => branches + 1,
                Some(false) => branches.saturating_sub(1),
                None => branches,
            };
            let piped =
                commands.peek().filter(|next| next.iter().take(2).any(|word| word == "tee"));
            let written =
                target(words.iter().chain(piped.into_iter().flatten()).map(String::as_str));
            let words = self.place(&text, words, &mut from);
            function = match function_of(&words) {
                Some(name) => undoes(name),
                None => function && words.first().is_none_or(|word| word.value != "}"),
            };
            self.reach = outer.in_branch(branches > 0);
            self.reach.undoing |= function;
            found |= self.command(&words, &written);
        }
        self.reach = outer;
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

    /// One command line, and the file to which it writes. False if it sets up no cluster.
    pub(super) fn command(&mut self, words: &[Spanned<String>], written: &str) -> bool {
        let mut leading = true;
        for (at, word) in words.iter().enumerate() {
            // A word that names a component is its command only where one can stand.
            let runs = words[..at]
                .last()
                .is_none_or(|before| matches!(before.value.as_str(), "sudo" | "exec" | "nohup"));
            if leading && self.invocation(&words[at..], written) {
                return true;
            }
            leading = leading && goes_before(&word.value);
            let next = words.get(at + 1).map(|word| word.value.as_str());
            let rest = words.get(at + 2..).unwrap_or_default();
            match (program(&word.value), next) {
                ("kubeadm", Some("init")) => return self.kubeadm_init(rest, word.span),
                ("kubeadm", Some("join")) => return self.kubeadm_join(rest, word.span),
                (name, Some("server" | "agent")) if is_k3s(name) => {
                    return self.k3s_flags(rest, word.span);
                }
                ("kubelet", Some(next)) if runs && next.starts_with("--") => {
                    let own = words.get(at + 1..).unwrap_or_default();
                    return self.kubelet_flags(own, word.span);
                }
                (name, Some(next)) if runs && next.starts_with("--") => {
                    if let Some(name) = component(name) {
                        let own = words.get(at + 1..).unwrap_or_default();
                        return self.component_line(name, own, word.span);
                    }
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

    /// A component's own command line. False if none of its flags concerns families.
    fn component_line(&mut self, name: ComponentName, words: &[Spanned<String>], at: Span) -> bool {
        let Args { mut list, .. } = self.flags(words);
        list.retain(|arg| !is_variable(&arg.value.value));
        if !list.iter().any(|arg| COMPONENT_FLAGS.contains(&arg.name.value.as_str())) {
            return false;
        }
        self.component_flags(name, Args { list, ..Args::default() }, at);
        true
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
    pub(super) fn variable(
        &self,
        word: &Spanned<String>,
        names: &[&str],
    ) -> Option<Vec<Spanned<String>>> {
        let name = names.iter().find(|name| {
            word.value.starts_with(**name) || word.value.starts_with(&format!("Environment={name}"))
        })?;
        let (before, value) = word.value.split_once(name)?;
        let inner = value.trim_matches(['"', '\'']);
        let quotes = value.len() - value.trim_start_matches(['"', '\'']).len();
        let text = self.part(word, before.len() + name.len() + quotes, inner);
        let words = commands(inner).into_iter().flatten().collect();
        Some(self.place(&text, words, &mut 0))
    }

    /// Flags that a node's kubelet gets beside its own.
    pub(super) fn kubelet_flags(&mut self, words: &[Spanned<String>], at: Span) -> bool {
        let kubelet = self.flags(words);
        let node_ip = kubelet.get("node-ip").filter(|text| !is_variable(&text.value));
        let Some(node_ip) = node_ip.map(|text| self.addresses(text)) else { return false };
        self.node_with(kubelet, node_ip, at);
        true
    }

    /// A node of which only the kubelet's flags are known.
    pub(super) fn node_with(&mut self, kubelet: Args, node_ip: AddressList, at: Span) {
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
        if args.get("config").is_some() {
            return false;
        }
        let endpoint = get("control-plane-endpoint");
        let ranges = pods.is_some() || services.is_some();
        let gates = args.get("feature-gates").is_some();
        if !ranges && !gates && endpoint.is_none() {
            return false;
        }
        self.endpoint(endpoint, false);
        self.version(get("kubernetes-version"));
        self.gate_flag(&args, GateReader::Kubeadm);
        if !ranges {
            return true;
        }
        if args.get("service-cidr").is_none() {
            self.assume_services(at);
        }
        self.advertising(get("apiserver-advertise-address"), get("node-name"), at);
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

    /// What `kubeadm join` makes of its argument and its flags.
    fn kubeadm_join(&mut self, words: &[Spanned<String>], at: Span) -> bool {
        let args = self.flags(words);
        // With a file neither flags nor the argument are read.
        if args.get("config").is_some() {
            return false;
        }
        let get = |name: &str| args.get(name).filter(|text| !is_variable(&text.value)).cloned();
        let endpoint = argument(words).filter(|text| !is_variable(&text.value)).cloned();
        let advertise = get("apiserver-advertise-address");
        let known = endpoint.is_some() || advertise.is_some();
        self.endpoint(endpoint, true);
        self.advertising(advertise, get("node-name"), at);
        known
    }

    /// A node that begins or joins a control plane with this address.
    fn advertising(
        &mut self,
        advertise: Option<Spanned<String>>,
        name: Option<Spanned<String>>,
        at: Span,
    ) {
        self.model.nodes.extend(advertise.map(|advertise| NodeConfiguration {
            at,
            api: None,
            name,
            registration: None,
            kubelet: Args::default(),
            node_ip: None,
            advertise: Some(Address::new(advertise)),
            tool: None,
        }));
    }
}

/// The one argument of `kubeadm join`, which may stand before, between and behind its flags.
fn argument(words: &[Spanned<String>]) -> Option<&Spanned<String>> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if !word.value.starts_with('-') {
            return Some(word);
        }
        let name = word.value.trim_start_matches('-');
        let valued = !name.contains('=') && !JOIN_SWITCHES.contains(&name);
        // `-v5` holds its value itself.
        let short = !word.value.starts_with("--") && name.len() > 1;
        if valued && !short {
            words.next();
        }
    }
    None
}

/// Whether a shell or a template is still to fill in a word.
pub(super) fn is_variable(text: &str) -> bool {
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
        // And where its lines end as Windows ends them.
        assert_eq!(commands(&script.replace('\n', "\r\n")), wanted);
    }

    #[test]
    fn a_comment_is_no_command() {
        let wanted = vec![vec!["a", "b#c"], vec!["d"]];
        assert_eq!(commands("# kubeadm init\na b#c # e f\n  d\n"), wanted);
    }
}
