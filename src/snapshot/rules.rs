//! The rules of a node's packet filter, as far as they may have to do with what was tried: what
//! `nft list ruleset` prints in kube-proxy's pod there, which may read them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::net::IpFamily;

/// The command that lists the rules. kube-proxy's image has no shell.
pub const RULES_COMMAND: [&str; 3] = ["nft", "list", "ruleset"];

/// How many lines are read. Ten thousand Services have some hundred thousand.
const MOST_LINES: usize = 400_000;

/// How many rules that drop are kept.
const MOST_RULES: usize = 100;

/// The beginnings of the names of chains whose owners write and repair them by themselves: kube-proxy,
/// the kubelet and pod networks.
const OWNED: [&str; 6] = ["KUBE-", "cali", "CILIUM_", "OLD_CILIUM_", "FLANNEL-", "ANTREA-"];

/// What the packet filter of a node does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruleset {
    /// The node.
    pub node: String,
    /// Why it is not complete, where it isn't: nothing that isn't in it is known to be missing then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// The families in which kube-proxy has a chain (or map) of Services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxied: Vec<IpFamily>,
    /// Where packets are led to kube-proxy's chain of Services; not known of its nftables mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    /// The ClusterIPs that were looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<IpAddr>,
    /// Those of them that kube-proxy's rules translate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub translated: Vec<IpAddr>,
    /// Rules outside the chains of Kubernetes and pod networks that drop, refuse or leave untracked what they
    /// match, some at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<FilterRule>,
}

/// A place from which packets are led to kube-proxy's chain of Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The family.
    pub family: IpFamily,
    /// The hook.
    pub hook: Hook,
}

/// When a chain sees packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// As they come in at an interface.
    Ingress,
    /// Before it is decided where they go.
    Prerouting,
    /// On the way to the node itself.
    Input,
    /// On the way through the node.
    Forward,
    /// On the way from the node itself.
    Output,
    /// On the way out.
    Postrouting,
}

impl Hook {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "ingress" => Self::Ingress,
            "prerouting" => Self::Prerouting,
            "input" => Self::Input,
            "forward" => Self::Forward,
            "output" => Self::Output,
            "postrouting" => Self::Postrouting,
            _ => return None,
        })
    }
}

/// What a rule does to what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nobody is told.
    Drop,
    /// The sender is told.
    Reject,
    /// The packet's connection is not tracked.
    Untracked,
}

/// A rule, or what a chain does with what none of its rules decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRule {
    /// The table, with its family (`ip6 filter`).
    pub table: String,
    /// The chain.
    pub chain: String,
    /// When the chain sees packets; `None` for one that others jump to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
    /// What it does.
    pub does: Effect,
    /// What it matches, in nft's words; `None` for what a chain does with the rest.
    pub text: Option<String>,
    /// Whether no rule before it in its chain may have let packets pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
}

impl Ruleset {
    /// Whether kube-proxy's rules are known to translate an address, or known not to.
    pub fn translates(&self, address: IpAddr) -> Option<bool> {
        if self.translated.contains(&address) {
            return Some(true);
        }
        // Rules of the older iptables are not listed: then nothing of kube-proxy's is in sight.
        let sees = self.incomplete.is_none() && !self.proxied.is_empty();
        (sees && self.asked.contains(&address)).then_some(false)
    }

    /// Whether what comes from pods (or the node itself) is known not to be led to kube-proxy's chain of
    /// Services, which is there.
    pub fn passes_by(&self, family: IpFamily, hook: Hook) -> bool {
        let leads = |family, hook| self.entries.contains(&Entry { family, hook });
        // Where nothing leads there by any hook and family, it is kube-proxy's nftables mode.
        self.incomplete.is_none()
            && self.proxied.contains(&family)
            && !self.entries.is_empty()
            && !leads(family, hook)
    }
}

/// A chain that is being read.
#[derive(Debug)]
struct Chain {
    name: String,
    hook: Option<Hook>,
    /// Whether a rule that was read may let packets pass.
    passes: bool,
}

