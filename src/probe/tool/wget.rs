//! `wget -q -S -O -`: a GET over HTTP.
//!
//! With `-S` wget prints each line of the response's head after two spaces, the empty line that
//! ends it too, and then the body; so what a server said can't be taken for what wget says of it,
//! which begins with its name.

use super::{
    super::{
        Outcome,
        answer::{Identification, excerpt, stranger},
        failure,
    },
    Ending, Printed, last_words, unusable,
};

/// The empty line that ends a response's head, as `-S` prints it.
const END_OF_HEAD: &str = "\n  \n";

/// What came of a request for `asked` bytes beyond the identification.
pub(super) fn outcome(printed: &Printed, asked: u32) -> Result<Outcome, String> {
    if printed.ending == Ending::Late {
        return Ok(Outcome::TimedOut);
    }
    let text = printed.head.as_str();
    if !text.starts_with("  ") {
        return match text.lines().next().and_then(|line| line.strip_prefix("wget: ")) {
            Some(message) => said(message),
            None => Err(unusable("wget", text)),
        };
    }
    let status = text.lines().next().unwrap_or_default().trim();
    if !status.starts_with("HTTP/") {
        return Ok(wrong(format!("no HTTP: \"{}\"", excerpt(status))));
    }
    // A redirection is followed by the head of the next response.
    let mut head = text.lines().skip(1).take_while(|line| !line.starts_with("  HTTP/"));
    let server = head.find_map(|line| line.strip_prefix("  Server: "));
    if status.split(' ').nth(1) != Some("200") {
        let by = server.map(|server| format!(" from {}", excerpt(server))).unwrap_or_default();
        return Ok(wrong(format!("{}{by}", excerpt(status))));
    }
    let Some(head) = text.find(END_OF_HEAD).map(|at| at + END_OF_HEAD.len()) else {
        return match text.lines().find_map(|line| line.strip_prefix("wget: ")) {
            Some(message) => said(message),
            None => Ok(stranger(server, "")),
        };
    };
    let body = text.get(head..).unwrap_or_default();
    let Some(identification) = Identification::read(body) else {
        return Ok(stranger(server, body));
    };
    let read = head + identification.length;
    if let Some((_, message)) = printed.end(read).rsplit_once("wget: ") {
        return said(message);
    }
    let received = printed.length.saturating_sub(read);
    if printed.ending == Ending::Cut {
        return Ok(wrong(format!("more than the {asked} bytes asked for")));
    }
    Ok(identification.outcome(received, asked))
}

/// What wget's own message means, without its name.
fn said(message: &str) -> Result<Outcome, String> {
    let message = message.trim();
    let words = last_words(message);
    if message == "download timed out" {
        return Ok(Outcome::TimedOut);
    }
    // The connection stood. Where it ended without an error of the kernel's, wget adds the words of
    // whatever error came before, which mean nothing: it was closed.
    let stood = ["error getting response", "connection closed prematurely", "read error"];
    if stood.iter().any(|stood| message.starts_with(stood)) {
        return Ok(match words {
            "No route to host"
            | "Host is unreachable"
            | "Network is unreachable"
            | "Network unreachable"
            | "Connection timed out"
            | "Operation timed out" => failure::of_words(words).unwrap_or(Outcome::Reset),
            _ => Outcome::Reset,
        });
    }
    if let Some(outcome) = failure::of_words(words) {
        return Ok(outcome);
    }
    let odd = [
        "bad header line",
        "bad chunk length",
        "bad redirection",
        "content-length ",
        "server returned error",
        "too many redirections",
        "transfer encoding ",
    ];
    if odd.iter().any(|odd| message.starts_with(odd)) {
        return Ok(wrong(excerpt(message)));
    }
    Err(unusable("wget", message))
}

