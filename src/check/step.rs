//! What one attempt of a probe comes to.

use std::fmt;

/// The ways in which a probe goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// RST to SYN: the path works, and nobody listens.
    Refused,
    /// Nothing came back: something drops.
    TimedOut,
    /// A router or the source itself has no way.
    Unreachable,
    /// Closed in the middle.
    Reset,
    /// Someone answered, and it was not who should.
    WrongAnswer,
    /// The right one answered, but saw the wrong client.
    WrongSource,
    /// Not every backend answered.
    Unanswered,
    /// A service proxy says that it is not well.
    Unhealthy,
    /// No DNS server answered as one should.
    DnsFailure,
    /// The DNS server doesn't have the name.
    NoSuchName,
    /// The DNS server has the name, but not the record.
    NoRecords,
    /// The DNS server has other records.
    WrongRecords,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::WrongAnswer => "wrong answer",
            Self::WrongSource => "wrong source address",
            Self::Unanswered => "not every backend answered",
            Self::Unhealthy => "unhealthy",
            Self::DnsFailure => "DNS failure",
            Self::NoSuchName => "no such name",
            Self::NoRecords => "no records",
            Self::WrongRecords => "wrong records",
        })
    }
}

/// What one attempt was, against what it should have been.
pub(super) enum Step<'a> {
    AsExpected(Option<&'a str>),
    Wrong(Kind, String),
    Failed(Kind, Option<&'a str>),
}