/// Reads rules line by line.
#[derive(Debug)]
pub struct RulesReader {
    ruleset: Ruleset,
    lines: usize,
    /// The table, with its family.
    table: Option<(String, String)>,
    chain: Option<Chain>,
    /// The set or map.
    set: Option<String>,
    too_many: bool,
}

impl RulesReader {
    /// A reader that has read nothing yet of a node, and looks for these ClusterIPs.
    pub fn new(node: &str, asked: Vec<IpAddr>) -> Self {
        let ruleset = Ruleset { node: node.to_owned(), asked, ..Ruleset::default() };
        Self { ruleset, lines: 0, table: None, chain: None, set: None, too_many: false }
    }

    /// Reads a line.
    pub fn line(&mut self, line: &str) {
        self.lines += 1;
        if self.lines > MOST_LINES {
            self.too_many = true;
            return;
        }
        if line == "}" {
            (self.table, self.chain, self.set) = (None, None, None);
        } else if line == "\t}" {
            (self.chain, self.set) = (None, None);
        } else if let Some(opened) = line.strip_suffix(" {") {
            self.open(opened.trim());
        } else {
            self.inside(line.trim());
        }
    }

    /// What was read, and why that isn't all, where it isn't.
    pub fn finish(self, incomplete: Option<String>) -> Ruleset {
        let incomplete = match incomplete {
            None if self.lines == 0 => Some("nothing was listed".to_owned()),
            None if self.table.is_some() => Some("the list broke off".to_owned()),
            None if self.too_many => Some(format!("it has more than {MOST_LINES} lines")),
            reason => reason,
        };
        Ruleset { incomplete, ..self.ruleset }
    }

    fn open(&mut self, opened: &str) {
        let mut words = opened.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("table"), Some(family), Some(name)) => {
                self.table = Some((family.to_owned(), name.to_owned()));
            }
            (Some("chain"), Some(name), None) => {
                self.chain = Some(Chain { name: name.to_owned(), hook: None, passes: false });
                if name == "KUBE-SERVICES" && self.is_table("nat") {
                    self.proxies();
                }
            }
            (Some("map" | "set"), Some(name), None) => {
                self.set = Some(name.to_owned());
                if name == "service-ips" && self.is_table("kube-proxy") {
                    self.proxies();
                }
            }
            _ => {}
        }
    }

    fn is_table(&self, name: &str) -> bool {
        self.table.as_ref().is_some_and(|(_, table)| table == name)
    }

    fn family(&self) -> Option<IpFamily> {
        match self.table.as_ref()?.0.as_str() {
            "ip" => Some(IpFamily::V4),
            "ip6" => Some(IpFamily::V6),
            _ => None,
        }
    }

    fn proxies(&mut self) {
        let family = self.family();
        self.ruleset.proxied.extend(family.filter(|it| !self.ruleset.proxied.contains(it)));
    }

    fn inside(&mut self, text: &str) {
        let of_services = match (&self.chain, &self.set) {
            (Some(chain), _) => chain.name == "KUBE-SERVICES" && self.is_table("nat"),
            (None, Some(set)) => set == "service-ips" && self.is_table("kube-proxy"),
            (None, None) => false,
        };
        if of_services {
            let words = text.split([' ', ',', '{', '}']);
            let addresses = words.filter_map(|word| word.parse::<IpAddr>().ok());
            let ruleset = &mut self.ruleset;
            for address in addresses.filter(|it| ruleset.asked.contains(it)) {
                if !ruleset.translated.contains(&address) {
                    ruleset.translated.push(address);
                }
            }
        }
        let family = self.family();
        let (Some((table_family, table)), Some(chain)) = (&self.table, &mut self.chain) else {
            return;
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.first() == Some(&"type") {
            let hook = words.iter().position(|word| *word == "hook");
            chain.hook = hook.and_then(|at| words.get(at + 1)).and_then(|word| Hook::of(word));
        }
        let leads = |to: &str| words.windows(2).any(|it| it == ["jump", to]);
        if let (Some(hook), Some(family), true) = (chain.hook, family, leads("KUBE-SERVICES"))
            && table == "nat"
        {
            self.ruleset.entries.push(Entry { family, hook });
        }
        let is_owned = table == "kube-proxy"
            || table_family == "bridge"
            || table_family == "arp"
            || OWNED.iter().any(|start| chain.name.starts_with(start));
        if is_owned {
            return;
        }
        let is_policy = words.first() == Some(&"type");
        let does = if is_policy {
            text.contains("policy drop").then_some(Effect::Drop)
        } else {
            effect(&words)
        };
        if let Some(does) = does {
            if self.ruleset.rules.len() < MOST_RULES {
                self.ruleset.rules.push(FilterRule {
                    table: format!("{table_family} {table}"),
                    chain: chain.name.clone(),
                    hook: chain.hook,
                    does,
                    text: (!is_policy).then(|| without_remarks(text)),
                    first: !is_policy && chain.hook.is_some() && !chain.passes,
                });
            }
        } else if !is_policy && lets_pass(&words) {
            chain.passes = true;
        }
    }
}

