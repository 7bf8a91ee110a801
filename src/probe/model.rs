//! Probes, as data.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use serde::{Deserialize, Serialize};

use super::{Aim, outcome::is_zero};
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
            | Target::Flow { address, .. }
            | Target::Loss { address } => IpFamily::of(address.ip()),
            Target::DnsServer { server, .. } => IpFamily::of(server.ip()),
            Target::Pointer { address } => IpFamily::of(*address),
            Target::Proxied { family, .. } | Target::Dns { family, .. } => *family,
        }
    }
}

impl Probe {
    /// Whether it may be carried out a second time, later and beside others: not where silence is what
    /// is wanted or counted, where a change or policy of the run's own was there meanwhile, or at Services
    /// of the operator's.
    pub(crate) const fn can_be_repeated(&self) -> bool {
        !matches!(self.target, Target::Unanswered { .. } | Target::Loss { .. })
            && !self.aim.is_guarded()
            && self.aim.turn().is_none()
            && self.aim.target().is_none()
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
    /// A TCP connection that must not be accepted: it is refused, or nothing comes back.
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
    /// One small datagram from a port of its own choice, so that it belongs to the same flow as another
    /// one from there; answered as the one of `Udp`.
    Flow {
        /// Address and port.
        address: SocketAddr,
        /// The port that it comes from.
        from: u16,
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
            | Self::Flow { address, .. }
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
        matches!(self, Self::Udp { .. } | Self::Flow { .. } | Self::Loss { .. })
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
            Self::Udp { address, .. } | Self::Flow { address, .. } | Self::Loss { address } => {
                write!(f, "{address} UDP")
            }
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

/// After how many successes in a row hardly any doubt is left that another backend takes part, which
/// would have half of the connections: 1 in 256. The script in the pods has the same number.
const ONCE_MORE: u16 = 8;

impl Attempts {
    /// How many successes measure how long answers take.
    pub(crate) const TIMED: u16 = 9;

    /// Whether they measure how long answers take, of a path that was tried before.
    pub(crate) const fn measures_time(&self) -> bool {
        self.settle_ms == 0 && self.distinct <= 1 && self.successes == Self::TIMED
    }

    /// How many successes must follow an attempt that ran out of time between successes, for it to have
    /// been no broken backend: a whole sample if several backends share the traffic, and otherwise so many
    /// that a second, broken one would have been hit.
    pub(crate) fn once_more(&self) -> u16 {
        self.successes.max(if self.distinct > 1 { self.bound } else { ONCE_MORE })
    }
}
