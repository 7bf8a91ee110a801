//! The names of checks and areas.

use std::fmt;

use crate::{check::REGISTRY, suite::covers};

/// A name that is neither a check's id nor an area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCheck(pub String);

impl fmt::Display for UnknownCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown check `{}`", self.0)?;
        if let Some(meant) = nearest(&self.0) {
            write!(f, ", did you mean `{meant}`?")?;
        }
        write!(f, " (checks: {}; areas: {})", ids().join(", "), areas().join(", "))
    }
}

impl std::error::Error for UnknownCheck {}

/// The areas, in the registry's order.
pub(super) fn areas() -> Vec<&'static str> {
    let mut areas: Vec<_> =
        REGISTRY.iter().filter_map(|check| Some(check.id().split_once("::")?.0)).collect();
    areas.dedup();
    areas
}

fn ids() -> Vec<&'static str> {
    REGISTRY.iter().map(|check| check.id()).collect()
}

/// Whether a name is a check's id or an area.
///
/// # Errors
/// Where it is neither.
pub(crate) fn known(name: &str) -> Result<(), UnknownCheck> {
    if REGISTRY.iter().any(|check| covers(name, check.id())) {
        Ok(())
    } else {
        Err(UnknownCheck(name.to_owned()))
    }
}

/// The id or area that was probably meant.
fn nearest(name: &str) -> Option<&'static str> {
    ids()
        .into_iter()
        .chain(areas())
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
