//! What commands print as JSON.

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// What a command printed as JSON.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| Error::Format { what: what.to_owned(), reason: e.to_string() })
}
