//! Probes and what comes of them, as data.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use serde::{Deserialize, Serialize};

use super::Aim;
use crate::net::IpFamily;

/// One thing to try. Equal probes are carried out once: see [`super::ProbeTable`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Probe {
    /// From where.
    pub vantage: Vantage,
    /// To what, in the fixture's words.
    pub aim: Aim,
    /// The same on the wire.
    pub target: Target,
    /// How often, and when to stop.
    pub attempts: Attempts,
}

impl Probe {
    /// The family that the probe exercises: that of the address it connects to, or of the records
    /// it asks for.
    pub const fn family(&self) -> IpFamily {
        match &self.target {
            Target::Http { address, .. }
            | Target::Tcp { address }
            | Target::Request { address, .. }
            | Target::Closed { address }
            | Target::Unanswered { address }
            | Target::Health { address, .. }
            | Target::Udp { address, .. }
            | Target::Loss { address } => IpFamily::of(address.ip()),
            Target::DnsServer { server, .. } => IpFamily::of(server.ip()),
            Target::Pointer { address } => IpFamily::of(*address),
            Target::Proxied { family, .. } | Target::Dns { family, .. } => *family,
        }
    }
}

/// Where a probe starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "vantage", rename_all = "snake_case")]
pub enum Vantage {
    /// The machine that runs `dualstack`.
    Outside,
    /// The busybox pod on a node.
    Pod {
        /// The node.
        node: String,
    },
    /// The host-network busybox pod on a node.
    HostNetwork {
        /// The node.
        node: String,
    },
    /// The guarded busybox pod on a node, which NetworkPolicies are about.
    Guarded {
        /// The node.
        node: String,
    },
    /// The API server itself, which a request through its proxy makes connect to a pod.
    ApiServer,
    /// A port-forward to a DNS pod: an answer, not a path (the API server and the kubelet carry it).
    DnsPod {
        /// The pod's namespace.
        namespace: String,
        /// The pod's name.
        pod: String,
        /// The pod's DNS port over TCP.
        port: u16,
    },
}

impl Vantage {
    /// The node that a pod of ours, in a network of its own or the node's, probes from. What a guarded pod
    /// gets to says nothing of its node.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Pod { node } | Self::HostNetwork { node } => Some(node),
            Self::Outside | Self::Guarded { .. } | Self::ApiServer | Self::DnsPod { .. } => None,
        }
    }
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("outside"),
            Self::Pod { node } => write!(f, "pod on {node}"),
            Self::HostNetwork { node } => write!(f, "host network of {node}"),
            Self::Guarded { node } => write!(f, "guarded pod on {node}"),
            Self::ApiServer => f.write_str("API server"),
            Self::DnsPod { pod, .. } => write!(f, "DNS pod {pod}"),
        }
    }
}

/// What a probe tries to reach or learn.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum Target {
    /// GET `/` (or a body of some size) over HTTP; the fixture's nginx says who it is and whom it
    /// sees.
    Http {
        /// Address and port.
        address: SocketAddr,
        /// Bytes of body asked for beyond the identification; 0 for the identification alone.
        #[serde(default, skip_serializing_if = "is_zero")]
        payload: u32,
    },
    /// The same as `Http` with a request of some size: nginx answers when it has all of it.
    Request {
        /// Address and port.
        address: SocketAddr,
        /// The whole request's size in bytes.
        size: u32,
    },
    /// A TCP connection, opened and closed. An answer or a refusal both prove the path there and
    /// back.
    Tcp {
        /// Address and port.
        address: SocketAddr,
    },
    /// A TCP connection that must be refused.
    Closed {
        /// Address and port.
        address: SocketAddr,
    },
    /// A TCP connection that nobody may accept: it is refused, or nothing comes back.
    Unanswered {
        /// Address and port.
        address: SocketAddr,
    },
    /// GET of a page by which a service proxy tells of its health: with its HTTP status, and in JSON.
    Health {
        /// Address and port.
        address: SocketAddr,
        /// The page.
        page: HealthPage,
        /// The HTTP status that it must have; `None` where any is an answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wanted: Option<u16>,
    },
    /// One datagram; the fixture's nginx answers it with who it is and whom it sees. One of 1,000
    /// bytes or more gets an answer of more than 1,200.
    Udp {
        /// Address and port.
        address: SocketAddr,
        /// The datagram's size in bytes, at least 1.
        size: u32,
    },
    /// Trains of small datagrams, to see how many of them are answered ([`Train`]).
    Loss {
        /// Address and port.
        address: SocketAddr,
    },
    /// GET `/` of the fixture's nginx behind a Service, by the API server's proxy, which takes the
    /// Service's first family.
    Proxied {
        /// The Service's name, in the run's namespace.
        service: String,
        /// The Service's port.
        port: u16,
        /// The Service's only family.
        family: IpFamily,
    },
    /// The A or AAAA records of a name.
    Dns {
        /// The fully qualified name, with the trailing dot.
        name: String,
        /// A for IPv4, AAAA for IPv6.
        family: IpFamily,
    },
    /// The PTR records of an address: its names.
    Pointer {
        /// The address.
        address: IpAddr,
    },
    /// A DNS server, asked over UDP for the A records of a name: whether it answers, whatever it says.
    DnsServer {
        /// Its address and port.
        server: SocketAddr,
        /// The fully qualified name, with the trailing dot.
        name: String,
    },
}

