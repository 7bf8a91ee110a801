//! The named kinds of clusters: what each is, and what a right tool must say of it.
//!
//! From this one list derive the command line's `--shape`, the end-to-end tests, and the table in
//! this crate's README.

mod flags;
mod list;
mod report;

use std::fmt;

pub use self::{
    flags::{Flags, describe, flags},
    list::{SHAPES, VERSIONS},
    report::{ADDRESS_CHECKS, Failure, SUITES, Suite},
};
use crate::spec::{Name, Spec};

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
    change: fn(Spec) -> Spec,
}

impl Shape {
    /// All of them, those of other versions of Kubernetes last.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        SHAPES.iter().chain(VERSIONS)
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::all().find(|shape| shape.name == name)
    }

    /// A cluster of this shape, as it is asked for.
    pub fn spec(&self, name: Name) -> Spec {
        (self.change)(Spec::new(name))
    }

    /// The suites whose every case must pass.
    pub fn passes(&self) -> Vec<&'static str> {
        report::passes(&self.example())
    }

    /// The other suites, each with the checks that must have failing cases. Other checks must have
    /// none: what these leave without anything to try is skipped.
    pub fn fails(&self) -> Vec<Failure> {
        report::fails(&self.example())
    }

    /// The flags of `testbed up` that ask for the same; empty for the default.
    pub fn flags(&self) -> String {
        flags(&self.example())
    }

    fn example(&self) -> Spec {
        self.spec(Name::example())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shape").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::{minors, newest};

    #[test]
    fn every_name_is_unique() {
        let mut names: Vec<_> = Shape::all().map(|shape| shape.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Shape::all().count());
    }

    #[test]
    fn every_shape_can_be_built() {
        for shape in Shape::all() {
            shape.example().validate().unwrap_or_else(|error| panic!("{}: {error}", shape.name));
        }
    }

    #[test]
    fn no_two_shapes_are_the_same_but_the_newest_version_is_the_default() {
        let specs: Vec<_> = SHAPES.iter().map(Shape::example).collect();
        for (index, spec) in specs.iter().enumerate() {
            assert!(!specs[..index].contains(spec), "{:?}", SHAPES[index]);
        }
        let newest = Shape::find(&format!("kubernetes-{}", newest())).unwrap();
        assert_eq!(newest.example(), SHAPES[0].example());
    }

    #[test]
    fn every_minor_that_can_be_had_is_a_shape() {
        let listed: Vec<_> = VERSIONS.iter().map(|shape| shape.example().kubernetes).collect();
        assert_eq!(listed, minors().collect::<Vec<_>>());
        for shape in VERSIONS {
            assert_eq!(shape.name, format!("kubernetes-{}", shape.example().kubernetes));
        }
    }
}
