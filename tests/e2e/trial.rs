//! One trial.

use testbed::spec::Cni;

use super::bed::Bed;

/// What a trial does with the cluster; it panics where a fact doesn't hold.
pub type Test = fn(&Bed);

/// A trial by its name.
pub struct Trial {
    /// Its name, which states the fact it proves.
    pub name: String,
    /// What it does.
    pub test: Box<dyn Fn(&Bed) + Send>,
    /// Whether it runs only with `DUALSTACK_E2E=full`.
    pub long: bool,
    /// The pod network of the cluster that it wants.
    pub network: Cni,
}

impl Trial {
    /// A trial of a list, over the testbed's own pod network.
    pub fn new(name: &str, test: Test, long: bool) -> Self {
        Self { name: name.to_owned(), test: Box::new(test), long, network: Cni::Ptp }
    }
}
