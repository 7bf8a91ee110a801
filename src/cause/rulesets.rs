//! What the rules of the nodes' packet filters add to what a cause's rule found without them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Confidence, Evidence, Found, evidence::Probed, told::mentions};
use crate::{
    fixture::BACKEND_PORT,
    net::IpFamily,
    probe::{Aim, Target, Vantage},
    snapshot::{Effect, FilterRule, Hook, Ruleset},
};

/// What a rule that drops is a proof of. Of other causes it is evidence.
const OF_FILTERS: [&str; 13] = [
    "backend_filtered",
    "cluster_ip_dead",
    "forward_filtered",
    "hairpin_off",
    "host_ports_filtered",
    "host_to_pods_filtered",
    "host_without_own_pods",
    "kubernetes_service_dead",
    "node_address_filtered",
    "node_port_dead",
    "node_port_input_filtered",
    "tcp_filtered",
    "udp_dropped",
];

/// What kube-proxy's missing rules are a proof of.
const OF_PROXIES: [&str; 4] =
    ["cluster_ip_dead", "kube_proxy_not_running", "kubernetes_service_dead", "service_proxy_down"];

/// How many rules are shown.
const MOST: usize = 2;

/// Adds to what a rule found what the packet filters' rules say of it.
pub(super) fn add(evidence: &Evidence<'_>, id: &str, mut found: Found) -> Found {
    let rulesets = &evidence.world.facts.rulesets;
    if rulesets.is_empty() {
        return found;
    }
    let about: Vec<&Probed<'_>> = evidence
        .probed
        .iter()
        .filter(|probed| found.probed.contains(&probed.id()) && probed.bad())
        .collect();
    let stops: Vec<Stop<'_>> = rulesets
        .iter()
        .flat_map(|ruleset| ruleset.rules.iter().map(move |rule| (ruleset, rule)))
        .filter_map(|(ruleset, rule)| stop(evidence, id, ruleset, rule, &about))
        .collect();
    let (sure, others): (Vec<_>, Vec<_>) = stops.into_iter().partition(|stop| stop.is_sure);
    let is_stopped = !sure.is_empty();
    for stop in sure.iter().take(MOST).rev() {
        found.evidence.insert(0, stop.say());
        found.fix.insert(0, stop.mend());
    }
    if is_stopped && OF_FILTERS.contains(&id) {
        found.confidence = Confidence::Proved;
    } else {
        found.evidence.extend(others.iter().take(MOST).map(Stop::say));
    }
    if OF_PROXIES.contains(&id) { proxied(rulesets, &about, is_stopped, found) } else { found }
}

/// What kube-proxy's own rules on the nodes that a cause speaks of say.
fn proxied(
    rulesets: &[Ruleset],
    about: &[&Probed<'_>],
    is_stopped: bool,
    mut found: Found,
) -> Found {
    let named: Vec<&Ruleset> =
        rulesets.iter().filter(|it| mentions(&found.what, &it.node)).collect();
    let of: Vec<&Ruleset> = if named.is_empty() { rulesets.iter().collect() } else { named };
    let (mut missing, mut there) = (Vec::new(), Vec::new());
    for ruleset in of {
        let node = ruleset.node.as_str();
        let from_here = about.iter().filter(|it| it.from() == Some(node) && it.is_cluster_ip());
        let mut tried: Vec<(IpAddr, bool)> = from_here
            .filter_map(|probed| Some((probed.probe.target.address()?.ip(), probed.by_host())))
            .collect();
        tried.sort_unstable();
        tried.dedup_by_key(|(ip, _)| *ip);
        let absent: Vec<IpAddr> = tried
            .iter()
            .map(|(ip, _)| *ip)
            .filter(|ip| ruleset.translates(*ip) == Some(false))
            .collect();
        let present = tried.iter().find(|(ip, _)| ruleset.translates(*ip) == Some(true));
        let unled = |ip: &IpAddr| ruleset.passes_by(IpFamily::of(*ip), Hook::Prerouting);
        if let Some(example) = absent.first() {
            missing.push(format!(
                "none of kube-proxy's rules on {node} translates {example}{}",
                match absent.len() {
                    1 => String::new(),
                    more => format!(", nor {} more ClusterIPs that were tried", more - 1),
                }
            ));
        } else if let Some((ip, _)) = present.filter(|(ip, by_host)| !by_host && unled(ip)) {
            missing.push(format!(
                "kube-proxy's rules on {node} translate {ip}, and no rule in PREROUTING of its {} nat table leads \
                 to them (KUBE-SERVICES)",
                IpFamily::of(*ip)
            ));
        } else if let Some((ip, _)) = present {
            there.push(format!(
                "kube-proxy's rules on {node} translate {ip}: something else loses what is sent there"
            ));
        }
    }
    if !missing.is_empty() && !is_stopped {
        found.confidence = Confidence::Proved;
    }
    if missing.is_empty() {
        found.evidence.extend(there.into_iter().take(MOST));
    } else {
        missing.truncate(MOST);
        missing.append(&mut found.evidence);
        found.evidence = missing;
    }
    found
}

/// A rule that stops what was tried.
struct Stop<'f> {
    node: &'f str,
    rule: &'f FilterRule,
    /// Whether all that it asks for is so of what was tried, and nothing is decided before it.
    is_sure: bool,
}

