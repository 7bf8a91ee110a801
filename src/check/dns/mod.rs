//! Whether DNS tells the families that Services have, and whether it is heard in each.

pub(super) mod domain;
mod heard;
mod records;
mod reverse;
mod servers;

pub(crate) use heard::deaf_over;
pub(super) use records::Records;
pub(super) use reverse::Reverse;
pub(crate) use reverse::fix as reverse_zone_fix;
pub(super) use servers::Servers;
