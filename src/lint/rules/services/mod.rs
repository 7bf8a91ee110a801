//! Services' families and addresses.

mod addresses;
mod cluster;
mod external;
mod fields;

pub(super) use addresses::{OUTSIDE, SINGULAR, WRONG_FAMILY};
pub(super) use cluster::{ABSENT_FAMILY, PREFER, REQUIRE};
pub(super) use external::ADDRESS_FAMILY as EXTERNAL_ADDRESS_FAMILY;
pub(super) use fields::{EXTERNAL_NAME, FAMILIES, LEGACY, POLICY, TOO_NEW};
