//! Whether DNS tells the families that Services have.

mod records;

pub(super) use records::Records;
