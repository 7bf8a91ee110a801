//! Whether DNS tells the families that Services have, and whether it is heard in each.

mod asked;
mod asker;
pub(super) mod domain;
mod forwarded;
mod headless;
mod heard;
mod late;
mod questions;
mod records;
mod reverse;
mod servers;
mod short_names;

pub use forwarded::notices as forward_notices;
pub(crate) use headless::fix as headless_fix;
pub(crate) use heard::{UNANSWERED, deaf_over};
pub(crate) use reverse::fix as reverse_zone_fix;
pub(crate) use short_names::fix as short_names_fix;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[
    &servers::Servers,
    &records::Records,
    &headless::Headless,
    &short_names::ShortNames,
    &reverse::Reverse,
];
