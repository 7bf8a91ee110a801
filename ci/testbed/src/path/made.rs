//! When the ends of a path were made.

/// When the pods and the Service at the end of a path were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Made {
    /// Before the fault was injected.
    Before,
    /// After it.
    After,
}
