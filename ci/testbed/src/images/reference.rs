//! Image names, as manifests and archives write them.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use crate::error::{Error, Result};

/// A full image name with a tag: `docker.io/library/busybox:1.37`.
///
/// Its parts are safe to use in paths: no part is empty, begins with a dot or has other characters
/// than the distribution specification allows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: String,
}

impl Reference {
    /// A reference of these parts.
    ///
    /// # Errors
    /// When a part has a form that is not allowed.
    pub fn new(registry: &str, repository: &str, tag: &str) -> Result<Self> {
        Self::parts(registry, repository, tag)
            .map_err(|reason| invalid(&format!("{registry}/{repository}:{tag}"), reason))
    }

    fn parts(registry: &str, repository: &str, tag: &str) -> Result<Self, &'static str> {
        if !is_registry(registry) {
            return Err("its registry is not a host name");
        }
        if !is_repository(repository) {
            return Err("its repository may have only lower-case letters, digits, and single \
                        . _ - / between them");
        }
        if !is_tag(tag) {
            return Err("its tag may have only letters, digits, . _ - and at most 128 of them");
        }
        Ok(Self { registry: registry.into(), repository: repository.into(), tag: tag.into() })
    }

    /// The registry: `docker.io`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository: `library/busybox`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag: `1.37`.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.registry, self.repository, self.tag)
    }
}

impl FromStr for Reference {
    type Err = Error;

    /// Reads a name as container runtimes do: `busybox` is `docker.io/library/busybox:latest`.
    fn from_str(text: &str) -> Result<Self> {
        if text.contains('@') {
            return Err(invalid(text, "it has a digest; name it by a tag"));
        }
        let (registry, rest) = match text.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest)
            }
            _ => ("docker.io", text),
        };
        let (repository, tag) = rest.rsplit_once(':').unwrap_or((rest, "latest"));
        let library = registry == "docker.io" && !repository.contains('/');
        let repository =
            if library { format!("library/{repository}") } else { repository.to_owned() };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        Self::parts(registry, &repository, tag).map_err(|reason| invalid(text, reason))
    }
}

fn invalid(text: &str, reason: &str) -> Error {
    Error::Invalid(format!("`{text}` is not an image name: {reason}"))
}

/// A host name or an address, IPv6 ones in brackets, with or without a port.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, "0"),
    };
    let named = |host: &str| {
        host.starts_with(|first: char| first.is_ascii_alphanumeric())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    bracketed.map_or_else(|| named(host), |address| address.parse::<Ipv6Addr>().is_ok())
        && port.parse::<u16>().is_ok()
}

/// Path elements of lower-case letters and digits, with separators only between them.
fn is_repository(text: &str) -> bool {
    let alphanumeric = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= 255
        && text.split('/').all(|element| {
            let allowed = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
            };
            alphanumeric(element.bytes().next())
                && alphanumeric(element.bytes().last())
                && element.bytes().all(allowed)
                && !element.contains("..")
        })
}

/// What the distribution specification calls a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_filled_up_as_container_runtimes_do() {
        for (short, full) in [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.37", "docker.io/library/busybox:1.37"),
            ("some/thing", "docker.io/some/thing:latest"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
            ("registry.k8s.io/coredns/coredns:v1.14.2", "registry.k8s.io/coredns/coredns:v1.14.2"),
            ("localhost/mine:dev", "localhost/mine:dev"),
            ("127.0.0.1:5000/mine", "127.0.0.1:5000/mine:latest"),
            ("[::1]:5000/mine", "[::1]:5000/mine:latest"),
        ] {
            assert_eq!(short.parse::<Reference>().unwrap().to_string(), full);
        }
    }

    #[test]
    fn what_could_leave_a_directory_is_refused() {
        for text in [
            "",
            "..",
            "../x",
            "a/../../b",
            "docker.io//x",
            "x:",
            "x:..",
            "x:a/b",
            "Upper",
            "x/.hidden",
            "./x",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        assert!(Reference::new("..", "x", "y").is_err());
        assert!(Reference::new("", "x", "y").is_err());
        assert!(Reference::new("a/b", "x", "y").is_err());
    }

    #[test]
    fn a_digest_is_refused_with_the_reason() {
        let error = "busybox@sha256:00".parse::<Reference>().unwrap_err();
        assert!(error.to_string().contains("digest"), "{error}");
    }
}