const fn wrong(detail: String) -> Outcome {
    Outcome::WrongAnswer { detail }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{printed, shortened},
        *,
    };

    fn of(text: &str) -> Result<Outcome, String> {
        outcome(&printed(text), 0)
    }

    fn wrong_answer(detail: &str) -> Result<Outcome, String> {
        Ok(wrong(detail.to_owned()))
    }

    const HEAD: &str =
        "  HTTP/1.1 200 OK\n  Server: nginx\n  Content-Length: 58\n  Connection: close\n  \n";
    const LINE: &str = "dualstack pod=nginx-1 server=fd00::5 client=fd00::7\n";

    #[test]
    fn our_nginx_answers() {
        let Ok(Outcome::Answered(answer)) = of(&format!("{HEAD}{LINE}")) else { panic!() };
        assert_eq!((answer.pod.as_str(), answer.payload), ("nginx-1", 0));
    }

    #[test]
    fn the_payload_is_counted_though_only_its_ends_are_passed_on() {
        let text = format!("{HEAD}{LINE}{}", "x".repeat(8000));
        let Ok(Outcome::Answered(answer)) = outcome(&shortened(&text, 1000, 300), 8000) else {
            panic!()
        };
        assert_eq!(answer.payload, 8000);
    }

    #[test]
    fn a_payload_that_breaks_off_is_a_reset_wherever_it_does() {
        let end = "wget: connection closed prematurely\n";
        let short = format!("{HEAD}{LINE}xxx{end}");
        assert_eq!(outcome(&printed(&short), 8000), Ok(Outcome::Reset));
        let long = format!("{HEAD}{LINE}{}{end}", "x".repeat(4000));
        assert_eq!(outcome(&shortened(&long, 1000, 300), 8000), Ok(Outcome::Reset));
        let late = format!("{HEAD}{LINE}{}wget: download timed out\n", "x".repeat(4000));
        assert_eq!(outcome(&shortened(&late, 1000, 300), 8000), Ok(Outcome::TimedOut));
    }

    #[test]
    fn a_refusal_reads_the_same_in_both_families() {
        let v4 = "wget: can't connect to remote host (127.0.0.1): Connection refused\n";
        let v6 = "wget: can't connect to remote host: Connection refused\n";
        assert_eq!(of(v4), Ok(Outcome::Refused));
        assert_eq!(of(v6), Ok(Outcome::Refused));
    }

    #[test]
    fn what_the_kernel_says_is_told_apart() {
        let connect = |words| of(&format!("wget: can't connect to remote host: {words}\n"));
        assert_eq!(connect("Connection timed out"), Ok(Outcome::TimedOut));
        assert_eq!(connect("Operation timed out"), Ok(Outcome::TimedOut));
        for words in ["Network is unreachable", "No route to host"] {
            let detail = words.to_owned();
            assert_eq!(connect(words), Ok(Outcome::Unreachable { detail }));
        }
        assert_eq!(connect("Host is unreachable"), connect("No route to host"));
        let reset = "wget: error getting response: Connection reset by peer\n";
        assert_eq!(of(reset), Ok(Outcome::Reset));
        assert_eq!(of("wget: download timed out\n"), Ok(Outcome::TimedOut));
        let no_family = "wget: socket(AF_INET6,1,0): Address family not supported by protocol\n";
        assert!(matches!(of(no_family), Ok(Outcome::Unreachable { .. })));
    }

    #[test]
    fn a_server_that_says_nothing_and_closes_is_a_reset() {
        assert_eq!(of("wget: error getting response\n"), Ok(Outcome::Reset));
        // glibc and musl leave different errors lying about.
        assert_eq!(of("wget: error getting response: Illegal seek\n"), Ok(Outcome::Reset));
        assert_eq!(of("wget: error getting response: Invalid argument\n"), Ok(Outcome::Reset));
    }

    #[test]
    fn strangers_are_quoted() {
        let not_found =
            "  HTTP/1.1 404 Not Found\nwget: server returned error: HTTP/1.1 404 Not Found\n";
        assert_eq!(of(not_found), wrong_answer("HTTP/1.1 404 Not Found"));
        let apache = "  HTTP/1.1 200 OK\n  Server: Apache\n  \n\\a\tb\n\r\n<html>";
        assert_eq!(of(apache), wrong_answer("\"\\ab\" from Apache"));
        let ssh = "  SSH-2.0-OpenSSH_9\nwget: error getting response: Connection reset by peer\n";
        assert_eq!(of(ssh), wrong_answer("no HTTP: \"SSH-2.0-OpenSSH_9\""));
        let headless = "  HTTP/1.1 200 OK\n  oops\nwget: bad header line: oops\n";
        assert_eq!(of(headless), wrong_answer("bad header line: oops"));
    }

    #[test]
    fn our_nginx_behind_a_redirection_is_a_wrong_answer() {
        let text = format!("  HTTP/1.1 302 Found\n  Location: http://[fd00::5]/\n{HEAD}{LINE}");
        assert_eq!(of(&text), wrong_answer("HTTP/1.1 302 Found"));
    }

    #[test]
    fn an_endless_body_is_a_wrong_answer() {
        let text = format!("{HEAD}{LINE}{}", "x".repeat(100));
        let cut = Printed { ending: Ending::Cut, ..printed(&text) };
        assert!(matches!(outcome(&cut, 0), Ok(Outcome::WrongAnswer { .. })));
    }

    #[test]
    fn what_a_stranger_says_is_never_taken_for_what_wget_says() {
        let text = "  HTTP/1.1 200 OK\n  \nwget: download timed out\n";
        assert_eq!(of(text), wrong_answer("\"wget: download timed out\""));
        let text = "  wget: can't connect to remote host: Connection refused\n";
        assert!(matches!(of(text), Ok(Outcome::WrongAnswer { .. })));
    }

    #[test]
    fn trouble_of_its_own_is_no_outcome() {
        assert!(of("wget: can't connect to remote host: Too many open files\n").is_err());
        assert!(of("sh: exec: line 56: wget: Permission denied\n").is_err());
    }
}
