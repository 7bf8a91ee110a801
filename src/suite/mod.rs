//! What is expected of the cluster: a suite file, read into a typed [`Suite`].

mod load;
mod model;
mod schema;
#[cfg(test)]
mod tests;

pub use load::{EMBEDDED, SuiteError, UnknownCheck};
pub use model::{OutsidePolicy, ProbeParameters, Suite};
pub use schema::schema;
