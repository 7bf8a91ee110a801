//! Whether DNS tells the families that Services have, and whether it is heard in each.

pub(super) mod domain;
mod forwarded;
mod heard;
mod records;
mod reverse;
mod servers;

pub use forwarded::notices as forward_notices;
pub(crate) use heard::deaf_over;
pub(crate) use reverse::fix as reverse_zone_fix;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] =
    &[&servers::Servers, &records::Records, &reverse::Reverse];
