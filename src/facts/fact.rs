//! What is known, and why something isn't.

use serde::{Deserialize, Serialize};

/// A piece of knowledge about the cluster, or why we don't have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fact<T> {
    /// We know it, and from where.
    Known {
        /// The value.
        value: T,
        /// Where it was read, as a person would look it up (`ConfigMap kube-system/kubeadm-config`).
        source: String,
    },
    /// The cluster has no such thing, or it can't be read as what it should be.
    Absent {
        /// What was looked for and not found, in a sentence fragment.
        reason: String,
    },
    /// We may not see it.
    Forbidden {
        /// The missing permission (`get configmaps in kube-system`).
        reason: String,
    },
}

impl<T> Fact<T> {
    /// The value, where it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Absent { .. } | Self::Forbidden { .. } => None,
        }
    }

    /// Why the value isn't known; `None` where it is.
    pub fn why_unknown(&self) -> Option<&str> {
        match self {
            Self::Known { .. } => None,
            Self::Absent { reason } | Self::Forbidden { reason } => Some(reason),
        }
    }
}
