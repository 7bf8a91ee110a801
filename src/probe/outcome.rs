//! What comes of probes, as data.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

/// How a DNS server without any response is reported: the tool had to be stopped.
pub(super) const DNS_LATE: &str = "no answer in time";

/// The same: it gave up by itself.
pub(super) const DNS_UNANSWERED: &str = "no server answered";

/// What a DNS failure begins with that a server told.
pub(super) const SAID: &str = "the server said";

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

    /// Whether nothing came back for as long as was waited.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Self::TimedOut => true,
            Self::DnsFailure { detail } => [DNS_LATE, DNS_UNANSWERED].contains(&detail.as_str()),
            _ => false,
        }
    }

    /// The error with which a DNS server answered (`SERVFAIL`, …).
    pub(crate) fn dns_error(&self) -> Option<&str> {
        match self {
            Self::DnsFailure { detail } => detail.strip_prefix(SAID).map(str::trim),
            _ => None,
        }
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

    /// What an attempt to open a connection means if it must not be accepted.
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
            Self::Silent => f.write_str("no answer, as expected"),
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
pub(super) const fn is_zero(number: &u32) -> bool {
    *number == 0
}
