//! Where a probe started, as the rules see it.

use std::fmt;

/// Where a probe started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin<'a> {
    Outside,
    /// A pod, or the host itself, on this node.
    Node(&'a str),
    /// The API server itself.
    ApiServer,
    /// A port-forward to this DNS pod.
    DnsPod(&'a str),
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("from outside"),
            Self::Node(node) => write!(f, "from a pod on {node}"),
            Self::ApiServer => f.write_str("by the API server"),
            Self::DnsPod(pod) => write!(f, "{pod} itself"),
        }
    }
}