impl Target {
    /// The address that is connected to; `None` for names, which are asked for wherever the pod's
    /// resolver points, and where the API server picks one.
    pub const fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Http { address, .. }
            | Self::Tcp { address }
            | Self::Request { address, .. }
            | Self::Closed { address }
            | Self::Unanswered { address }
            | Self::Health { address, .. }
            | Self::Udp { address, .. }
            | Self::Loss { address } => Some(*address),
            Self::DnsServer { server, .. } => Some(*server),
            Self::Proxied { .. } | Self::Dns { .. } | Self::Pointer { .. } => None,
        }
    }

    /// Whether packets of full size are sent or asked for.
    pub const fn is_large(&self) -> bool {
        matches!(
            self,
            Self::Http { payload: 1.., .. }
                | Self::Request { size: 1000.., .. }
                | Self::Udp { size: 1000.., .. }
        )
    }

    /// Whether datagrams are sent, not a connection opened.
    pub const fn is_udp(&self) -> bool {
        matches!(self, Self::Udp { .. } | Self::Loss { .. })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { address, .. }
            | Self::Request { address, .. }
            | Self::Tcp { address }
            | Self::Closed { address }
            | Self::Unanswered { address } => write!(f, "{address}"),
            Self::Health { address, page, .. } => write!(f, "{address}{}", page.path()),
            Self::Udp { address, .. } | Self::Loss { address } => write!(f, "{address} UDP"),
            Self::Proxied { service, port, .. } => write!(f, "services/{service}:{port}/proxy"),
            Self::Dns { name, family } => write!(f, "{name} {}", family.record_type()),
            Self::Pointer { address } => write!(f, "PTR of {address}"),
            Self::DnsServer { server, name } => write!(f, "{name} A at {server}"),
        }
    }
}

/// A page by which a service proxy tells of its health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthPage {
    /// kube-proxy's own: whether it writes its rules in time.
    Proxy,
    /// A Service's health check node port: whether the node has a backend.
    Service,
}

impl HealthPage {
    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Proxy => "/livez",
            Self::Service => "/",
        }
    }
}

/// How often a probe is tried, and when it is done.
///
/// After a change to Services or pods a proxy needs a moment to follow. A probe may therefore fail
/// and be tried again until its first success or until `settle_ms` have passed since the batch
/// began; every attempt is recorded. Until then attempts are given up sooner, `patience_ms` at
/// first and twice as long each further time: a packet that was sent too early is lost, and TCP
/// would sit still for a second before the next. A failure is never concluded from an attempt that
/// was cut short: the last one has its whole time. *After* the first success no failure is forgiven: it ends the
/// probe, and the observation shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempts {
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: u32,
    /// How long the first attempt may take while a first success is waited for, in milliseconds.
    pub patience_ms: u32,
    /// For how long a first success may be waited for, in milliseconds.
    pub settle_ms: u32,
    /// How many different backends must answer before the probe is done.
    pub distinct: u16,
    /// The least number of successes before the probe is done.
    pub successes: u16,
    /// How many successes after the first make a sample that must have shown `distinct` backends.
    /// A sample that hasn't is drawn anew until one that began after `settle_ms` is complete.
    pub bound: u16,
}

impl Attempts {
    /// How many successes must follow an attempt that ran out of time between successes, for
    /// it to have been a busy machine rather than a dead backend: as many as at first, or, where
    /// several backends share the traffic, a whole sample.
    pub(crate) fn once_more(&self) -> u16 {
        if self.distinct > 1 { self.successes.max(self.bound) } else { self.successes.max(1) }
    }
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The attempts, in order. Empty only where `lost` says why.
    pub attempts: Vec<Attempt>,
    /// Why the probe was cut off before it was done (the exec broke, the pod went away, the run
    /// ended): a fault of our transport, never of the path under test.
    pub lost: Option<String>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How long it took, in milliseconds. From a pod: to the nearest 10 ms, as `/proc/uptime`
    /// counts.
    pub millis: u32,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The fixture's nginx answered.
    Answered(Answer),
    /// The TCP connection was accepted ([`Target::Tcp`] only).
    Connected,
    /// The connection was refused, as it had to be ([`Target::Closed`] only).
    Rejected,
    /// Nothing came back, as nothing had to ([`Target::Unanswered`] only).
    Silent,
    /// The page was read, with a status that it may have ([`Target::Health`] only).
    Health {
        /// The HTTP status.
        status: u16,
        /// The beginning of the page.
        body: String,
    },
    /// So many datagrams were answered, at least one of them ([`Target::Loss`] only).
    Counted {
        /// The trains, in the order in which they were sent.
        trains: Vec<Train>,
    },
    /// The DNS server answered with records, in its order ([`Target::Dns`] only).
    Records {
        /// The addresses.
        addresses: Vec<IpAddr>,
    },
    /// The DNS server answered with names ([`Target::Pointer`] only).
    Names {
        /// The names, without the dot at their end.
        names: Vec<String>,
    },
    /// The DNS server has the name, but no record of this type (NODATA).
    NoRecords,
    /// The DNS server answered ([`Target::DnsServer`] only).
    Replied,
    /// The DNS server doesn't have the name (NXDOMAIN).
    NoSuchName,
    /// The name could not be asked for: no DNS server answered, or it answered with an error.
    DnsFailure {
        /// What was seen.
        detail: String,
    },
    /// The connection was refused (RST to SYN).
    Refused,
    /// Nothing came back, or the answer came only in part, within the attempt's time.
    TimedOut,
    /// A router or our own host said that there is no way there (ICMP unreachable, no route).
    Unreachable {
        /// What was seen (`Network is unreachable`, `No route to host`, …).
        detail: String,
    },
    /// The connection was reset or closed in the middle.
    Reset,
    /// Something answered, and it wasn't our nginx.
    WrongAnswer {
        /// What was seen.
        detail: String,
    },
}

