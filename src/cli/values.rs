//! Values of options as people write them.

use std::{net::Ipv6Addr, time::Duration};

use jiff::{SignedDuration, civil::Date};

/// A duration other than zero: `90s`, `2m`, `1m30s`, `500ms`.
///
/// # Errors
/// Where the text is not a duration, or not positive.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = any_duration(text)?;
    if duration.is_zero() { Err("must not be zero".to_owned()) } else { Ok(duration) }
}

/// A duration in whole milliseconds, as suites state it; `0s` is one.
///
/// # Errors
/// Where the text is not a duration, negative, or longer than a suite can state.
pub(super) fn millis(text: &str) -> Result<u32, String> {
    u32::try_from(any_duration(text)?.as_millis()).map_err(|_| "too long".to_owned())
}

fn any_duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "expected a number with a unit, such as 500ms, 90s or 2m".to_owned())?;
    Duration::try_from(duration).map_err(|_| "must not be negative".to_owned())
}

/// A label and its value: `topology.kubernetes.io/zone=a`.
///
/// # Errors
/// Where there is no `=`, or no label before it.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected LABEL=VALUE".to_owned()),
    }
}

/// An image as pods name it: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`.
///
/// # Errors
/// Where a container runtime would refuse it.
pub(super) fn image(text: &str) -> Result<String, String> {
    if let Some((scheme, rest)) = text.split_once("://") {
        return Err(format!("an image name has no scheme: write {rest}, without {scheme}://"));
    }
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err("invalid digest, expected sha256: and 64 hexadecimal digits".to_owned());
    }
    // A colon before the last slash is that of the registry's port.
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match name.get(last..).and_then(|last| last.split_once(':')) {
        Some((end, tag)) => (name.get(..last + end.len()).unwrap_or_default(), Some(tag)),
        None => (name, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("invalid tag, expected up to 128 letters, digits, `_`, `.` and `-`".to_owned());
    }
    let mut parts = path.split('/').peekable();
    let first = parts.peek().copied().unwrap_or_default();
    let with_host = path.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    if with_host && parts.next().is_some_and(|host| !is_host(host)) {
        return Err(format!("invalid registry `{first}`, expected HOST or HOST:PORT"));
    }
    match parts.find(|part| !is_path_part(part)) {
        Some("") => Err("an image name has no empty part".to_owned()),
        Some(part) => Err(format!(
            "invalid part `{part}`, expected lower-case letters and digits, with `.`, `_` or `-` between them"
        )),
        None => Ok(text.to_owned()),
    }
}

/// A registry to take images from: `HOST[:PORT][/PATH]`.
///
/// # Errors
/// Where no image can be named so.
pub(super) fn registry(text: &str) -> Result<String, String> {
    image(&format!("{text}/image"))
        .map(|_| text.to_owned())
        .map_err(|reason| reason.replace("/image,", ","))
}

/// A day: `2027-01-31`.
///
/// # Errors
/// Where it is none.
pub(super) fn date(text: &str) -> Result<Date, String> {
    crate::baseline::day(text)
}

fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hash| {
        hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let name_ok = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }),
    };
    name_ok && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

fn is_path_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [part.bytes().next(), part.bytes().next_back()];
    ends.iter().all(|end| end.is_some_and(plain))
        && part.bytes().all(|byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_with_its_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "90", "s", "-3s", "0s", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn milliseconds_fit_what_a_suite_can_state() {
        assert_eq!(millis("2s"), Ok(2_000));
        assert_eq!(millis("0s"), Ok(0));
        assert!(millis("9999h").is_err());
    }

    #[test]
    fn a_label_may_be_empty_but_not_nameless() {
        assert_eq!(label("role="), Ok(("role".to_owned(), String::new())));
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(label("=x").is_err() && label("x").is_err());
    }

    #[test]
    fn images_are_those_that_a_container_runtime_takes() {
        let digest = format!("nginx@sha256:{}", "0".repeat(64));
        for text in [
            "nginx",
            "docker.io/library/nginx:1.29",
            "localhost:5000/nginx",
            "[fd00::1]:5000/a/b:v1_2",
            "mirror/team__x/nginx-1",
            &digest,
        ] {
            assert_eq!(image(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "http://registry/nginx",
            "Nginx",
            "nginx:",
            "nginx:a b",
            "a//b",
            "a/-b",
            "registry.example:0/nginx",
            "registry.example:port/nginx",
            "-registry.example/nginx",
            "nginx@sha256:00",
            "nginx@latest",
        ] {
            assert!(image(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_registry_may_have_a_port_and_a_path_but_no_scheme_or_tag() {
        for text in ["registry.example", "registry.example:5000/mirror", "[fd00::1]:5000"] {
            assert_eq!(registry(text).as_deref(), Ok(text));
        }
        for text in ["", "https://registry.example", "registry.example/", "registry.example/a:b"] {
            assert!(registry(text).is_err(), "{text}");
        }
        let reason = registry("http://registry.example:5000").unwrap_err();
        assert_eq!(
            reason,
            "an image name has no scheme: write registry.example:5000, without http://"
        );
    }
}