impl Stop<'_> {
    fn say(&self) -> String {
        let Self { node, rule: FilterRule { table, chain, does, text, .. }, is_sure } = self;
        let does = match does {
            Effect::Reject => "refuses",
            Effect::Drop | Effect::Untracked => "drops",
        };
        let may = if *is_sure { "" } else { ", and this may be such a packet" };
        match text {
            Some(text) => format!(
                "a rule on {node} {does} what it matches{may}: {text} (table {table}, chain {chain})"
            ),
            None => format!(
                "the chain {chain} of table {table} on {node} drops what none of its rules lets through"
            ),
        }
    }

    fn mend(&self) -> String {
        let Self { node, rule: FilterRule { table, chain, .. }, .. } = self;
        format!(
            "See who wrote that rule on {node} (firewalld, ufw, a security agent, a script: `nft -a list chain {table} \
             {chain}` shows it), and have it let the cluster's packets through there."
        )
    }
}

/// Whether a rule stops what went wrong.
fn stop<'f, 'a>(
    evidence: &'f Evidence<'a>,
    id: &str,
    ruleset: &'f Ruleset,
    rule: &'f FilterRule,
    about: &[&'f Probed<'a>],
) -> Option<Stop<'f>> {
    if rule.does == Effect::Untracked {
        return None;
    }
    let node = ruleset.node.as_str();
    let Some(text) = &rule.text else {
        // What a chain does with the rest stops whatever nobody let through before.
        let fits = id == "forward_filtered" && rule.hook == Some(Hook::Forward);
        let family = about.first()?.family;
        let there =
            about.iter().any(|probed| Way { evidence, probed, node }.passes(Hook::Forward, false));
        let is_sure = fits && there && of_family(&rule.table, family);
        return is_sure.then_some(Stop { node, rule, is_sure });
    };
    let wants = Wants::of(&rule.table, text);
    let way = |probed| Way { evidence, probed, node };
    let fits = about.iter().map(|probed| wants.fit(&way(*probed), rule.hook)).max()?;
    let spared = || {
        let mut good = evidence.probed.iter().filter(|probed| probed.good());
        good.any(|probed| wants.must_fit(&way(probed), rule.hook))
    };
    match fits {
        Fits::No => None,
        // It would have stopped this as well.
        Fits::Yes if spared() => None,
        fits => {
            let is_sure = fits == Fits::Yes && rule.first && rule.hook.is_some();
            Some(Stop { node, rule, is_sure })
        }
    }
}

/// The rules of a node that leave what was tried untracked, of those that went wrong.
pub(super) fn untracked<'e, 'a>(
    evidence: &'e Evidence<'a>,
    node: &'e str,
    bad: &[&'e Probed<'a>],
) -> Option<&'e FilterRule> {
    let ruleset = evidence.world.facts.ruleset(node)?;
    let mut rules = ruleset.rules.iter().filter(|rule| rule.does == Effect::Untracked);
    rules.find(|rule| {
        let wants = Wants::of(&rule.table, rule.text.as_deref().unwrap_or_default());
        bad.iter().any(|probed| wants.fit(&Way { evidence, probed, node }, rule.hook) == Fits::Yes)
    })
}

/// Whether a table is of a family, or of both.
fn of_family(table: &str, family: IpFamily) -> bool {
    match table.split(' ').next() {
        Some("ip") => family == IpFamily::V4,
        Some("ip6") => family == IpFamily::V6,
        _ => true,
    }
}

/// Whether a packet is what a rule asks for. The order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fits {
    No,
    /// Something that the rule asks for is not known here.
    Perhaps,
    Yes,
}

/// One thing that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Want {
    Family(IpFamily),
    Udp(bool),
    /// Of the source, or of the destination.
    Address {
        source: bool,
        not: bool,
        any: Vec<IpNet>,
    },
    Port {
        source: bool,
        not: bool,
        any: Vec<(u16, u16)>,
    },
    /// The first packet of a connection.
    New,
    /// Packets after the first.
    Known,
    /// What can't be told from here: interfaces, marks, rates, chance.
    Else,
}

/// What a rule asks for.
#[derive(Debug)]
struct Wants(Vec<Want>);

/// A packet on its way.
struct Packet {
    family: IpFamily,
    udp: bool,
    from: Option<IpAddr>,
    to: Option<IpAddr>,
    from_port: Option<u16>,
    to_port: Option<u16>,
    is_answer: bool,
}

