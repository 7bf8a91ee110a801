//! Kubernetes versions: the minor a cluster is asked for, and the release that it is built from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A minor of Kubernetes 1, such as `1.36`: what a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KubernetesMinor(u16);

impl KubernetesMinor {
    /// The minor `1.<minor>`.
    pub const fn new(minor: u16) -> Self {
        Self(minor)
    }

    /// The number after the point.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for KubernetesMinor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl From<KubernetesMinor> for String {
    fn from(minor: KubernetesMinor) -> Self {
        minor.to_string()
    }
}

impl TryFrom<String> for KubernetesMinor {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, InvalidVersion> {
        text.parse()
    }
}

impl FromStr for KubernetesMinor {
    type Err = InvalidVersion;

    /// Reads `1.36` and, for convenience, `v1.36`.
    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let invalid = || InvalidVersion { text: text.to_owned(), form: "1.36" };
        let minor =
            text.strip_prefix('v').unwrap_or(text).strip_prefix("1.").ok_or_else(invalid)?;
        number(minor).map(Self).ok_or_else(invalid)
    }
}

/// A release of Kubernetes, such as `v1.36.3`: what a cluster is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Version {
    minor: KubernetesMinor,
    patch: u16,
}

impl Version {
    /// The release `v1.<minor>.<patch>`.
    pub const fn new(minor: KubernetesMinor, patch: u16) -> Self {
        Self { minor, patch }
    }

    /// The minor that this is a release of.
    pub const fn minor(self) -> KubernetesMinor {
        self.minor
    }
}

impl fmt::Display for Version {
    /// Writes it as Kubernetes does, with a `v`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}", self.minor, self.patch)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, InvalidVersion> {
        text.parse()
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    /// Reads `v1.36.3` and `1.36.3`; pre-releases are not versions the testbed is built from.
    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let invalid = || InvalidVersion { text: text.to_owned(), form: "v1.36.3" };
        let (minor, patch) = text.rsplit_once('.').ok_or_else(invalid)?;
        let minor = minor.parse().map_err(|_| invalid())?;
        Ok(Self { minor, patch: number(patch).ok_or_else(invalid)? })
    }
}

/// A number as Kubernetes writes it: digits alone, so that `+3` is refused.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A text that is no version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version of Kubernetes; expected {form}")]
pub struct InvalidVersion {
    text: String,
    form: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_is_read_with_and_without_its_v() {
        assert_eq!("1.36".parse(), Ok(KubernetesMinor::new(36)));
        assert_eq!("v1.36".parse(), Ok(KubernetesMinor::new(36)));
    }

    #[test]
    fn what_is_no_minor_is_refused() {
        for text in ["", "1", "1.", "36", "2.36", "1.36.3", "1.x", "1.+36", "1.-1", "1.99999"] {
            assert!(text.parse::<KubernetesMinor>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_version_is_written_as_kubernetes_writes_it() {
        let version = "1.36.3".parse::<Version>().unwrap();
        assert_eq!(version, Version::new(KubernetesMinor::new(36), 3));
        assert_eq!(version.to_string(), "v1.36.3");
        assert_eq!(version.minor().to_string(), "1.36");
    }

    #[test]
    fn a_prerelease_is_no_version() {
        for text in ["v1.36", "v1.36.0-rc.1", "v1.36.", "v1..3", "v2.1.0"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn minors_are_ordered_by_number_and_not_by_text() {
        assert!(KubernetesMinor::new(9) < KubernetesMinor::new(36));
    }
}
