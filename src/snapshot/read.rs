//! Reading what `manifests/snapshot.sh` prints.

use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{Address, Backlog, Link, Lookup, Neighbour, Route, RoutingRule, Snapshot};
use crate::net::IpFamily;

/// The command that runs the script in the probes' container.
pub const COMMAND: [&str; 2] = ["sh", "/etc/dualstack/snapshot.sh"];

/// How many lines of anything are read; the script prints fewer.
const MOST: usize = 2_000;

/// What the script reads on stdin: the addresses whose routes it looks up.
pub fn stdin(addresses: impl IntoIterator<Item = IpAddr>) -> String {
    let lines = addresses.into_iter().map(|address| format!("{address}\n"));
    lines.chain([".\n".to_owned()]).collect()
}

/// Reads a snapshot line by line.
#[derive(Debug)]
pub struct Reader {
    snapshot: Snapshot,
    lines: usize,
    ended: bool,
}

impl Reader {
    /// A reader that has read nothing yet of a node.
    pub fn new(node: &str) -> Self {
        let snapshot = Snapshot { node: node.to_owned(), ..Snapshot::default() };
        Self { snapshot, lines: 0, ended: false }
    }

    /// The same of a pod there.
    #[must_use]
    pub fn in_pod(mut self, pod: &str) -> Self {
        self.snapshot.pod = Some(pod.to_owned());
        self
    }

    /// Reads a line; what it doesn't know, it passes over.
    pub fn line(&mut self, line: &str) {
        self.lines += 1;
        if line == "end" {
            self.ended = true;
        }
        if self.lines <= MOST {
            let _ = self.take(line);
        }
    }

    /// What was read, and why that isn't all, where it isn't.
    pub fn finish(self, incomplete: Option<String>) -> Snapshot {
        let incomplete = match incomplete {
            None if !self.ended => Some("the script broke off".to_owned()),
            _ if self.ended => None,
            reason => reason,
        };
        Snapshot { incomplete, ..self.snapshot }
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (section, text) = line.split_once('\t')?;
        let snapshot = &mut self.snapshot;
        match section {
            "get" => {
                let (address, said) = text.split_once('\t')?;
                snapshot.lookups.push(lookup(address.parse().ok()?, said));
            }
            "link" => snapshot.links.push(link(text)?),
            "addr4" => snapshot.addresses.extend(address_v4(text)),
            "addr6" => snapshot.addresses.extend(address_v6(text)),
            "route4" => snapshot.routes.push(route(IpFamily::V4, text)?),
            "route6" => snapshot.routes.extend(route(IpFamily::V6, text).filter(is_global)),
            "rule4" => snapshot.rules.extend(rule(IpFamily::V4, text)),
            "rule6" => snapshot.rules.extend(rule(IpFamily::V6, text)),
            "neigh" => snapshot.neighbours.push(neighbour(text)?),
            "setting" => {
                let (name, value) = text.split_once(':')?;
                snapshot
                    .settings
                    .insert(format!("net.{}", name.replace('/', ".")), value.to_owned());
            }
            "hairpin" => snapshot.hairpin_modes.push(text.to_owned()),
            "nameserver" if snapshot.pod.is_some() => {
                snapshot.nameservers.push(after(text, "nameserver")?.parse().ok()?);
            }
            // A node has servers of other people's.
            "tcp" | "tcp6" if snapshot.pod.is_some() => add(&mut snapshot.backlogs, backlog(text)?),
            "counter" => {
                let mut words = text.split_whitespace();
                snapshot.counters.insert(words.next()?.to_owned(), words.next()?.parse().ok()?);
            }
            _ => {}
        }
        Some(())
    }
}

/// The word after another one.
fn after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut words = text.split_whitespace();
    words.find(|it| *it == word)?;
    words.next()
}

/// `2: eth0@if3: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue \    link/ether 02:42:ac:1f:04:0b brd …`
fn link(text: &str) -> Option<Link> {
    let mut parts = text.splitn(3, ": ");
    let (_, name, rest) = (parts.next()?, parts.next()?, parts.next()?);
    // Where a pod has no `ip`, its shell's message stands there.
    if !rest.starts_with('<') {
        return None;
    }
    Some(Link {
        name: name.split('@').next()?.to_owned(),
        mtu: after(rest, "mtu").and_then(|mtu| mtu.parse().ok()),
        address: after(rest, "link/ether").map(str::to_owned),
    })
}

