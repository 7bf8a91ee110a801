//! Whether DNS tells the families that Services have, and whether it is heard in each.

mod domain;
mod heard;
mod records;
mod servers;

pub(crate) use heard::deaf_over;
pub(super) use records::Records;
pub(super) use servers::Servers;
