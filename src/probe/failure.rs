//! What the kernel's errors say of a connection, as numbers of this machine and as words of others.

use std::io::{self, ErrorKind};

use super::{Outcome, outcome::SAID};

/// The outcome behind an error of a socket on this machine; `None` for an error that says nothing
/// of the network (no more file descriptors, no memory).
pub(super) fn of_error(error: &io::Error) -> Option<Outcome> {
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(Outcome::Refused),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Some(Outcome::Reset),
        ErrorKind::TimedOut => Some(Outcome::TimedOut),
        // Linux answers with EINVAL where a blackhole route leads, and with EACCES where a prohibit
        // route or an ICMPv6 "administratively prohibited" does.
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable
        | ErrorKind::PermissionDenied
        | ErrorKind::InvalidInput
        | ErrorKind::Unsupported => Some(Outcome::Unreachable { detail: words(error) }),
        // Rust's ErrorKind has no name for EAFNOSUPPORT: this kernel lacks the family.
        _ if words(error).starts_with("Address family not supported") => {
            Some(Outcome::Unreachable { detail: words(error) })
        }
        _ => None,
    }
}

/// An error in the C library's words, without Rust's ` (os error 101)`.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// The outcome behind an error that a tool printed in the C library's words; `None` for one that
/// says nothing of the network. The official busybox image comes with glibc, musl or uClibc, and
/// musl has words of its own, which come out as glibc's.
pub(super) fn of_words(words: &str) -> Option<Outcome> {
    let words = match words {
        "Network unreachable" => "Network is unreachable",
        "Host is unreachable" => "No route to host",
        "Address not available" => "Cannot assign requested address",
        words => words,
    };
    match words {
        "Connection refused" => Some(Outcome::Refused),
        "Connection reset by peer"
        | "Broken pipe"
        | "Software caused connection abort"
        | "Connection aborted" => Some(Outcome::Reset),
        "Connection timed out" | "Operation timed out" => Some(Outcome::TimedOut),
        "Network is unreachable"
        | "No route to host"
        | "Network is down"
        | "Host is down"
        | "Cannot assign requested address"
        | "Permission denied"
        | "Operation not permitted"
        | "Invalid argument"
        | "Address family not supported by protocol" => {
            Some(Outcome::Unreachable { detail: words.to_owned() })
        }
        _ => None,
    }
}

impl Outcome {
    /// Whether there was an answer, though not one that our pods or the cluster's DNS servers would give.
    pub fn is_an_answer(&self) -> bool {
        match self {
            Self::WrongAnswer { .. } => true,
            Self::DnsFailure { detail } => detail.starts_with(SAID),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux' numbers, with glibc's and musl's words.
    const ERRORS: [(i32, &str, &str); 12] = [
        (1, "Operation not permitted", "Operation not permitted"),
        (13, "Permission denied", "Permission denied"),
        (22, "Invalid argument", "Invalid argument"),
        (32, "Broken pipe", "Broken pipe"),
        (
            97,
            "Address family not supported by protocol",
            "Address family not supported by protocol",
        ),
        (99, "Cannot assign requested address", "Address not available"),
        (100, "Network is down", "Network is down"),
        (101, "Network is unreachable", "Network unreachable"),
        (103, "Software caused connection abort", "Connection aborted"),
        (104, "Connection reset by peer", "Connection reset by peer"),
        (110, "Connection timed out", "Operation timed out"),
        (113, "No route to host", "Host is unreachable"),
    ];

    #[test]
    fn an_error_means_the_same_as_a_number_and_in_every_c_librarys_words() {
        for (number, glibc, musl) in ERRORS {
            let number = of_error(&io::Error::from_raw_os_error(number));
            assert!(number.is_some(), "{glibc}");
            assert_eq!(number, of_words(glibc), "{glibc}");
            assert_eq!(number, of_words(musl), "{musl}");
        }
    }

    #[test]
    fn an_error_of_our_own_host_is_no_outcome() {
        // ENOMEM, EMFILE, ENOBUFS
        for number in [12, 24, 105] {
            assert_eq!(of_error(&io::Error::from_raw_os_error(number)), None, "{number}");
        }
        assert_eq!(of_words("Too many open files"), None);
    }

    #[test]
    fn details_are_the_c_librarys_words_alone() {
        let outcome = of_error(&io::Error::from_raw_os_error(101));
        let detail = "Network is unreachable".to_owned();
        assert_eq!(outcome, Some(Outcome::Unreachable { detail }));
    }
}
