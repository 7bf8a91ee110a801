//! IP families, ranges and how they relate: pure, and ignorant of Kubernetes.

mod family;
mod range;

pub use family::{IpFamily, PerFamily};
pub use range::{RangeRelation, first_host, relation, summarise};
