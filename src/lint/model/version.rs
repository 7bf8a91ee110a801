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

#[cfg(test)]
mod tests {
    use super::*;

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
