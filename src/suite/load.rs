//! From a suite's name or path to a [`Suite`], with errors that name the place.

use std::{fmt, fs, io};

use serde::{Deserialize, Deserializer, de};

use super::{Suite, model::covers};
use crate::{
    check::{Check, REGISTRY},
    net::IpFamily,
};

/// The embedded suites: name and text.
pub const EMBEDDED: [(&str, &str); 5] = [
    ("dual-stack", include_str!("../../suites/dual-stack.yaml")),
    ("dual-stack-ipv6-primary", include_str!("../../suites/dual-stack-ipv6-primary.yaml")),
    ("single-stack-ipv4", include_str!("../../suites/single-stack-ipv4.yaml")),
    ("single-stack-ipv6", include_str!("../../suites/single-stack-ipv6.yaml")),
    ("smoke", include_str!("../../suites/smoke.yaml")),
];

/// Why there is no suite, or no such selection of its checks.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// Neither an embedded suite nor a file.
    #[error(
        "there is no suite `{name}`: it is neither a file nor an embedded suite ({})",
        embedded_names()
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A file that can't be read.
    #[error("can't read the suite file {path}: {error}")]
    Read {
        /// The path.
        path: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// A file that holds no suite.
    #[error("{origin} is no valid suite: {reason}")]
    Invalid {
        /// The file, or the embedded suite.
        origin: String,
        /// What is wrong, with line and column where it has a place.
        reason: String,
    },
    /// A selection that means no check.
    #[error("{0}")]
    UnknownCheck(UnknownCheck),
    /// A selection of a check that the suite doesn't hold.
    #[error("the suite {suite} doesn't hold {name}; it holds {holds}")]
    NotInSuite {
        /// The suite.
        suite: String,
        /// What was asked for.
        name: String,
        /// Its checks.
        holds: String,
    },
}

/// A name that is neither a check's id nor an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCheck(pub String);

impl fmt::Display for UnknownCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no check `{}`", self.0)?;
        if let Some(meant) = nearest(&self.0) {
            write!(f, ", did you mean `{meant}`?")?;
        }
        write!(f, " (checks: {}; areas: {})", ids().join(", "), areas().join(", "))
    }
}

impl Suite {
    /// The suite of a name, or of a path to a file.
    ///
    /// # Errors
    /// Where there is none, it can't be read, or it isn't valid.
    pub fn load(name_or_path: &str) -> Result<Self, SuiteError> {
        if let Some((name, text)) = EMBEDDED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(&format!("the embedded suite {name}"), text);
        }
        match fs::read_to_string(name_or_path) {
            Ok(text) => Self::parse(name_or_path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(SuiteError::Unknown { name: name_or_path.to_owned() })
            }
            Err(error) => Err(SuiteError::Read { path: name_or_path.to_owned(), error }),
        }
    }

    /// The suite that a text holds. `origin` names the text in errors.
    ///
    /// # Errors
    /// Where the text holds no valid suite.
    pub fn parse(origin: &str, text: &str) -> Result<Self, SuiteError> {
        let invalid = |reason: String| SuiteError::Invalid { origin: origin.to_owned(), reason };
        let suite: Self = serde_saphyr::from_str(text)
            .map_err(|error| invalid(error.without_snippet().to_string()))?;
        if let Some(primary) = suite.primary
            && !suite.families.contains(&primary)
        {
            return Err(invalid(format!("primary is {primary}, which is not among its families")));
        }
        if let Some(flaw) = suite.probes.flaw() {
            return Err(invalid(flaw));
        }
        Ok(suite)
    }

    /// The suite's checks that the operator chose, in the registry's order: all of them, or those
    /// of `only`, less those of `skip`. Both hold ids and areas.
    ///
    /// # Errors
    /// Where a name is no check at all, or one of `only` isn't in this suite.
    pub fn select(
        &self,
        only: &[String],
        skip: &[String],
    ) -> Result<Vec<&'static dyn Check>, SuiteError> {
        let checks = self.checks();
        for name in only.iter().chain(skip) {
            known(name).map_err(SuiteError::UnknownCheck)?;
        }
        let absent = only.iter().find(|name| !checks.iter().any(|check| covers(name, check.id())));
        if let Some(name) = absent {
            let holds: Vec<_> = checks.iter().map(|check| check.id()).collect();
            return Err(SuiteError::NotInSuite {
                suite: self.name.clone(),
                name: name.clone(),
                holds: holds.join(", "),
            });
        }
        let hit = |names: &[String], id: &str| names.iter().any(|name| covers(name, id));
        Ok(checks
            .into_iter()
            .filter(|check| only.is_empty() || hit(only, check.id()))
            .filter(|check| !hit(skip, check.id()))
            .collect())
    }

    /// The suite with these checks and no others. A run records what it was asked to do, and a
    /// case that is blocked by a check that is not run says so.
    #[must_use]
    pub fn narrowed(mut self, checks: &[&'static dyn Check]) -> Self {
        self.checks = checks.iter().map(|check| check.id().to_owned()).collect();
        self
    }
}

/// The areas, in the registry's order.
pub(super) fn areas() -> Vec<&'static str> {
    let mut areas: Vec<_> =
        REGISTRY.iter().filter_map(|check| Some(check.id().split_once("::")?.0)).collect();
    areas.dedup();
    areas
}

fn ids() -> Vec<&'static str> {
    REGISTRY.iter().map(|check| check.id()).collect()
}

fn embedded_names() -> String {
    EMBEDDED.map(|(name, _)| name).join(", ")
}

fn known(name: &str) -> Result<(), UnknownCheck> {
    if REGISTRY.iter().any(|check| covers(name, check.id())) {
        Ok(())
    } else {
        Err(UnknownCheck(name.to_owned()))
    }
}

/// The id or area that was probably meant.
fn nearest(name: &str) -> Option<&'static str> {
    ids()
        .into_iter()
        .chain(areas())
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

/// Reads the list of families: one or both, each once.
pub(super) fn families<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IpFamily>, D::Error> {
    let families = Vec::<IpFamily>::deserialize(input)?;
    match families.as_slice() {
        [] => Err(de::Error::custom("families is empty, and must name IPv4, IPv6 or both")),
        [_] => Ok(families),
        [a, b] if a != b => Ok(families),
        _ => Err(de::Error::custom("families names a family more than once")),
    }
}

/// Reads the list of checks: at least one, each known.
pub(super) fn checks<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    /// Read one by one, so that an error has the place of its entry.
    struct Known(String);

    impl<'de> Deserialize<'de> for Known {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            let name = String::deserialize(input)?;
            known(&name).map_err(de::Error::custom)?;
            Ok(Self(name))
        }
    }

    let checks = Vec::<Known>::deserialize(input)?;
    if checks.is_empty() {
        return Err(de::Error::custom("checks is empty, and must name at least one check or area"));
    }
    Ok(checks.into_iter().map(|Known(name)| name).collect())
}
