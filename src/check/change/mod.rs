//! How fast the network follows what changes.

mod endpoints;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[&endpoints::Endpoints];