impl Wants {
    fn of(table: &str, text: &str) -> Self {
        let mut wants = Vec::new();
        match table.split(' ').next() {
            Some("ip") => wants.push(Want::Family(IpFamily::V4)),
            Some("ip6") => wants.push(Want::Family(IpFamily::V6)),
            _ => {}
        }
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let want = match word {
                "drop" | "reject" | "notrack" => break,
                "counter" | "log" => continue,
                "ip" | "ip6" => {
                    wants.push(Want::Family(if word == "ip" {
                        IpFamily::V4
                    } else {
                        IpFamily::V6
                    }));
                    match words.next() {
                        Some(end @ ("saddr" | "daddr")) => {
                            let (not, all) = values(&mut words);
                            let any: Option<Vec<IpNet>> = all.iter().map(|it| net(it)).collect();
                            let source = end == "saddr";
                            any.map_or(Want::Else, |any| Want::Address { source, not, any })
                        }
                        Some("nexthdr" | "protocol") => protocol(&mut words),
                        _ => Want::Else,
                    }
                }
                "meta" => match words.next() {
                    Some("l4proto") => protocol(&mut words),
                    Some("nfproto") => match words.next() {
                        Some("ipv4") => Want::Family(IpFamily::V4),
                        Some("ipv6") => Want::Family(IpFamily::V6),
                        _ => Want::Else,
                    },
                    _ => Want::Else,
                },
                "tcp" | "udp" | "th" => {
                    if word != "th" {
                        wants.push(Want::Udp(word == "udp"));
                    }
                    match words.next() {
                        Some(end @ ("sport" | "dport")) => {
                            let (not, all) = values(&mut words);
                            let any: Option<Vec<(u16, u16)>> =
                                all.iter().map(|it| ports(it)).collect();
                            let source = end == "sport";
                            any.map_or(Want::Else, |any| Want::Port { source, not, any })
                        }
                        _ => Want::Else,
                    }
                }
                "ct" => match (words.next(), words.next()) {
                    (Some("state"), Some("new")) => Want::New,
                    (
                        Some("state"),
                        Some("established" | "established,related" | "related,established"),
                    ) => Want::Known,
                    _ => Want::Else,
                },
                _ => Want::Else,
            };
            wants.push(want);
        }
        Self(wants)
    }

    /// How well the packets of a probe fit, where they pass a hook of a node. A rule that can't be told to
    /// fit for sure must at least ask for an address or a port.
    fn fit(&self, way: &Way<'_, '_>, hook: Option<Hook>) -> Fits {
        let telling = |want: &Want| matches!(want, Want::Address { .. } | Want::Port { .. });
        match self.each(way, hook).map(|forms| forms.into_iter().max().unwrap_or(Fits::No)).max() {
            Some(Fits::Perhaps) if !self.0.iter().any(telling) => Fits::No,
            best => best.unwrap_or(Fits::No),
        }
    }

    /// Whether packets of a probe fit in whatever form they pass there.
    fn must_fit(&self, way: &Way<'_, '_>, hook: Option<Hook>) -> bool {
        self.each(way, hook)
            .any(|forms| !forms.is_empty() && forms.into_iter().all(|fits| fits == Fits::Yes))
    }

    /// Of each hook, and each direction in which packets pass it: how the forms that they may have there
    /// fit.
    fn each(&self, way: &Way<'_, '_>, hook: Option<Hook>) -> impl Iterator<Item = Vec<Fits>> {
        let any = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output];
        let hooks = hook.map_or_else(|| any.to_vec(), |hook| vec![hook]);
        hooks.into_iter().flat_map(move |hook| {
            [false, true].map(|answer| {
                let packets = way.packets(hook, answer);
                packets.iter().map(|packet| self.asks_for(packet)).collect::<Vec<_>>()
            })
        })
    }

    fn asks_for(&self, packet: &Packet) -> Fits {
        self.0.iter().map(|want| want.fits(packet)).min().unwrap_or(Fits::Yes)
    }
}

impl Want {
    fn fits(&self, packet: &Packet) -> Fits {
        let known = |so: Option<bool>| match so {
            Some(true) => Fits::Yes,
            Some(false) => Fits::No,
            None => Fits::Perhaps,
        };
        match self {
            Self::Family(family) => known(Some(*family == packet.family)),
            Self::Udp(udp) => known(Some(*udp == packet.udp)),
            Self::Address { source, not, any } => {
                let address = if *source { packet.from } else { packet.to };
                known(address.map(|it| any.iter().any(|range| range.contains(&it)) != *not))
            }
            Self::Port { source, not, any } => {
                let port = if *source { packet.from_port } else { packet.to_port };
                known(
                    port.map(|it| {
                        any.iter().any(|(low, high)| (*low..=*high).contains(&it)) != *not
                    }),
                )
            }
            Self::New => known(Some(!packet.is_answer)),
            Self::Known => known(packet.is_answer.then_some(true)),
            Self::Else => Fits::Perhaps,
        }
    }
}

