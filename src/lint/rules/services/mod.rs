//! Services' families and addresses.

mod addresses;
mod cluster;
mod endpoints;
mod external;
mod fields;

pub(super) use addresses::{OUTSIDE, SINGULAR, WRONG_FAMILY};
pub(super) use cluster::{ABSENT_FAMILY, PREFER, REQUIRE};
pub(super) use endpoints::SLICE_FAMILY;
pub(super) use external::ADDRESS_FAMILY as EXTERNAL_ADDRESS_FAMILY;
pub(super) use fields::{EXTERNAL_NAME, FAMILIES, LEGACY, POLICY, TOO_NEW};
