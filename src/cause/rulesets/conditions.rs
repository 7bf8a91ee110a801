//! What a rule of a packet filter asks for, and whether packets of a probe are that.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::{Evidence, evidence::Probed};
use crate::{
    fixture::BACKEND_PORT,
    net::IpFamily,
    probe::{Aim, Target, Vantage},
    snapshot::Hook,
};

/// Whether a packet is what a rule asks for. The order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    No,
    /// Something that the rule asks for is not known here.
    Perhaps,
    Yes,
}

/// One thing that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
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
pub(super) struct Conditions(Vec<Condition>);

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

impl Conditions {
    pub(super) fn of(table: &str, text: &str) -> Self {
        let mut wants = Vec::new();
        match table.split(' ').next() {
            Some("ip") => wants.push(Condition::Family(IpFamily::V4)),
            Some("ip6") => wants.push(Condition::Family(IpFamily::V6)),
            _ => {}
        }
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let want = match word {
                "drop" | "reject" | "notrack" => break,
                "counter" | "log" => continue,
                "ip" | "ip6" => {
                    wants.push(Condition::Family(if word == "ip" {
                        IpFamily::V4
                    } else {
                        IpFamily::V6
                    }));
                    match words.next() {
                        Some(end @ ("saddr" | "daddr")) => {
                            let (not, all) = values(&mut words);
                            let any: Option<Vec<IpNet>> = all.iter().map(|it| net(it)).collect();
                            let source = end == "saddr";
                            any.map_or(Condition::Else, |any| Condition::Address {
                                source,
                                not,
                                any,
                            })
                        }
                        Some("nexthdr" | "protocol") => protocol(&mut words),
                        _ => Condition::Else,
                    }
                }
                "meta" => match words.next() {
                    Some("l4proto") => protocol(&mut words),
                    Some("nfproto") => match words.next() {
                        Some("ipv4") => Condition::Family(IpFamily::V4),
                        Some("ipv6") => Condition::Family(IpFamily::V6),
                        _ => Condition::Else,
                    },
                    _ => Condition::Else,
                },
                "tcp" | "udp" | "th" => {
                    if word != "th" {
                        wants.push(Condition::Udp(word == "udp"));
                    }
                    match words.next() {
                        Some(end @ ("sport" | "dport")) => {
                            let (not, all) = values(&mut words);
                            let any: Option<Vec<(u16, u16)>> =
                                all.iter().map(|it| ports(it)).collect();
                            let source = end == "sport";
                            any.map_or(Condition::Else, |any| Condition::Port { source, not, any })
                        }
                        _ => Condition::Else,
                    }
                }
                "ct" => match (words.next(), words.next()) {
                    (Some("state"), Some("new")) => Condition::New,
                    (
                        Some("state"),
                        Some("established" | "established,related" | "related,established"),
                    ) => Condition::Known,
                    _ => Condition::Else,
                },
                _ => Condition::Else,
            };
            wants.push(want);
        }
        Self(wants)
    }

    /// How well the packets of a probe fit, where they pass a hook of a node. A rule that can't be told to
    /// fit for sure must at least ask for an address or a port that these have.
    pub(super) fn fit(&self, way: &Way<'_, '_>, hook: Option<Hook>) -> Match {
        let each = self.each(way, hook).flatten();
        each.max().unwrap_or(Match::No)
    }

    /// Whether packets of a probe fit in whatever form they pass there.
    pub(super) fn must_fit(&self, way: &Way<'_, '_>, hook: Option<Hook>) -> bool {
        self.each(way, hook)
            .any(|forms| !forms.is_empty() && forms.into_iter().all(|fits| fits == Match::Yes))
    }

    /// Of each hook, and each direction in which packets pass it: how the forms that they may have there
    /// fit.
    fn each(&self, way: &Way<'_, '_>, hook: Option<Hook>) -> impl Iterator<Item = Vec<Match>> {
        let any = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output];
        let hooks = hook.map_or_else(|| any.to_vec(), |hook| vec![hook]);
        hooks.into_iter().flat_map(move |hook| {
            [false, true].map(|answer| {
                let packets = way.packets(hook, answer);
                packets.iter().map(|packet| self.asks_for(packet)).collect::<Vec<_>>()
            })
        })
    }

    fn asks_for(&self, packet: &Packet) -> Match {
        let each: Vec<(&Condition, Match)> =
            self.0.iter().map(|want| (want, want.fits(packet))).collect();
        let telling = |(want, fits): &(&Condition, Match)| {
            matches!(want, Condition::Address { .. } | Condition::Port { .. })
                && *fits == Match::Yes
        };
        match each.iter().map(|(_, fits)| *fits).min().unwrap_or(Match::Yes) {
            Match::Perhaps if !each.iter().any(telling) => Match::No,
            fits => fits,
        }
    }
}

impl Condition {
    fn fits(&self, packet: &Packet) -> Match {
        let known = |so: Option<bool>| match so {
            Some(true) => Match::Yes,
            Some(false) => Match::No,
            None => Match::Perhaps,
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
            Self::Else => Match::Perhaps,
        }
    }
}

fn protocol<'t>(words: &mut std::iter::Peekable<impl Iterator<Item = &'t str>>) -> Condition {
    match values(words) {
        (false, all) if all == ["tcp"] => Condition::Udp(false),
        (false, all) if all == ["udp"] => Condition::Udp(true),
        _ => Condition::Else,
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
pub(super) struct Way<'e, 'a> {
    pub(super) evidence: &'e Evidence<'a>,
    pub(super) probed: &'e Probed<'a>,
    pub(super) node: &'e str,
}

impl Way<'_, '_> {
    /// Whether its requests, or the answers to them, pass a hook of the node.
    pub(super) fn passes(&self, hook: Hook, answer: bool) -> bool {
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