fn protocol<'t>(words: &mut std::iter::Peekable<impl Iterator<Item = &'t str>>) -> Want {
    match values(words) {
        (false, all) if all == ["tcp"] => Want::Udp(false),
        (false, all) if all == ["udp"] => Want::Udp(true),
        _ => Want::Else,
    }
}

/// What follows a field: whether it is negated, and the values.
fn values<'t>(
    words: &mut std::iter::Peekable<impl Iterator<Item = &'t str>>,
) -> (bool, Vec<&'t str>) {
    let not = words.next_if_eq(&"!=").is_some();
    let mut all = Vec::new();
    if words.next_if_eq(&"{").is_some() {
        all.extend(
            words.by_ref().take_while(|word| *word != "}").map(|word| word.trim_end_matches(',')),
        );
    } else {
        all.extend(words.next());
    }
    (not, all)
}

fn net(text: &str) -> Option<IpNet> {
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
}

fn ports(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    Some((low.parse().ok()?, high.parse().ok()?))
}

/// A probe as it passes a node.
struct Way<'e, 'a> {
    evidence: &'e Evidence<'a>,
    probed: &'e Probed<'a>,
    node: &'e str,
}

impl Way<'_, '_> {
    /// Whether its requests, or the answers to them, pass a hook of the node.
    fn passes(&self, hook: Hook, answer: bool) -> bool {
        let (probed, node) = (self.probed, self.node);
        let is = |place: Option<&str>| place == Some(node);
        let dns = matches!(&probed.probe.aim, Aim::DnsPod { node: on, .. } if on.as_deref() == Some(node));
        // What ends at the node itself, though it may be sent to a port that could be translated.
        let for_itself = matches!(
            probed.probe.target,
            Target::Health { .. } | Target::Closed { .. } | Target::Tcp { .. }
        );
        let to_host = is(probed.host_backend()) || (for_itself && is(probed.at()));
        let to_pod = (is(probed.backend()) && !is(probed.host_backend())) || dns;
        let (from_host, from_pod) =
            (probed.by_host() && is(probed.from()), !probed.by_host() && is(probed.from()));
        let through = is(probed.at()) && !to_host;
        let forwarded = (from_pod && !to_host) || ((to_pod || through) && !from_host);
        // Which end of the way is whose, on the way there and on the way back.
        let (own_source, own_end, pod_source) =
            if answer { (to_host, from_host, to_pod) } else { (from_host, to_host, from_pod) };
        match hook {
            Hook::Output => own_source,
            Hook::Input => own_end,
            Hook::Forward => forwarded,
            Hook::Postrouting => own_source || forwarded,
            Hook::Ingress | Hook::Prerouting => {
                pod_source || ((own_end || forwarded) && !own_source)
            }
        }
    }

    /// The packets of one direction that pass a hook, in the forms that they may have there: before and
    /// after the destination is translated.
    fn packets(&self, hook: Hook, is_answer: bool) -> Vec<Packet> {
        if !self.passes(hook, is_answer) {
            return Vec::new();
        }
        let (probed, family, world) = (self.probed, self.probed.family, self.evidence.world);
        let fixture = world.fixture;
        let client = match &probed.probe.vantage {
            // What a node passes on for its NodePorts gets its own address on the way.
            _ if probed.is_node_port() => None,
            Vantage::Pod { node } => fixture.probe_on(node).and_then(|pod| pod.address(family)),
            Vantage::HostNetwork { node } => {
                world.facts.node(node).and_then(|node| node.internal_ips(family).next())
            }
            _ => None,
        };
        let asked = probed.probe.target.address().map(|it| (it.ip(), it.port()));
        let pod = probed.backend().filter(|_| probed.host_backend().is_none());
        let served = pod
            .and_then(|node| fixture.backend_on(node)?.address(family))
            .map(|ip| (ip, BACKEND_PORT));
        // What is forwarded has its destination already.
        let early = matches!(hook, Hook::Ingress | Hook::Prerouting | Hook::Output);
        let mut ends: Vec<(IpAddr, u16)> = if early {
            [asked, served].into_iter().flatten().collect()
        } else {
            served.or(asked).into_iter().collect()
        };
        ends.dedup();
        let udp = probed.udp();
        let there = |(ip, port)| {
            let (from, to) = if is_answer { (Some(ip), client) } else { (client, Some(ip)) };
            let (from_port, to_port) =
                if is_answer { (Some(port), None) } else { (None, Some(port)) };
            Packet { family, udp, from, to, from_port, to_port, is_answer }
        };
        ends.into_iter().map(there).collect()
    }
}