/// What a rule does, where it stops packets or leaves them untracked.
fn effect(words: &[&str]) -> Option<Effect> {
    words.iter().find_map(|word| match *word {
        "drop" => Some(Effect::Drop),
        "reject" | "\"REJECT\"" => Some(Effect::Reject),
        "notrack" => Some(Effect::Untracked),
        _ => None,
    })
}

/// Whether a rule may let the first packet of a connection pass the rest of its chain.
fn lets_pass(words: &[&str]) -> bool {
    let state = words.windows(3).find(|it| it[..2] == ["ct", "state"]).map(|it| it[2]);
    let of_known =
        state.is_some_and(|state| !state.contains("new") && !state.contains("untracked"));
    // What kube-proxy lets pass by itself is what it masquerades or knows.
    let leaves =
        words.windows(2).any(|it| matches!(it[0], "jump" | "goto") && !it[1].starts_with("KUBE-"));
    let ends = words.iter().any(|word| matches!(*word, "accept" | "return"));
    !of_known && (leaves || ends)
}

/// A rule without what people wrote beside it, and without counts.
fn without_remarks(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(word) = rest.split_whitespace().next() {
        let at = rest.find(word).unwrap_or(0) + word.len();
        rest = rest.get(at..).unwrap_or("");
        match word {
            "comment" | "prefix" => {
                let quoted = rest.trim_start().strip_prefix('"');
                rest = quoted.and_then(|it| it.split_once('"')).map_or("", |(_, behind)| behind);
            }
            "counter" | "packets" | "bytes" => {
                let number = rest.trim_start();
                let end = number.find(' ').unwrap_or(number.len());
                if number.get(..end).is_some_and(|it| it.parse::<u64>().is_ok()) {
                    rest = number.get(end..).unwrap_or("");
                }
            }
            word => kept.push(word),
        }
    }
    kept.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use IpFamily::{V4, V6};

    const SERVICE: &str = "fd00:10:96::a";

    fn read(text: &str) -> Ruleset {
        let asked = vec![SERVICE.parse().unwrap(), "10.96.0.10".parse().unwrap()];
        let mut reader = RulesReader::new("n2", asked);
        text.lines().for_each(|line| reader.line(line));
        reader.finish(None)
    }

    #[test]
    fn the_addresses_that_kube_proxy_translates_are_found_in_both_its_modes() {
        let iptables = "table ip6 nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting \
         priority dstnat; policy accept;\n\t\t counter packets 1 bytes 80 jump \
         KUBE-SERVICES\n\t}\n\tchain KUBE-SERVICES {\n\t\tip6 daddr fd00:10:96::a udp dport 53  \
         counter packets 0 bytes 0 jump KUBE-SVC-TCOU7JCQXEZGVUNU\n\t}\n}\ntable ip nat {\n\tchain \
         KUBE-SERVICES {\n\t}\n}";
        let ruleset = read(iptables);
        assert_eq!(ruleset.translates(SERVICE.parse().unwrap()), Some(true));
        assert_eq!(ruleset.translates("10.96.0.10".parse().unwrap()), Some(false));
        assert_eq!(ruleset.translates("10.96.0.11".parse().unwrap()), None, "nobody looked for it");
        assert_eq!(ruleset.proxied, [V6, V4]);
        assert!(!ruleset.passes_by(V6, Hook::Prerouting) && ruleset.passes_by(V6, Hook::Output));
        let nftables = "table ip6 kube-proxy {\n\tmap service-ips {\n\t\ttype ipv6_addr . \
         inet_proto . inet_service : verdict\n\t\telements = { fd00:10:96::1 . tcp . 443 : goto \
         service-2QRHZV4L-default/kubernetes/tcp/https,\n\t\t\t     fd00:10:96::a . udp . 53 : goto \
         service-NWBZK7IH-kube-system/kube-dns/udp/dns }\n\t}\n}";
        let ruleset = read(nftables);
        assert_eq!(ruleset.translates(SERVICE.parse().unwrap()), Some(true));
        assert!(!ruleset.passes_by(V6, Hook::Prerouting), "of this mode it is not known");
    }

    #[test]
    fn nothing_is_missing_from_a_list_that_broke_off_or_shows_nothing_of_kube_proxy() {
        let broken = read("table ip6 nat {\n\tchain KUBE-SERVICES {");
        assert_eq!(broken.incomplete.as_deref(), Some("the list broke off"));
        assert_eq!(broken.translates(SERVICE.parse().unwrap()), None);
        let other = read("table ip6 nat {\n\tchain x {\n\t}\n}");
        assert_eq!(other.translates(SERVICE.parse().unwrap()), None);
        assert!(read("").incomplete.is_some());
    }

    #[test]
    fn rules_that_drop_are_kept_without_what_people_wrote_beside_them() {
        let ruleset = read(
            "table inet guard {\n\tchain f {\n\t\ttype filter hook forward priority -10; policy \
             accept;\n\t\tct state established,related accept\n\t\tip6 daddr fd00:10:244:1::/64 \
             meta l4proto udp counter packets 3 bytes 9 log prefix \"a drop \" drop \
             comment \"token=abc\"\n\t\ttcp dport 22 accept\n\t\ttcp dport 8080 \
             reject\n\t}\n\tchain r {\n\t\ttype filter hook prerouting priority raw; policy \
             drop;\n\t\tip6 saddr fd00:10:244:1::/64 notrack\n\t}\n}\ntable ip6 filter {\n\tchain \
             KUBE-FORWARD {\n\t\tct state invalid drop\n\t}\n}",
        );
        let rules: Vec<_> = ruleset
            .rules
            .iter()
            .map(|rule| (rule.hook, rule.does, rule.text.as_deref(), rule.first))
            .collect();
        let (forward, before) = (Some(Hook::Forward), Some(Hook::Prerouting));
        assert_eq!(
            rules,
            [
                (
                    forward,
                    Effect::Drop,
                    Some("ip6 daddr fd00:10:244:1::/64 meta l4proto udp log drop"),
                    true
                ),
                (forward, Effect::Reject, Some("tcp dport 8080 reject"), false),
                (before, Effect::Drop, None, false),
                (before, Effect::Untracked, Some("ip6 saddr fd00:10:244:1::/64 notrack"), true),
            ]
        );
        assert_eq!(ruleset.rules[0].table, "inet guard");
    }

    proptest! {
        #[test]
        fn no_list_makes_it_panic(lines in proptest::collection::vec("[\\t]{0,2}(table ip6 \
         nat \\{|chain [A-Z-]{1,8} \\{|map service-ips \\{|\\}|type filter hook input|\\PC{0,40})", 0..20)) {
            let _ = read(&lines.join("\n"));
        }
    }
}
