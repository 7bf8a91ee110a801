//! Whether pods get out of the cluster.

mod notices;
mod seen;
mod to_runner;

pub use notices::notices as egress_notices;
pub(super) use to_runner::ToRunner;