impl Outcome {
    /// Whether the probe got what it asked for. For DNS an answer without records is an answer;
    /// whether it is the right one is for the check to say. NXDOMAIN is none: every name we ask for
    /// exists, so a server that doesn't have it yet may still be settling.
    pub const fn succeeded(&self) -> bool {
        matches!(
            self,
            Self::Answered(_)
                | Self::Connected
                | Self::Rejected
                | Self::Silent
                | Self::Health { .. }
                | Self::Counted { .. }
                | Self::Records { .. }
                | Self::Names { .. }
                | Self::NoRecords
                | Self::Replied
        )
    }

    /// What an attempt to open a connection means where it must be refused.
    pub(super) fn where_closed(self) -> Self {
        match self {
            Self::Refused => Self::Rejected,
            Self::Connected => {
                Self::WrongAnswer { detail: "the connection was accepted".to_owned() }
            }
            other => other,
        }
    }

    /// What a DNS server's answer means where only that it answers counts. A server that says that
    /// it can't or won't answer is none that resolvers can use.
    pub(super) fn where_any_reply_counts(self) -> Self {
        match self {
            Self::Records { .. } | Self::NoRecords | Self::NoSuchName => Self::Replied,
            other => other,
        }
    }

    /// What an attempt to open a connection means where nobody may accept it.
    pub fn where_unanswered(self) -> Self {
        match self.where_closed() {
            Self::TimedOut | Self::Unreachable { .. } | Self::Reset => Self::Silent,
            other => other,
        }
    }

    /// Whether it proves that packets get to the target and back.
    pub const fn proves_a_way(&self) -> bool {
        matches!(
            self,
            Self::Answered(_)
                | Self::Connected
                | Self::Rejected
                | Self::Health { .. }
                | Self::Counted { .. }
                | Self::Replied
                | Self::Refused
                | Self::Reset
                | Self::WrongAnswer { .. }
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(answer) => write!(f, "answered by {}", answer.pod),
            Self::Connected => f.write_str("connected"),
            Self::Rejected => f.write_str("refused, as it must be"),
            Self::Silent => f.write_str("no answer, as it must be"),
            Self::Health { status, .. } => write!(f, "HTTP {status}"),
            Self::Counted { trains } => {
                let (sent, answered) = trains.iter().fold((0, 0), |(sent, answered), train| {
                    (sent + train.sent, answered + train.answered)
                });
                write!(f, "{answered} of {sent} datagrams answered")
            }
            Self::Records { addresses } => {
                f.write_str("records")?;
                addresses.iter().try_for_each(|address| write!(f, " {address}"))
            }
            Self::Names { names } => write!(f, "names {}", names.join(" ")),
            Self::NoRecords => f.write_str("no records"),
            Self::Replied => f.write_str("replied"),
            Self::NoSuchName => f.write_str("no such name"),
            Self::DnsFailure { detail } => write!(f, "DNS failure ({detail})"),
            Self::Refused => f.write_str("refused"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Unreachable { detail } => write!(f, "unreachable ({detail})"),
            Self::Reset => f.write_str("reset"),
            Self::WrongAnswer { detail } => write!(f, "wrong answer ({detail})"),
        }
    }
}

/// A train of small datagrams, each sent when the one before it was answered or was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Train {
    /// How many were sent: 100, or fewer where too many stayed without an answer.
    pub sent: u32,
    /// How many answers came.
    pub answered: u32,
}

impl Train {
    /// How many datagrams or their answers were lost.
    pub const fn lost(self) -> u32 {
        self.sent.saturating_sub(self.answered)
    }
}

/// Who answered, and whom it saw: the body that the fixture's nginx sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The pod's name (nginx's `$hostname`).
    pub pod: String,
    /// The address at which nginx was reached (`$server_addr`): the pod's own.
    pub server: IpAddr,
    /// The address from which the connection came (`$remote_addr`).
    pub client: IpAddr,
    /// Bytes of body received beyond the identification.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub payload: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}
