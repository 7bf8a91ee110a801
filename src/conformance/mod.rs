//! Conformance reports: what a network's maker publishes of a run, and what anybody can hold against
//! the run's record.
//!
//! The form is that of Gateway API's reports: profiles with a core, which all must pass, and extended
//! features, each supported or not. Everything but the implementation's own words follows from the
//! record.

mod assess;
mod limits;
mod model;
mod profiles;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use assess::assess;
pub(crate) use model::{API_VERSION, Grade, Implementation, KIND, Report};
pub(crate) use verify::verify;

use ring::digest::{SHA256, digest as hash};

/// The SHA-256 of a record's file, in hexadecimal, as `sha256sum` prints it.
pub(crate) fn digest(file: &[u8]) -> String {
    hash(&SHA256, file).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The JSON Schema of a report.
#[cfg(test)]
fn schema() -> schemars::Schema {
    schemars::schema_for!(Report)
}
