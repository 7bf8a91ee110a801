//! Reading a baseline: strictly, with the line of what is wrong.

use std::{fs, io};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::Spanned;

use super::{Baseline, Entry, glob};
use crate::{check::REGISTRY, suites};

/// Why a baseline can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It can't be read.
    #[error("cannot read the baseline {path}: {error}")]
    Read {
        /// The path.
        path: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// It isn't one.
    #[error(
        "invalid baseline {origin}: {reason}; it is a list `known` of entries with case, reason, owner and until"
    )]
    Invalid {
        /// The file.
        origin: String,
        /// What is wrong, with its place.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    known: Vec<Spanned<Known>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(deserialize_with = "case")]
    case: String,
    #[serde(deserialize_with = "words")]
    reason: String,
    #[serde(deserialize_with = "words")]
    owner: String,
    #[serde(deserialize_with = "date")]
    until: Date,
}

impl Baseline {
    /// Reads the baseline of a file.
    ///
    /// # Errors
    /// Where it can't be read or isn't valid.
    pub fn load(path: &str, as_of: Date) -> Result<Self, BaselineError> {
        let text = fs::read_to_string(path)
            .map_err(|error| BaselineError::Read { path: path.to_owned(), error })?;
        Self::parse(path, &text, as_of)
    }

    /// Reads a baseline. `origin` names the text in messages.
    ///
    /// # Errors
    /// Where the text isn't a valid baseline.
    pub fn parse(origin: &str, text: &str, as_of: Date) -> Result<Self, BaselineError> {
        let invalid = |reason: String| BaselineError::Invalid { origin: origin.to_owned(), reason };
        let File { known } = serde_saphyr::from_str(text)
            .map_err(|error: serde_saphyr::Error| invalid(error.without_snippet().to_string()))?;
        let mut entries: Vec<Entry> = Vec::new();
        for Spanned { value, referenced, .. } in known {
            let Known { case, reason, owner, until } = value;
            let line = referenced.line();
            if let Some(first) = entries.iter().find(|entry| entry.case == case) {
                let first = first.line;
                return Err(invalid(format!(
                    "line {line}: `{case}` is listed already in line {first}"
                )));
            }
            entries.push(Entry { case, reason, owner, until, line });
        }
        Ok(Self { origin: origin.to_owned(), as_of, entries })
    }
}

/// A case's name or a pattern of names, whose check is known.
fn case<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = words(input)?;
    let (check, rest) = text.split_once('/').unwrap_or((&text, ""));
    if check.contains('*') {
        if !REGISTRY.iter().any(|known| glob::matches(check, known.id())) {
            return Err(de::Error::custom(format!("no check is called `{check}`")));
        }
    } else {
        suites::known(check).map_err(de::Error::custom)?;
        let is_area = !check.contains("::");
        if is_area && !rest.is_empty() {
            return Err(de::Error::custom(format!(
                "`{check}` is an area and has no case `{rest}`; name a check, or `{check}::*/{rest}`"
            )));
        }
    }
    Ok(text)
}

/// Text that says something, on one line.
fn words<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(de::Error::custom("it is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(de::Error::custom("it has line breaks or other control characters"));
    }
    Ok(text.to_owned())
}

/// A day, as 2027-01-31.
fn date<'de, D: Deserializer<'de>>(input: D) -> Result<Date, D::Error> {
    let text = String::deserialize(input)?;
    day(&text).map_err(de::Error::custom)
}

/// Reads a day, as 2027-01-31.
///
/// # Errors
/// Where it is none.
pub(crate) fn day(text: &str) -> Result<Date, String> {
    let written = text.len() == "2027-01-31".len();
    let date = written.then(|| Date::strptime("%Y-%m-%d", text).ok()).flatten();
    date.ok_or_else(|| format!("`{text}` is not a date; expected YYYY-MM-DD, such as 2027-01-31"))
}
