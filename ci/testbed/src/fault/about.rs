//! What the catalogue says of a kind of fault.

/// A kind of fault in words: one row of the table in the testbed's README.
///
/// The texts are Markdown phrases, without a capital letter or a full stop around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// What it does.
    pub does: &'static str,
    /// Where it can't be injected; empty where every cluster of the testbed takes it.
    pub limits: &'static str,
}

/// The words that are the same for every fault of a family of addresses.
pub(super) const NEEDS_FAMILY: &str = "clusters without the family";

/// The words for faults that lie in the rules by which kube-proxy translates addresses.
pub(super) const NEEDS_RULES: &str =
    "clusters without the family; kube-proxy's mode ipvs, whose Services are not in those rules";

/// The words for faults that a node which also lacks the other family can't have.
pub(super) const NEEDS_BOTH: &str = "single-stack clusters";
