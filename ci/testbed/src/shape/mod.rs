//! The named kinds of clusters: what each is, and what a right tool must say of it.
//!
//! From this one list derive the command line's `--shape`, the end-to-end tests, and the table in
//! this crate's README.

mod flags;
mod kind;
mod list;
mod report;

pub use self::{
    flags::{Flags, describe, flags},
    kind::Shape,
    list::{NETWORKS, SHAPES, VERSIONS},
    report::{ADDRESS_CHECKS, Failure, SUITES, Suite},
};
impl Shape {
    /// All of them, those of other versions of Kubernetes and of other pod networks last.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        SHAPES.iter().chain(VERSIONS).chain(NETWORKS)
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|shape| shape.name == name)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::{default_minor, minors};

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
    fn no_two_shapes_are_the_same_but_that_of_the_default_minor() {
        let specs: Vec<_> = SHAPES.iter().map(Shape::example).collect();
        for (index, spec) in specs.iter().enumerate() {
            assert!(!specs[..index].contains(spec), "{:?}", SHAPES[index]);
        }
        let usual = Shape::named(&format!("kubernetes-{}", default_minor())).unwrap();
        assert_eq!(usual.example(), SHAPES[0].example());
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