/// `2: eth0    inet 172.31.4.11/24 brd 172.31.4.255 scope global eth0\       valid_lft forever …`
fn address_v4(text: &str) -> Option<Address> {
    let link = text.split_whitespace().nth(1)?.to_owned();
    let net: IpNet = after(text, "inet")?.parse().ok()?;
    let address = net.addr();
    (!address.is_loopback()).then_some(Address {
        link,
        address,
        tentative: false,
        duplicate: false,
    })
}

/// `fd000031000400000000000000000011 02 40 00 80     eth0`: address, index, length, scope and flags, in
/// hexadecimal (see proc(5) and `IFA_F_*` in linux/if_addr.h).
fn address_v6(text: &str) -> Option<Address> {
    const DADFAILED: u32 = 0x08;
    const TENTATIVE: u32 = 0x40;
    const GLOBAL: u32 = 0x00;
    let mut words = text.split_whitespace();
    let address = u128::from_str_radix(words.next()?, 16).ok()?;
    let (_index, _length) = (words.next()?, words.next()?);
    let scope = u32::from_str_radix(words.next()?, 16).ok()?;
    let flags = u32::from_str_radix(words.next()?, 16).ok()?;
    (scope == GLOBAL).then_some(Address {
        link: words.next()?.to_owned(),
        address: IpAddr::V6(address.into()),
        tentative: flags & TENTATIVE != 0,
        duplicate: flags & DADFAILED != 0,
    })
}

/// `10.244.1.0/24 via 172.31.4.12 dev eth0 `, `default via … `, `unreachable fd00::/64 dev lo …`.
fn route(family: IpFamily, text: &str) -> Option<Route> {
    const REJECTS: [&str; 3] = ["blackhole", "unreachable", "prohibit"];
    let mut words = text.split_whitespace();
    let first = words.next()?;
    let (rejects, to) = if REJECTS.contains(&first) {
        (Some(first.to_owned()), words.next()?)
    } else {
        (None, first)
    };
    let to = match to {
        "default" => None,
        to => Some(to.parse().or_else(|_| to.parse::<IpAddr>().map(IpNet::from)).ok()?),
    };
    Some(Route {
        to,
        family: Some(family),
        via: after(text, "via").and_then(|via| via.parse().ok()),
        link: after(text, "dev").map(str::to_owned),
        rejects,
    })
}

/// `100: from fd00:10:244:1::/64 lookup 999`; those that every kernel has are left out.
fn rule(family: IpFamily, text: &str) -> Option<RoutingRule> {
    const USUAL: [&str; 3] =
        ["from all lookup local", "from all lookup main", "from all lookup default"];
    let (_, text) = text.split_once(':')?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!USUAL.contains(&text.as_str())).then_some(RoutingRule { family, text })
}

/// Every interface has a link-local and a multicast range.
fn is_global(route: &Route) -> bool {
    route.to.is_none_or(|to| match to.addr() {
        IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_multicast(),
        IpAddr::V4(_) => true,
    })
}

/// `fd00:10:244:1::5 via fd00:31:4::12 dev eth0  src …`, `local … dev lo …`, or `RTNETLINK answers: …`.
fn lookup(address: IpAddr, said: &str) -> Lookup {
    let said = said.trim().trim_start_matches("ip: ");
    let family = IpFamily::of(address);
    let route = route(family, said.trim_start_matches("local "));
    let route = route.filter(|route| route.rejects.is_none() && route.link.is_some());
    let route = route.map(|route| Route { to: None, ..route });
    Lookup { address, route, said: said.split_whitespace().collect::<Vec<_>>().join(" ") }
}

/// `0: 00000000:1F90 00000000:0000 0A 00000000:00000003 …`: place, own and other address, state, and how much
/// waits to be sent and to be read, which is how many connections of a socket that listens (proc(5)).
fn backlog(text: &str) -> Option<Backlog> {
    const LISTENS: &str = "0A";
    const MAPPED: &str = "0000000000000000FFFF0000";
    let mut words = text.split_whitespace().skip(1);
    let (address, port) = words.next()?.split_once(':')?;
    let (_other, state, queues) = (words.next()?, words.next()?, words.next()?);
    let waits = u32::from_str_radix(queues.split_once(':')?.1, 16).ok()?;
    let is_v4 = address.len() == 8 || address.starts_with(MAPPED);
    let listens = state == LISTENS;
    Some(Backlog {
        family: if is_v4 { IpFamily::V4 } else { IpFamily::V6 },
        port: u16::from_str_radix(port, 16).ok()?,
        unaccepted: if listens { waits } else { 0 },
        unread: u32::from(!listens && waits > 0),
    })
}

