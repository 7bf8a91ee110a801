//! `nc -e`: a page read over HTTP, whatever its status.

use super::{
    super::{
        Outcome,
        answer::{excerpt, stranger},
        failure,
    },
    Ending, Printed, last_words, unusable,
};

/// What ends a response's head.
const END_OF_HEAD: &str = "\r\n\r\n";

/// What came of it, where the page must have a status, or may have any.
pub(super) fn outcome(printed: &Printed, wanted: Option<u16>) -> Result<Outcome, String> {
    if printed.ending == Ending::Late {
        return Ok(Outcome::TimedOut);
    }
    let text = printed.head.as_str();
    let line = text.lines().next().unwrap_or_default();
    if ["nc: ", "sh: ", "dd: "].iter().any(|tool| line.starts_with(tool)) {
        return failure::of_words(last_words(line)).ok_or_else(|| unusable("nc", line));
    }
    if text.is_empty() {
        // It was connected to, and closed without a word.
        return Ok(Outcome::Reset);
    }
    let status = line.strip_prefix("HTTP/1.").and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let Some(status) = status.filter(|_| printed.ending == Ending::Whole) else {
        return Ok(stranger(None, text));
    };
    if let Some(wanted) = wanted.filter(|&wanted| wanted != status) {
        let detail = format!("{}, expected {wanted}", excerpt(line));
        return Ok(Outcome::WrongAnswer { detail });
    }
    let body = text.split_once(END_OF_HEAD).map(|(_, body)| body.to_owned()).unwrap_or_default();
    Ok(Outcome::Health { status, body })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::printed, *};

    const PAGE: &str = "HTTP/1.0 503 Service Unavailable\r\nContent-Type: application/json\r\n\r\n{\"healthy\":false}";

    fn of(text: &str, wanted: Option<u16>) -> Result<Outcome, String> {
        outcome(&printed(text), wanted)
    }

    #[test]
    fn a_page_is_read_whatever_its_status() {
        let body = "{\"healthy\":false}".to_owned();
        assert_eq!(of(PAGE, None), Ok(Outcome::Health { status: 503, body: body.clone() }));
        assert_eq!(of(PAGE, Some(503)), Ok(Outcome::Health { status: 503, body }));
    }

    #[test]
    fn another_status_than_the_wanted_one_is_wrong() {
        let detail = "HTTP/1.0 503 Service Unavailable, expected 200".to_owned();
        assert_eq!(of(PAGE, Some(200)), Ok(Outcome::WrongAnswer { detail }));
    }

    #[test]
    fn failures_are_told_apart() {
        assert_eq!(
            of("nc: fd00::7 ([fd00::7]:80): Connection refused\n", None),
            Ok(Outcome::Refused)
        );
        assert_eq!(of("dd: standard input: Connection reset by peer\n", None), Ok(Outcome::Reset));
        assert_eq!(of("", None), Ok(Outcome::Reset));
        assert!(matches!(of("SSH-2.0-OpenSSH_9\r\n", None), Ok(Outcome::WrongAnswer { .. })));
        let late = Printed { ending: Ending::Late, ..printed("") };
        assert_eq!(outcome(&late, None), Ok(Outcome::TimedOut));
    }

    #[test]
    fn trouble_of_its_own_is_no_outcome() {
        assert!(of("nc: can't create socket: Too many open files\n", None).is_err());
        assert!(of("sh: exec: line 1: dd: not found\n", None).is_err());
    }
}
