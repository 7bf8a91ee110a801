//! The line by which the fixture's nginx says who it is and whom it sees.

use std::net::IpAddr;

use super::{Answer, Outcome};

/// What the body of an answer begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identification {
    pod: String,
    server: IpAddr,
    client: IpAddr,
    /// How long the line is, with its newline, in bytes.
    pub(super) length: usize,
}

impl Identification {
    /// Reads the first line of a body; `None` where it isn't that of our nginx.
    pub(super) fn read(body: &str) -> Option<Self> {
        let (line, _) = body.split_once('\n')?;
        let fields: Vec<&str> = line.split(' ').collect();
        let &["dualstack", pod, server, client] = fields.as_slice() else { return None };
        let pod = pod.strip_prefix("pod=").filter(|pod| !pod.is_empty())?;
        Some(Self {
            pod: pod.to_owned(),
            server: server.strip_prefix("server=")?.parse().ok()?,
            client: client.strip_prefix("client=")?.parse().ok()?,
            length: line.len() + 1,
        })
    }

    /// The outcome of an attempt that was answered so, and had asked for `asked` bytes beyond this
    /// line and got `received`.
    pub(super) fn outcome(self, received: usize, asked: u32) -> Outcome {
        let received = u32::try_from(received).unwrap_or(u32::MAX);
        if received < asked {
            let detail = format!("{} sent {received} of {asked} bytes", self.pod);
            return Outcome::WrongAnswer { detail };
        }
        Outcome::Answered(Answer {
            pod: self.pod,
            server: self.server,
            client: self.client,
            payload: received,
        })
    }
}

/// What a stranger said, short enough for a table: its first line that says anything.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut shown: String = line.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if line.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

/// The outcome of an attempt that a stranger answered, by its Server header and its body.
pub(super) fn stranger(server: Option<&str>, body: &str) -> Outcome {
    let by = server.map(excerpt).filter(|server| !server.is_empty());
    let said = match excerpt(body) {
        said if said.is_empty() => "an empty body".to_owned(),
        said => format!("\"{said}\""),
    };
    let detail = match by {
        Some(by) => format!("{said} from {by}"),
        None => said,
    };
    Outcome::WrongAnswer { detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "dualstack pod=nginx-1-x server=fd00::5 client=10.0.0.7\n";

    #[test]
    fn our_nginx_is_known_by_its_line() {
        let identification = Identification::read(&format!("{LINE}xxx")).unwrap();
        assert_eq!(identification.length, LINE.len());
        let Outcome::Answered(answer) = identification.outcome(3, 3) else { panic!() };
        assert_eq!(answer.pod, "nginx-1-x");
        assert_eq!(answer.server, "fd00::5".parse::<IpAddr>().unwrap());
        assert_eq!(answer.client, "10.0.0.7".parse::<IpAddr>().unwrap());
        assert_eq!(answer.payload, 3);
    }

    #[test]
    fn anything_but_the_whole_line_is_a_stranger() {
        for body in [
            "",
            "\n",
            LINE.trim_end(),
            "dualstack pod= server=10.0.0.1 client=10.0.0.2\n",
            "dualstack pod=a server=localhost client=10.0.0.2\n",
            "dualstack pod=a server=10.0.0.1\n",
            "dualstack pod=a server=10.0.0.1 client=10.0.0.2 more=1\n",
            "<html>dualstack pod=a server=10.0.0.1 client=10.0.0.2\n",
        ] {
            assert_eq!(Identification::read(body), None, "{body:?}");
        }
    }

    #[test]
    fn an_answer_that_is_shorter_than_asked_for_is_wrong() {
        let outcome = Identification::read(LINE).unwrap().outcome(10, 8000);
        assert_eq!(outcome.to_string(), "wrong answer (nginx-1-x sent 10 of 8000 bytes)");
    }

    #[test]
    fn strangers_are_quoted_short_and_harmless() {
        let outcome = stranger(Some("Apache/2.4"), "\r\n \x1b[31m<html>\x07\nmore");
        assert_eq!(outcome.to_string(), "wrong answer (\"[31m<html>\" from Apache/2.4)");
        assert_eq!(stranger(None, " \n").to_string(), "wrong answer (an empty body)");
        assert_eq!(excerpt(&"é".repeat(61)).chars().count(), 61);
    }
}
