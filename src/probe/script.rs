//! The protocol of `manifests/probe.sh`: what it is told on stdin, and the lines it prints.

use super::{
    Aim, Probe, Target,
    group::Groups,
    tool::{Ending, Printed},
};
use crate::net::IpFamily;

/// The protocol's version: the script and this file change together.
const VERSION: u32 = 7;

/// The command that runs the script in the probes' container.
pub(super) const COMMAND: [&str; 2] = ["sh", "/etc/dualstack/probe.sh"];

/// How many probes all pods together try at once that were not tried before. Where nodes share a machine,
/// as kind's do, more would make it so busy that healthy paths run out of time.
const AT_ONCE: usize = 96;
/// How many of them one pod tries at most.
pub(super) const PARALLEL: usize = 16;
/// And at least.
const LEAST: usize = 2;
/// How many go on beside them that failed once and mostly wait. Each probe takes four processes, and a pod may be
/// held to as few as some hundred and fifty.
const WAITING: usize = 16;

/// How many probes a pod tries at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Those that were not tried before.
    pub(super) first: usize,
    /// All.
    pub(super) together: usize,
}

impl Room {
    /// The room of each of so many pods that probe at the same time.
    pub(super) fn among(sources: usize) -> Self {
        let first = (AT_ONCE / sources.max(1)).clamp(LEAST, PARALLEL);
        Self { first, together: first + WAITING }
    }
}

/// How long the one further attempt takes of a probe whose like was tried in vain, in milliseconds. TCP
/// repeats its SYN after a second.
const BRIEF_MS: u32 = 1_500;

/// What the script reads on stdin, for probes numbered in their order. Some can't be written down:
/// those are left out, and listed with the reason.
pub(super) fn stdin<'p>(
    probes: impl IntoIterator<Item = &'p Probe>,
    room: Room,
) -> (String, Vec<(usize, String)>) {
    let mut text = String::new();
    let mut refused = Vec::new();
    let mut groups = Groups::default();
    let mut hold = 0;
    let mut probes: Vec<_> = probes.into_iter().enumerate().collect();
    probes.sort_by_key(|(_, probe)| turn(probe));
    for (id, probe) in probes {
        match task(probe) {
            Ok(task) => {
                let group = groups.number(probe);
                text.push_str(&format!("{id} {group} {task}\n"));
                // A brief attempt that begins then ends when everything had its time to settle.
                let settled = if group == 0 { 0 } else { probe.attempts.settle_ms };
                hold = settled.saturating_sub(BRIEF_MS).max(hold);
            }
            Err(reason) => refused.push((id, reason)),
        }
    }
    let Room { first, together } = room;
    let head = format!("dualstack-probe {VERSION} {first} {together} {BRIEF_MS} {hold}\n");
    (format!("{head}{text}.\n"), refused)
}

/// When a probe begins, among others: first those that mostly wait, which the others do not hinder; then what is tried
/// without a Service; last what wants several backends. A proxy learns of them only when the probes begin, and what it
/// refuses until then uses up the few rejections that a kernel sends in a second.
const fn turn(probe: &Probe) -> u8 {
    match (&probe.target, &probe.aim) {
        (Target::Closed { .. } | Target::Unanswered { .. } | Target::Loss { .. }, _) => 0,
        _ if probe.attempts.distinct > 1 => 3,
        (_, Aim::ClusterIp { .. } | Aim::NodePort { .. }) => 2,
        _ => 1,
    }
}

