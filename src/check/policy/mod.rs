//! Whether NetworkPolicies mean the same in both families.

mod both_families;

pub(crate) use both_families::NOT_ENFORCED;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[&both_families::BothFamilies];