fn add(backlogs: &mut Vec<Backlog>, more: Backlog) {
    let same = |it: &&mut Backlog| (it.family, it.port) == (more.family, more.port);
    match backlogs.iter_mut().find(same) {
        Some(known) => {
            known.unaccepted = known.unaccepted.saturating_add(more.unaccepted);
            known.unread = known.unread.saturating_add(more.unread);
        }
        None => backlogs.push(more),
    }
}

/// `fd00:31:4::12 dev eth0 lladdr 02:42:ac:1f:04:0c ref 1 used 0/0/0 probes 1 REACHABLE`
fn neighbour(text: &str) -> Option<Neighbour> {
    Some(Neighbour {
        address: text.split_whitespace().next()?.parse().ok()?,
        link: after(text, "dev")?.to_owned(),
        link_address: after(text, "lladdr").map(str::to_owned),
        state: text.split_whitespace().last()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(lines: &[&str]) -> Snapshot {
        let mut reader = Reader::new("n2");
        lines.iter().for_each(|line| reader.line(line));
        reader.finish(None)
    }

    #[test]
    fn a_script_that_breaks_off_leaves_a_snapshot_that_says_so() {
        assert!(!read(&[]).is_complete());
        assert!(read(&["end"]).is_complete());
        let reason = Some("timed out".to_owned());
        assert_eq!(Reader::new("n2").finish(reason.clone()).incomplete, reason);
    }

    #[test]
    fn routing_rules_that_no_kernel_has_by_itself_are_kept_with_their_sources() {
        let snapshot = read(&[
            "rule6\t0:\tfrom all lookup local ",
            "rule6\t100:\tfrom fd00:10:244:1::/64 lookup 999 ",
            "rule4\t32766:\tfrom all lookup main ",
            "rule4\t99:\tfrom 10.244.1.7 lookup 2",
            "rule4\t98:\tfrom all fwmark 0x200/0xf00 lookup 2004",
            "end",
        ]);
        let sources: Vec<_> = snapshot.rules.iter().map(RoutingRule::from).collect();
        let net = |text: &str| text.parse::<IpNet>().ok();
        assert_eq!(sources, [net("fd00:10:244:1::/64"), net("10.244.1.7/32"), None]);
        assert_eq!(snapshot.rules[0].text, "from fd00:10:244:1::/64 lookup 999");
    }

    #[test]
    fn a_message_that_there_is_no_ip_is_no_interface() {
        let snapshot = read(&["link\t/etc/dualstack/snapshot.sh: 25: ip: not found", "end"]);
        assert_eq!(snapshot.links, []);
    }

    #[test]
    fn interfaces_and_addresses_are_read_with_what_is_wrong_with_them() {
        let snapshot = read(&[
            "link\t2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 qdisc noqueue qlen \
             1000\\    link/ether 02:42:ac:1f:04:0c brd ff:ff:ff:ff:ff:ff",
            "addr4\t1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever",
            "addr4\t2: eth0    inet 172.31.4.12/24 brd 172.31.4.255 scope global eth0\\       \
             valid_lft forever preferred_lft forever",
            "addr6\tfd000031000400000000000000000012 02 40 00 c8     eth0",
            "addr6\tfe80000000000000004200fffe1f040c 02 40 20 80     eth0",
            "end",
        ]);
        let link = &snapshot.links[0];
        assert_eq!((link.name.as_str(), link.mtu), ("eth0", Some(1_400)));
        assert_eq!(link.address.as_deref(), Some("02:42:ac:1f:04:0c"));
        // Records of earlier builds say more of a link.
        let mut saved = serde_json::to_value(link).unwrap();
        saved["up"] = true.into();
        assert_eq!(serde_json::from_value::<Link>(saved).unwrap(), *link);
        let [four, six] = snapshot.addresses.as_slice() else {
            panic!("{:?}", snapshot.addresses);
        };
        assert_eq!(four.address.to_string(), "172.31.4.12");
        assert_eq!(six.address.to_string(), "fd00:31:4::12");
        assert!(six.tentative && six.duplicate);
    }

    #[test]
    fn routes_and_lookups_are_read_in_both_families() {
        let snapshot = read(&[
            "get\t10.244.1.5\t10.244.1.5 via 172.31.4.11 dev eth0  src 172.31.4.12 ",
            "get\tfd00:10:244:1::5\tip: RTNETLINK answers: Network is unreachable",
            "get\tfd00:10:244:2::5\tfd00:10:244:2::5 dev veth1  src fd00:31:4::12  metric 1024",
            "get\tfd00::9\tunreachable fd00::9 dev lo  metric -1  error -101",
            "route4\tdefault via 172.31.4.1 dev eth0 ",
            "route4\t10.244.1.0/24 via 172.31.4.11 dev eth0 ",
            "route6\tfe80::/64 dev eth0  metric 256 ",
            "route6\tfd00:10:244:1::/64 via fd00:31:4::11 dev eth0  metric 1024 ",
            "route6\tunreachable fd00:10:96::/112 dev lo  metric 1024  error -101",
            "end",
        ]);
        let way = |address: &str| snapshot.lookup(address.parse().unwrap()).unwrap();
        assert_eq!(
            way("10.244.1.5").route.as_ref().unwrap().via,
            Some("172.31.4.11".parse().unwrap())
        );
        assert_eq!(way("fd00:10:244:1::5").said, "RTNETLINK answers: Network is unreachable");
        assert!(way("fd00:10:244:1::5").route.is_none() && way("fd00::9").route.is_none());
        assert_eq!(way("fd00:10:244:2::5").route.as_ref().unwrap().link.as_deref(), Some("veth1"));
        assert_eq!(snapshot.default_routes(IpFamily::V4).count(), 1);
        assert_eq!(snapshot.default_routes(IpFamily::V6).count(), 0);
        assert_eq!(snapshot.routes.len(), 4);
        assert!(way("fd00:10:244:1::5").has_no_own_route(&snapshot));
        assert!(!way("10.244.1.5").has_no_own_route(&snapshot));
    }

    #[test]
    fn neighbours_settings_and_counters_are_read() {
        let snapshot = read(&[
            "neigh\tfd00:31:4::11 dev eth0 lladdr 02:42:ac:1f:04:0b ref 1 used 0/0/0 probes 1 REACHABLE",
            "neigh\t172.31.4.13 dev eth0  used 0/0/0 probes 6 FAILED",
            "setting\tipv6/conf/all/forwarding:1",
            "counter\tIp6InNoRoutes                   \t12",
            "hairpin\t0",
            "something\telse",
            "end",
        ]);
        assert_eq!(snapshot.neighbours.len(), 2);
        assert_eq!(snapshot.neighbours[1].state, "FAILED");
        assert_eq!(snapshot.neighbours[1].link_address, None);
        assert_eq!(snapshot.setting("net.ipv6.conf.all.forwarding"), Some("1"));
        assert_eq!(snapshot.counters["Ip6InNoRoutes"], 12);
        assert_eq!(snapshot.hairpin_modes, ["0"]);
    }

    #[test]
    fn what_waits_for_a_server_is_read_of_a_pod_and_not_of_a_node() {
        let lines = [
            "tcp\t   0: 00000000:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000   101",
            "tcp\t   1: 0500F40A:1F90 0700F40A:9C40 08 00000000:00000052 00:00000000 00000000   101",
            "tcp6\t   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A \
             00000000:0000001F 00:00000000 00000000   101",
            "end",
        ];
        assert_eq!(read(&lines).backlogs, []);
        let mut reader = Reader::new("n2").in_pod("nginx-2-x");
        lines.iter().for_each(|line| reader.line(line));
        let snapshot = reader.finish(None);
        let of = |family| snapshot.backlog(family, 8080).map(|it| (it.unaccepted, it.unread));
        assert_eq!((of(IpFamily::V4), of(IpFamily::V6)), (Some((3, 1)), Some((31, 0))));
        assert_eq!(snapshot.backlog(IpFamily::V4, 80), None);
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(
            section in "get|link|addr4|addr6|route4|route6|neigh|setting|counter|hairpin|tcp|tcp6|x",
            text in "\\PC{0,60}",
        ) {
            let mut reader = Reader::new("n1").in_pod("nginx-1-x");
            reader.line(&format!("{section}\t{text}"));
            let _ = reader.finish(None);
        }
    }
}
