//! `nslookup -type=A|AAAA|PTR NAME`, over UDP to the servers in the pod's `/etc/resolv.conf`.

use std::net::IpAddr;

use super::{
    super::{
        Outcome,
        outcome::{DNS_LATE, DNS_UNANSWERED, SAID},
    },
    Ending, Printed, last_words, unusable,
};

/// What came of it.
pub(super) fn outcome(printed: &Printed) -> Result<Outcome, String> {
    let text = printed.head.as_str();
    match printed.ending {
        Ending::Late => return Ok(failure(DNS_LATE)),
        Ending::Cut => return Err("nslookup in the pod printed no text".to_owned()),
        Ending::Whole if !printed.tail.is_empty() => {
            return Err("nslookup in the pod printed too much".to_owned());
        }
        Ending::Whole => {}
    }
    if text.contains(";; connection timed out; no servers could be reached") {
        return Ok(match text.lines().find_map(trouble) {
            Some(words) => failure(&format!("no server answered: {words}")),
            None => failure(DNS_UNANSWERED),
        });
    }
    // Before this there may be what other servers in resolv.conf didn't do.
    let Some((_, answer)) = text.split_once("Server:") else {
        // It ends at a server to which it has no way.
        return match text.strip_prefix("nslookup: can't connect to remote host") {
            Some(said) => Ok(failure(&format!("no server answered: {}", last_words(said)))),
            None => Err(unusable("nslookup", text)),
        };
    };
    // The server's own address is on the line after its name; an empty line follows.
    let records = answer.split_once("\n\n").map_or("", |(_, records)| records);
    let addresses = match addresses(records) {
        Ok(addresses) => addresses,
        Err(address) => return Ok(failure(&format!("unusable answer: {address}"))),
    };
    if !addresses.is_empty() {
        return Ok(Outcome::Records { addresses });
    }
    if let Some(line) = records.lines().find(|line| line.starts_with("** server can't find ")) {
        return Ok(match line.rsplit_once(": ") {
            Some((_, "NXDOMAIN")) => Outcome::NoSuchName,
            Some((_, code)) => failure(&format!("{SAID} {code}")),
            None => failure(line),
        });
    }
    if let Some(line) = records.lines().find(|line| line.starts_with("*** Can't find ")) {
        let words = line.rsplit_once(": ").map_or(line, |(_, words)| words);
        return Ok(failure(&format!("unusable answer: {words}")));
    }
    let pointers = records.lines().filter_map(|line| line.split_once("\tname = "));
    let names: Vec<String> =
        pointers.map(|(_, name)| name.trim_end_matches('.').to_owned()).collect();
    if !names.is_empty() {
        return Ok(Outcome::Names { names });
    }
    Ok(Outcome::NoRecords)
}

/// The addresses of the first name that has any. A short name is asked for in all domains of the search
/// path at once, of which a resolver takes the first that has records.
fn addresses(records: &str) -> Result<Vec<IpAddr>, &str> {
    let mut addresses = Vec::new();
    let mut name = "";
    for line in records.lines() {
        if let Some(next) = line.strip_prefix("Name:\t") {
            if next != name && !addresses.is_empty() {
                break;
            }
            name = next;
        } else if let Some(address) = line.strip_prefix("Address: ") {
            addresses.push(address.parse().map_err(|_| address)?);
        }
    }
    Ok(addresses)
}

fn failure(detail: &str) -> Outcome {
    Outcome::DnsFailure { detail: detail.to_owned() }
}

