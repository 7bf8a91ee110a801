//! The suites there are: built-in ones and files, read with every name checked against the
//! registry, and the operator's choice among a suite's checks.

mod embedded;
mod error;
mod load;
mod names;
mod schema;
mod select;
#[cfg(test)]
mod tests;

pub use embedded::EMBEDDED;
pub use error::SuiteError;
pub use names::UnknownCheck;
pub(crate) use names::known;
pub use schema::schema;
