//! Kubernetes' versions, as far as rules depend on them.

use std::{fmt, str::FromStr};

/// A minor version of Kubernetes, such as 1.36.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl Version {
    /// Version 1 and the given minor.
    pub const fn v1(minor: u32) -> Self {
        Self { major: 1, minor }
    }
}

impl FromStr for Version {
    type Err = String;

    /// Reads `1.36`, `v1.36.2`, `v1.36.2-beta.0`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("\"{text}\" is not a version such as 1.36 or v1.36.2");
        let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let major = next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
        let minor = next().ok_or_else(bad)?;
        let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
        let minor = minor[..digits].parse().map_err(|_| bad())?;
        Ok(Self { major, minor })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The versions of Kubernetes that something holds for, first and last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Versions {
    /// The first; nothing where it holds for every version before the last.
    pub since: Option<Version>,
    /// The last; nothing where it still holds.
    pub until: Option<Version>,
}

impl Versions {
    /// Every version.
    pub const ALL: Self = Self { since: None, until: None };

    /// From this minor of 1 on.
    pub const fn since(minor: u32) -> Self {
        Self { since: Some(Version::v1(minor)), until: None }
    }

    /// Up to this minor of 1.
    pub const fn until(minor: u32) -> Self {
        Self { since: None, until: Some(Version::v1(minor)) }
    }

    /// Whether a version is one of them.
    pub fn contains(&self, version: Version) -> bool {
        self.since.is_none_or(|since| since <= version)
            && self.until.is_none_or(|until| version <= until)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.since, self.until) {
            (None, None) => write!(f, "all"),
            (Some(since), None) => write!(f, "{since} and later"),
            (None, Some(until)) => write!(f, "up to {until}"),
            (Some(since), Some(until)) => write!(f, "{since} to {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_version_belong_to_a_span() {
        let both = Versions { since: Some(Version::v1(20)), until: Some(Version::v1(22)) };
        let within: Vec<u32> = (18..25).filter(|v| both.contains(Version::v1(*v))).collect();
        assert_eq!(within, [20, 21, 22]);
        assert!(Versions::ALL.contains(Version::v1(1)));
        let texts = [Versions::ALL, Versions::since(20), Versions::until(22), both];
        let texts = texts.map(|versions| versions.to_string());
        assert_eq!(texts, ["all", "1.20 and later", "up to 1.22", "1.20 to 1.22"]);
    }

    #[test]
    fn versions_are_read_as_people_and_documents_write_them() {
        for text in ["1.36", "v1.36", "v1.36.2", "1.36.0-beta.1", "v1.36+k3s1"] {
            assert_eq!(text.parse::<Version>(), Ok(Version::v1(36)), "{text}");
        }
        for text in ["", "1", "v1.", "stable", "stable-1.36", "1.x"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
