//! A kind of cluster under a name.

use std::fmt;

use crate::spec::{Cni, Name, Spec};

/// A kind of cluster under a name.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The name: lower-case words with hyphens.
    pub name: &'static str,
    /// What such a cluster is, as a sentence's fragment.
    pub what: &'static str,
    /// What a right tool must say of it beside the suites' verdicts; empty where they say all.
    pub besides: &'static str,
    /// On which machines it can't be brought up; empty where every one that can hold a cluster can
    /// hold this one.
    pub cannot_run: &'static str,
    pub(super) change: fn(Spec) -> Spec,
}

impl Shape {
    /// A cluster of this shape, as it is asked for.
    pub fn spec(&self, name: Name) -> Spec {
        (self.change)(Spec::new(name))
    }

    /// Its pod network.
    pub fn cni(&self) -> Cni {
        self.example().cni
    }

    /// Such a cluster under a name for show.
    pub(super) fn example(&self) -> Spec {
        self.spec(Name::example())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shape").field(&self.name).finish()
    }
}
