//! The domain under which Services have their names.

use crate::check::World;

/// The cluster domain, unless a cluster chose another.
pub(super) const DEFAULT: &str = "cluster.local";

/// The cluster domain, where it could be read.
pub(super) fn known(world: World<'_>) -> Option<&str> {
    world.facts.cluster_dns.known()?.domain.as_deref()
}

/// The cluster domain, read or guessed, without a dot at its end.
pub(super) fn of(world: World<'_>) -> &str {
    known(world).unwrap_or(DEFAULT).trim_end_matches('.')
}
