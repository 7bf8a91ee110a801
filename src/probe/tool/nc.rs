//! `nc -z -vv`: a TCP connection, opened and closed.

use super::{
    super::{Outcome, failure},
    Ending, Printed, last_words, unusable,
};

/// What came of it.
pub(super) fn outcome(printed: &Printed) -> Result<Outcome, String> {
    if printed.ending == Ending::Late {
        return Ok(Outcome::TimedOut);
    }
    let line = printed.head.lines().next().unwrap_or_default();
    if line.ends_with(" open") {
        return Ok(Outcome::Connected);
    }
    let Some(message) = line.strip_prefix("nc: ") else {
        return Err(unusable("nc", &printed.head));
    };
    failure::of_words(last_words(message)).ok_or_else(|| unusable("nc", message))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::printed, *};

    fn of(text: &str) -> Result<Outcome, String> {
        outcome(&printed(text))
    }

    #[test]
    fn an_open_port_is_a_connection_in_both_families() {
        let v4 = "127.0.0.1 (127.0.0.1:18080) open\nsent 0, rcvd 0\n";
        let v6 = "::1 ([::1]:18080) open\nsent 0, rcvd 0\n";
        assert_eq!(of(v4), Ok(Outcome::Connected));
        assert_eq!(of(v6), Ok(Outcome::Connected));
    }

    #[test]
    fn failures_are_told_apart() {
        let said = |words| format!("nc: fd00::7 ([fd00::7]:80): {words}\nsent 0, rcvd 0\n");
        assert_eq!(of(&said("Connection refused")), Ok(Outcome::Refused));
        assert_eq!(of(&said("Connection timed out")), Ok(Outcome::TimedOut));
        let detail = "Network is unreachable".to_owned();
        assert_eq!(of(&said("Network is unreachable")), Ok(Outcome::Unreachable { detail }));
        let no_family = "nc: socket(AF_INET6,1,0): Address family not supported by protocol\n";
        assert!(matches!(of(no_family), Ok(Outcome::Unreachable { .. })));
    }

    #[test]
    fn one_that_had_to_be_stopped_timed_out() {
        let late = Printed { ending: Ending::Late, ..printed("") };
        assert_eq!(outcome(&late), Ok(Outcome::TimedOut));
    }

    #[test]
    fn trouble_of_its_own_is_no_outcome() {
        assert!(of("nc: can't create socket: Too many open files\n").is_err());
    }
}