fn task(probe: &Probe) -> Result<String, String> {
    let attempts = probe.attempts;
    // `read -t 0` doesn't read at all.
    let timeout = attempts.timeout_ms.max(1);
    let how = format!(
        "{timeout} {} {} {} {} {}",
        attempts.patience_ms.max(1),
        attempts.settle_ms,
        attempts.distinct,
        attempts.successes,
        attempts.bound
    );
    Ok(match &probe.target {
        Target::Http { address, payload } => format!("http {how} {address} {payload}"),
        Target::Request { address, size } => format!("request {how} {address} {size}"),
        Target::Tcp { address } => format!("tcp {how} {} {}", address.ip(), address.port()),
        Target::Closed { address } => format!("closed {how} {} {}", address.ip(), address.port()),
        Target::Unanswered { address } => {
            format!("unanswered {how} {} {}", address.ip(), address.port())
        }
        Target::Health { address, page, wanted } => format!(
            "health {how} {} {} {} {}",
            address.ip(),
            address.port(),
            page.path(),
            wanted.unwrap_or_default()
        ),
        Target::Udp { address, size } => {
            format!("udp {how} {} {} {size}", address.ip(), address.port())
        }
        Target::Flow { address, from } => {
            format!("flow {how} {} {} {from}", address.ip(), address.port())
        }
        Target::Loss { address } => format!("loss {how} {} {}", address.ip(), address.port()),
        Target::Proxied { .. } => return Err(format!("{} is the API server's", probe.target)),
        Target::Dns { name, family } => {
            let name = usable(name)?;
            format!("dns {how} {name} {}", family.record_type())
        }
        Target::Pointer { address } => {
            format!("dns {how} {} PTR", IpFamily::pointer_name(*address))
        }
        Target::DnsServer { server, name } => {
            format!("ask {how} {} {} {}", usable(name)?, server.ip(), server.port())
        }
    })
}

/// A name, unless it would be something else to the shell or the tool.
fn usable(name: &str) -> Result<&str, String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.starts_with('-') || !name.chars().all(usable) {
        return Err(format!("{name:?} is not a valid DNS name"));
    }
    Ok(name)
}

/// A line that the script printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It runs, and speaks our version of the protocol.
    Hello,
    /// An attempt was made.
    Attempt {
        /// The probe's number.
        id: usize,
        /// Whether the script took it for a success.
        succeeded: bool,
        /// How long it took.
        millis: u32,
        /// What the tool printed.
        printed: Printed,
    },
    /// A probe is done.
    End {
        /// The probe's number.
        id: usize,
        /// How many attempts were made.
        attempts: usize,
    },
    /// All probes are done.
    Done,
}

impl Line {
    /// Reads a line; `None` where it isn't one of the script's, or not a whole one.
    pub(super) fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        match *fields.as_slice() {
            ["h", version] => (version.parse() == Ok(VERSION)).then_some(Self::Hello),
            ["e", id, attempts] => {
                Some(Self::End { id: id.parse().ok()?, attempts: attempts.parse().ok()? })
            }
            ["z", _] => Some(Self::Done),
            ["a", id, ending, ok, hundredths, length, head, tail] => {
                let ending = match ending {
                    "whole" => Ending::Whole,
                    "late" => Ending::Late,
                    "cut" => Ending::Cut,
                    _ => return None,
                };
                let succeeded = match ok {
                    "+" => true,
                    "-" => false,
                    _ => return None,
                };
                Some(Self::Attempt {
                    id: id.parse().ok()?,
                    succeeded,
                    millis: hundredths.parse::<u32>().ok()?.saturating_mul(10),
                    printed: Printed {
                        ending,
                        length: length.parse().ok()?,
                        head: unescape(head)?,
                        tail: unescape(tail)?,
                    },
                })
            }
            _ => None,
        }
    }
}

