//! Finding addresses in text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address in a text, and how it is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An address alone.
    Address(IpAddr),
    /// A range: an address and the length of the prefix behind a slash.
    Range(IpAddr, u8),
    /// An IPv4 address with hyphens for its dots, as names of hosts have it.
    Hyphened(Ipv4Addr),
    /// A name for reverse lookups.
    Reverse(IpAddr),
    /// A link address.
    Link(String),
}

/// The text with every address replaced by what is given for it.
pub(super) fn replace(text: &str, mut with: impl FnMut(&Token) -> String) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut place = 0;
    while let Some(rest) = text.get(place..).filter(|rest| !rest.is_empty()) {
        let before = text.get(..place).and_then(|before| before.chars().next_back());
        if let Some((token, length)) = token(before, rest) {
            replaced.push_str(&with(&token));
            place += length;
        } else if let Some(next) = rest.chars().next() {
            replaced.push(next);
            place += next.len_utf8();
        }
    }
    replaced
}

/// Every address in a text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    replace(text, |token| {
        found.push(token.clone());
        String::new()
    });
    found
}

/// The address at the beginning of a text, and how many bytes it takes.
fn token(before: Option<char>, text: &str) -> Option<(Token, usize)> {
    let first = text.as_bytes().first()?;
    if !first.is_ascii_hexdigit() && *first != b':' || before.is_some_and(is_word) {
        return None;
    }
    reverse(text).or_else(|| plain(text)).or_else(|| hyphened(text))
}

const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The longest beginning of a text of such characters.
fn run(text: &str, takes: impl Fn(u8) -> bool) -> &str {
    let length = text.bytes().take_while(|byte| takes(*byte)).count();
    text.get(..length).unwrap_or_default()
}

/// Whether a word ends there.
fn ends(text: &str, place: usize) -> bool {
    !text.get(place..).and_then(|rest| rest.chars().next()).is_some_and(is_word)
}

/// An IPv4, IPv6 or link address, with the length of a prefix or without.
fn plain(text: &str) -> Option<(Token, usize)> {
    let run = run(text, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    // What comes last may be punctuation, or the number of a port.
    let cuts = run.char_indices().rev().filter(|(_, it)| matches!(it, ':' | '.'));
    let lengths = [run.len()].into_iter().chain(cuts.map(|(place, _)| place));
    lengths.filter(|&length| ends(text, length)).find_map(|length| {
        let word = run.get(..length)?;
        if is_link_address(word) {
            return Some((Token::Link(word.to_owned()), length));
        }
        let address = address(word)?;
        let prefix = text.get(length..)?.strip_prefix('/').map(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (digits, rest.get(..digits).and_then(|digits| digits.parse::<u8>().ok()))
        });
        let most = if address.is_ipv4() { 32 } else { 128 };
        match prefix {
            Some((digits, Some(prefix))) if prefix <= most && ends(text, length + 1 + digits) => {
                Some((Token::Range(address, prefix), length + 1 + digits))
            }
            _ => Some((Token::Address(address), length)),
        }
    })
}

fn address(word: &str) -> Option<IpAddr> {
    match word.contains(':') {
        // `::` alone says nothing, and stands in the names of checks.
        true => word.parse::<Ipv6Addr>().ok().filter(|it| !it.is_unspecified()).map(IpAddr::V6),
        false => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn is_link_address(word: &str) -> bool {
    let parts: Vec<&str> = word.split(':').collect();
    let pair = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.len() == 6 && parts.iter().all(pair)
}

/// `10-244-1-5`.
fn hyphened(text: &str) -> Option<(Token, usize)> {
    let run = run(text, |byte| byte.is_ascii_digit() || byte == b'-');
    let parts: Vec<&str> = run.splitn(5, '-').collect();
    let four = parts.get(..4)?;
    let length = four.iter().map(|part| part.len()).sum::<usize>() + 3;
    let address = four.join(".").parse().ok()?;
    ends(text, length).then_some((Token::Hyphened(address), length))
}

/// `5.1.244.10.in-addr.arpa`, or the 32 digits of an address in `ip6.arpa`.
fn reverse(text: &str) -> Option<(Token, usize)> {
    let run = run(text, |byte| byte.is_ascii_hexdigit() || byte == b'.');
    let rest = text.get(run.len()..)?;
    let mut parts: Vec<&str> = run.trim_end_matches('.').split('.').rev().collect();
    for (zone, count) in [("in-addr.arpa", 4), ("ip6.arpa", 32)] {
        if rest.starts_with(zone) && parts.len() == count {
            let address = match count {
                4 => parts.join(".").parse().ok().map(IpAddr::V4)?,
                _ => {
                    let bits = u128::from_str_radix(&std::mem::take(&mut parts).concat(), 16);
                    IpAddr::V6(bits.ok()?.into())
                }
            };
            return Some((Token::Reverse(address), run.len() + zone.len()));
        }
    }
    None
}

/// The name for reverse lookups of an address.
pub(super) fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let digits = format!("{:032x}", u128::from(v6));
            let digits: Vec<String> = digits.chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_found_however_they_stand_in_a_text() {
        let found = |text: &str| tokens(text);
        let one = |text: &str, address: &str| {
            assert_eq!(found(text), [Token::Address(ip(address))], "{text}");
        };
        one("https://172.31.4.11:6443/", "172.31.4.11");
        one("[fd00:31:4::11]:30080", "fd00:31:4::11");
        one("from fd00:31:4::11.", "fd00:31:4::11");
        one("fd00:31:4::11: no route", "fd00:31:4::11");
        one("via:fd00::1", "fd00::1");
        one("pod=x client=10.1.2.3,", "10.1.2.3");
        one("FD00:31:4::AB", "fd00:31:4::ab");
        one("10.0.0.1:80", "10.0.0.1");
        assert_eq!(found("10.244.0.0/16"), [Token::Range(ip("10.244.0.0"), 16)]);
        assert_eq!(found("fd00::/8,"), [Token::Range(ip("fd00::"), 8)]);
        assert_eq!(found("ip-10-0-1-23.ec2"), [Token::Hyphened("10.0.1.23".parse().unwrap())]);
        assert_eq!(found("lladdr 02:42:AC:1f:04:0c x"), [Token::Link("02:42:AC:1f:04:0c".into())]);
        for address in ["10.1.2.3", "fd00:31:4::11"] {
            let name = reverse_name(ip(address));
            assert_eq!(found(&format!("PTR {name}.")), [Token::Reverse(ip(address))]);
        }
    }

    #[test]
    fn what_only_looks_like_an_address_is_none() {
        for text in [
            "node::internal_ips",
            "pod::reachable",
            "v1.36.3",
            "2026-11-26T10:17:02.5Z",
            "1.2.3",
            "8080/TCP",
            "dualstack-9msm2",
            "x10.1.2.3",
            "10.1.2.3x",
            "10.1.2.300",
            "::",
        ] {
            assert_eq!(tokens(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_in_place_of_itself_changes_nothing(text in "[0-9a-f:./ x-]{0,40}|\\PC{0,40}") {
            let same = replace(&text, |token| match token {
                Token::Address(address) => address.to_string(),
                Token::Range(address, length) => format!("{address}/{length}"),
                Token::Hyphened(address) => address.to_string().replace('.', "-"),
                Token::Reverse(address) => reverse_name(*address),
                Token::Link(address) => address.clone(),
            });
            prop_assert_eq!(tokens(&same), tokens(&text));
        }
    }
}
