//! `nc -u -e`: a datagram from the shell, and one in answer by `dd`.

use super::{
    super::{
        Outcome,
        answer::{Identification, stranger},
        failure,
    },
    Ending, Printed, last_words, unusable,
};

/// What came of it.
pub(super) fn outcome(printed: &Printed) -> Result<Outcome, String> {
    if printed.ending == Ending::Late {
        return Ok(Outcome::TimedOut);
    }
    let text = printed.head.as_str();
    if let Some(identification) = Identification::read(text) {
        let received = printed.length.saturating_sub(identification.length);
        return Ok(identification.outcome(received, 0));
    }
    let line = text.lines().next().unwrap_or_default();
    if ["nc: ", "sh: ", "dd: "].iter().any(|tool| line.starts_with(tool)) {
        let words = last_words(line);
        // A router said that it was too big. It is lost, and the kernel cuts the next one to size; so it is with
        // flannel, whose tunnel of IPv6 takes less than what it gives to pods as their MTU.
        if ["Message too long", "Message too large"].contains(&words) {
            return Ok(Outcome::Unreachable { detail: words.to_owned() });
        }
        return failure::of_words(words).ok_or_else(|| unusable("nc", line));
    }
    if text.is_empty() { Err(unusable("nc", text)) } else { Ok(stranger(None, text)) }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::printed, *};

    fn of(text: &str) -> Result<Outcome, String> {
        outcome(&printed(text))
    }

    #[test]
    fn our_nginx_answers_a_datagram() {
        let line = "dualstack pod=nginx-1 server=fd00::5 client=fd00::7\n";
        let Ok(Outcome::Answered(answer)) = of(&format!("{line}received=1\n")) else { panic!() };
        assert_eq!((answer.pod.as_str(), answer.payload), ("nginx-1", 11));
    }

    #[test]
    fn failures_are_told_apart() {
        assert_eq!(of("dd: standard input: Connection refused\n"), Ok(Outcome::Refused));
        let detail = "Network is unreachable".to_owned();
        let said = "nc: fd00::7 ([fd00::7]:80): Network is unreachable\n";
        assert_eq!(of(said), Ok(Outcome::Unreachable { detail }));
        let late = Printed { ending: Ending::Late, ..printed("") };
        assert_eq!(outcome(&late), Ok(Outcome::TimedOut));
    }

    #[test]
    fn a_datagram_that_a_router_finds_too_big_is_lost_and_says_so() {
        let detail = "Message too long".to_owned();
        let said = "dd: standard input: Message too long\n";
        assert_eq!(of(said), Ok(Outcome::Unreachable { detail }));
    }

    #[test]
    fn a_stranger_is_quoted_and_trouble_of_its_own_is_no_outcome() {
        assert!(matches!(of("hello\n"), Ok(Outcome::WrongAnswer { .. })));
        assert!(of("").is_err());
        assert!(of("nc: can't create socket: Too many open files\n").is_err());
        assert!(of("sh: exec: line 58: dd: not found\n").is_err());
    }
}