/// Undoes the script's way of writing text without tabs and line ends.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::{Attempts, HealthPage, Vantage};

    fn probe(target: Target) -> Probe {
        let attempts = Attempts {
            timeout_ms: 2000,
            patience_ms: 300,
            settle_ms: 6000,
            distinct: 3,
            successes: 2,
            bound: 64,
        };
        let n1 = || "n1".to_owned();
        Probe {
            vantage: Vantage::Pod { node: n1() },
            aim: Aim::Node { node: n1() },
            target,
            attempts,
        }
    }

    fn dns(name: &str) -> Probe {
        probe(Target::Dns { name: name.to_owned(), family: IpFamily::V6 })
    }

    #[test]
    fn each_kind_of_target_has_its_line_and_those_that_mostly_wait_are_first() {
        let probes = [
            probe(Target::Http { address: "[fd00::1]:80".parse().unwrap(), payload: 0 }),
            probe(Target::Tcp { address: "[fd00::1]:10250".parse().unwrap() }),
            probe(Target::Closed { address: "[fd00::1]:80".parse().unwrap() }),
            probe(Target::Unanswered { address: "10.0.0.1:80".parse().unwrap() }),
            probe(Target::Request { address: "[fd00::1]:80".parse().unwrap(), size: 1280 }),
            probe(Target::Udp { address: "[fd00::1]:80".parse().unwrap(), size: 1400 }),
            probe(Target::Flow { address: "[fd00::1]:8080".parse().unwrap(), from: 20_000 }),
            probe(Target::Loss { address: "10.0.0.1:8080".parse().unwrap() }),
            probe(Target::Health {
                address: "[fd00::1]:10256".parse().unwrap(),
                page: HealthPage::Proxy,
                wanted: None,
            }),
            probe(Target::Health {
                address: "10.0.0.1:30256".parse().unwrap(),
                page: HealthPage::Service,
                wanted: Some(503),
            }),
            dns("kubernetes.default.svc.cluster.local."),
            probe(Target::DnsServer {
                server: "[fd00::a]:5353".parse().unwrap(),
                name: "kubernetes.default.svc.cluster.local.".to_owned(),
            }),
            probe(Target::Pointer { address: "10.96.0.1".parse().unwrap() }),
        ];
        let (text, refused) = stdin(&probes, Room::among(1));
        assert_eq!(refused, []);
        assert_eq!(
            text,
            "dualstack-probe 7 16 32 1500 4500\n\
             2 1 closed 2000 300 6000 3 2 64 fd00::1 80\n\
             3 2 unanswered 2000 300 6000 3 2 64 10.0.0.1 80\n\
             7 0 loss 2000 300 6000 3 2 64 10.0.0.1 8080\n\
             0 1 http 2000 300 6000 3 2 64 [fd00::1]:80 0\n\
             1 1 tcp 2000 300 6000 3 2 64 fd00::1 10250\n\
             4 1 request 2000 300 6000 3 2 64 [fd00::1]:80 1280\n\
             5 3 udp 2000 300 6000 3 2 64 fd00::1 80 1400\n\
             6 3 flow 2000 300 6000 3 2 64 fd00::1 8080 20000\n\
             8 1 health 2000 300 6000 3 2 64 fd00::1 10256 /livez 0\n\
             9 2 health 2000 300 6000 3 2 64 10.0.0.1 30256 / 503\n\
             10 0 dns 2000 300 6000 3 2 64 kubernetes.default.svc.cluster.local. AAAA\n\
             11 0 ask 2000 300 6000 3 2 64 kubernetes.default.svc.cluster.local. fd00::a 5353\n\
             12 0 dns 2000 300 6000 3 2 64 1.0.96.10.in-addr.arpa. PTR\n\
             .\n"
        );
    }

    #[test]
    fn a_name_that_would_be_something_else_to_the_shell_or_the_tool_is_refused() {
        for name in ["", "-debug", "a b.", "a\nb.", "$(reboot).", "a\t."] {
            let (text, refused) = stdin(&[dns(name)], Room::among(1));
            assert_eq!(text, "dualstack-probe 7 16 32 1500 0\n.\n", "{name:?}");
            assert_eq!(refused.len(), 1, "{name:?}");
        }
    }

    #[test]
    fn an_attempts_text_comes_back_as_it_was() {
        let line = Line::read("a\t7\twhole\t-\t12\t9\ta\\\\b\\tc\\nd\\r\t").unwrap();
        let printed = Printed {
            ending: Ending::Whole,
            length: 9,
            head: "a\\b\tc\nd\r".to_owned(),
            tail: String::new(),
        };
        assert_eq!(line, Line::Attempt { id: 7, succeeded: false, millis: 120, printed });
    }

    #[test]
    fn the_pods_of_many_nodes_share_what_runs_at_once() {
        assert_eq!(Room::among(0).first, PARALLEL);
        assert_eq!(Room::among(6), Room { first: 16, together: 32 });
        assert_eq!(Room::among(24), Room { first: 4, together: 20 });
        assert_eq!(Room::among(1_000).first, LEAST);
    }

    #[test]
    fn half_a_line_and_another_version_are_no_lines() {
        for line in
            ["", "a\t7\twhole\t+\t1", "a\t7\twhole\t+\t1\t9\tx\\\t", "h\t1", "e\tx\t1", "killed"]
        {
            assert_eq!(Line::read(line), None, "{line:?}");
        }
        assert_eq!(Line::read("h\t7"), Some(Line::Hello));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "[aehz]?(\t(\\PC{0,9}|[0-9]{0,12}|whole|late|cut|[+-]|\\\\.?)){0,9}") {
            let _ = Line::read(&line);
        }
    }
}