/// What sending to a server, or reading from it, met with.
fn trouble(line: &str) -> Option<&str> {
    let (what, words) = line.strip_prefix("nslookup: ")?.split_once(": ")?;
    (what == "read" || what.starts_with("write to ")).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::printed, *};

    fn of(text: &str) -> Result<Outcome, String> {
        outcome(&printed(text))
    }

    fn dns_failure(detail: &str) -> Result<Outcome, String> {
        Ok(failure(detail))
    }

    const SERVER: &str = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n";
    const SERVER_V6: &str = "Server:\t\tfd00:10:96::a\nAddress:\t[fd00:10:96::a]:53\n\n";

    #[test]
    fn a_server_to_which_there_is_no_way_does_not_answer() {
        let v6 = "nslookup: can't connect to remote host: Network is unreachable\n";
        assert_eq!(of(v6), dns_failure("no server answered: Network is unreachable"));
        let v4 = "nslookup: can't connect to remote host (10.0.0.9): Network is unreachable\n";
        assert_eq!(of(v4), dns_failure("no server answered: Network is unreachable"));
    }

    #[test]
    fn records_are_read_and_the_servers_own_address_is_none() {
        let v4 = format!("{SERVER}Name:\ta.b.svc.cluster.local\nAddress: 10.96.7.1\n\n");
        let addresses = vec!["10.96.7.1".parse().unwrap()];
        assert_eq!(of(&v4), Ok(Outcome::Records { addresses }));
        let v6 = format!(
            "{SERVER_V6}Non-authoritative answer:\nName:\ta.b\nAddress: fd00::2\nName:\ta.b\nAddress: fd00::1\n\n"
        );
        let addresses = vec!["fd00::2".parse().unwrap(), "fd00::1".parse().unwrap()];
        assert_eq!(of(&v6), Ok(Outcome::Records { addresses }));
    }

    #[test]
    fn names_are_read_of_pointers_and_not_of_aliases() {
        let pointer = "1.0.96.10.in-addr.arpa\tname = kubernetes.default.svc.cluster.local\n\n";
        let names = vec!["kubernetes.default.svc.cluster.local".to_owned()];
        assert_eq!(of(&format!("{SERVER}{pointer}")), Ok(Outcome::Names { names }));
        let alias = format!("{SERVER}a.b\tcanonical name = c.d\n");
        assert_eq!(of(&format!("{alias}\n")), Ok(Outcome::NoRecords));
        let followed = format!("{alias}Name:\tc.d\nAddress: 10.96.7.1\n\n");
        let addresses = vec!["10.96.7.1".parse().unwrap()];
        assert_eq!(of(&followed), Ok(Outcome::Records { addresses }));
    }

    #[test]
    fn of_a_search_path_the_first_name_with_records_counts() {
        let unknown = "** server can't find web.svc.cluster.local: NXDOMAIN\n\n";
        let known = "Name:\tweb.x.svc.cluster.local\nAddress: 10.96.7.1\n\n";
        let elsewhere = "Name:\tweb.example\nAddress: 192.0.2.1\n\n";
        let one = Ok(Outcome::Records { addresses: vec!["10.96.7.1".parse().unwrap()] });
        assert_eq!(of(&format!("{SERVER}{known}{unknown}{unknown}")), one);
        assert_eq!(of(&format!("{SERVER}{unknown}{known}")), one);
        assert_eq!(of(&format!("{SERVER}{known}{elsewhere}")), one);
        assert_eq!(of(&format!("{SERVER}{unknown}{unknown}")), Ok(Outcome::NoSuchName));
    }

    #[test]
    fn an_empty_answer_is_no_records_and_not_no_such_name() {
        assert_eq!(of(&format!("{SERVER}\n")), Ok(Outcome::NoRecords));
        let unauthoritative = format!("{SERVER}Non-authoritative answer:\n\n");
        assert_eq!(of(&unauthoritative), Ok(Outcome::NoRecords));
        let nxdomain = format!("{SERVER}** server can't find a.b.: NXDOMAIN\n\n");
        assert_eq!(of(&nxdomain), Ok(Outcome::NoSuchName));
    }

    #[test]
    fn an_error_of_the_server_is_a_failure() {
        let servfail = format!("{SERVER}** server can't find a.b.: SERVFAIL\n\n");
        assert_eq!(of(&servfail), dns_failure("the server said SERVFAIL"));
        let unreadable = format!("{SERVER}*** Can't find a.b.: Parse error\n\n");
        assert_eq!(of(&unreadable), dns_failure("unusable answer: Parse error"));
    }

    #[test]
    fn silence_is_a_failure_that_says_what_was_met_with() {
        let silence = ";; connection timed out; no servers could be reached\n\n";
        assert_eq!(of(silence), dns_failure("no server answered"));
        let refused = format!("nslookup: read: Connection refused\n{silence}");
        assert_eq!(of(&refused), dns_failure("no server answered: Connection refused"));
        let no_route = format!("nslookup: write to 'fd00::a': Network is unreachable\n{silence}");
        assert_eq!(of(&no_route), dns_failure("no server answered: Network is unreachable"));
        let late = Printed { ending: Ending::Late, ..printed("") };
        assert_eq!(outcome(&late), dns_failure("no answer in time"));
    }

    #[test]
    fn a_second_server_may_answer() {
        let text = format!(
            "nslookup: write to 'fd00::a': Network is unreachable\n{SERVER}Name:\ta.b\nAddress: 10.0.0.1\n\n"
        );
        let addresses = vec!["10.0.0.1".parse().unwrap()];
        assert_eq!(of(&text), Ok(Outcome::Records { addresses }));
    }

    #[test]
    fn trouble_of_its_own_is_no_outcome() {
        assert!(of("nslookup: bad address 'dns.example'\n").is_err());
        assert!(of("").is_err());
    }
}
