//! From a suite's name or path to a [`Suite`], with errors that name the place.

use std::{fs, io};

use serde::{Deserialize, Deserializer, de};

use super::{embedded::EMBEDDED, error::SuiteError, names};
use crate::suite::Suite;

impl Suite {
    /// The suite of a name, or of a path to a file.
    ///
    /// # Errors
    /// Where there is none, it can't be read, or it isn't valid.
    pub fn load(name_or_path: &str) -> Result<Self, SuiteError> {
        if let Some((name, text)) = EMBEDDED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(&format!("built-in suite {name}"), text);
        }
        match fs::read_to_string(name_or_path) {
            Ok(text) => Self::parse(name_or_path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(SuiteError::Unknown { name: name_or_path.to_owned() })
            }
            Err(error) => Err(SuiteError::Read { path: name_or_path.to_owned(), error }),
        }
    }

    /// Reads a suite. `origin` names the text in errors.
    ///
    /// # Errors
    /// Where the text isn't a valid suite.
    pub fn parse(origin: &str, text: &str) -> Result<Self, SuiteError> {
        let invalid = |reason: String| SuiteError::Invalid { origin: origin.to_owned(), reason };
        let malformed = |error: serde_saphyr::Error| invalid(error.without_snippet().to_string());
        let suite: Self = serde_saphyr::from_str(text).map_err(malformed)?;
        // Read a second time, for an error has a place only while the text is being read.
        let Checks { .. } = serde_saphyr::from_str(text).map_err(malformed)?;
        if let Some(primary) = suite.primary
            && !suite.families.contains(&primary)
        {
            return Err(invalid(format!("primary is {primary}, which is not one of the families")));
        }
        if let (Some(gap), [only]) = (suite.max_family_gap, suite.families.as_slice()) {
            return Err(invalid(format!(
                "max_family_gap is {gap}, which compares two families, and {only} is the only one"
            )));
        }
        if let Some(reason) = suite.wrong_groups() {
            return Err(invalid(reason));
        }
        if let Some(reason) = suite.probes.out_of_range() {
            return Err(invalid(reason));
        }
        Ok(suite)
    }
}

/// The checks of a suite file: at least one, each known.
#[derive(Deserialize)]
struct Checks {
    #[serde(rename = "checks", deserialize_with = "known_checks")]
    _checks: (),
}

fn known_checks<'de, D: Deserializer<'de>>(input: D) -> Result<(), D::Error> {
    /// Read one by one, so that an error has the place of its entry.
    struct Known;

    impl<'de> Deserialize<'de> for Known {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            names::known(&String::deserialize(input)?).map_err(de::Error::custom)?;
            Ok(Self)
        }
    }

    if Vec::<Known>::deserialize(input)?.is_empty() {
        return Err(de::Error::custom("checks is empty, expected at least one check or area"));
    }
    Ok(())
}
