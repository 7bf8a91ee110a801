//! Network policies that speak of one family only.

mod blocks;

pub(super) use blocks::{ANY_OF_ONE_FAMILY, EXCEPT};
