//! IP families, ranges and how they relate: pure, and ignorant of Kubernetes.

mod family;
mod range;

pub use family::IpFamily;
pub use range::{RangeRelation, relation, sharing, summarise};
