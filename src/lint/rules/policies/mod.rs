//! Network policies that speak of one family only.

mod blocks;
mod closed;

pub(super) use blocks::{ANY_OF_ONE_FAMILY, EXCEPT};
pub(super) use closed::{DENIED_OF_ONE_FAMILY, EXCEPT_OF_ONE_FAMILY};
