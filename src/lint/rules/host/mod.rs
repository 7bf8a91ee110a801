//! Kernel settings that a document makes.

mod forwarding;
mod ipv6;

pub(super) use forwarding::{BRIDGE, FORWARDING, FORWARDING_ONE_FAMILY};
pub(super) use ipv6::{ACCEPT_RA, DISABLED};

use crate::lint::{
    model::{Model, Sysctl},
    source::Spanned,
};

/// The last setting of a name; that is the one which counts.
fn last<'a>(model: &'a Model, name: &str) -> Option<&'a Spanned<Sysctl>> {
    model.sysctls.iter().rev().find(|sysctl| sysctl.value.name == name)
}
