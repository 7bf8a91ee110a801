//! The domain under which Services have their names.

use crate::check::World;

pub(in crate::check) use crate::facts::DEFAULT_DOMAIN as DEFAULT;

/// The cluster domain, where it could be read.
pub(in crate::check) fn known(world: World<'_>) -> Option<&str> {
    world.facts.cluster_dns.known()?.domain.as_deref()
}

/// The cluster domain, read or guessed, without a dot at its end.
pub(in crate::check) fn of(world: World<'_>) -> &str {
    world.facts.cluster_domain()
}
