//! Whether pods get out of the cluster.

mod gateways;
mod notices;
mod seen;
mod to_runner;

pub use notices::notices as egress_notices;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[&to_runner::ToRunner];
