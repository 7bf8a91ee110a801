//! Which family must come first where Kubernetes orders two of them.

use crate::{net::IpFamily, suite::Suite};

/// The family that must come first: the one the suite names, or else the one that comes first in
/// most of `firsts`, so that the few that differ from the many are found. With a draw it is IPv4.
/// `None` where the suite expects one family alone, or names none and there is nothing to compare.
pub(super) fn expected(
    suite: &Suite,
    firsts: impl IntoIterator<Item = IpFamily>,
) -> Option<IpFamily> {
    if suite.families.len() < 2 {
        return None;
    }
    suite.primary.or_else(|| {
        let (mut v4, mut v6) = (0_usize, 0_usize);
        for first in firsts {
            match first {
                IpFamily::V4 => v4 += 1,
                IpFamily::V6 => v6 += 1,
            }
        }
        match (v4, v6) {
            (0, 0) => None,
            _ if v4 >= v6 => Some(IpFamily::V4),
            _ => Some(IpFamily::V6),
        }
    })
}

/// Why a family must come first: the words for a failure.
pub(super) fn reason(suite: &Suite, first: IpFamily) -> String {
    match suite.primary {
        Some(_) => format!("the suite {} expects {first} first", suite.name),
        None => format!("{first} comes first elsewhere in this cluster"),
    }
}
