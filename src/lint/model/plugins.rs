//! What network plugins other than Calico are told.

use crate::lint::source::{Edit, Span, Spanned};

use super::{Args, RangeEntry};

/// Cilium's settings, from its Helm values or its ConfigMap.
#[derive(Clone, Debug)]
pub struct Cilium {
    /// Where they begin.
    pub at: Span,
    /// The settings by the names that they have in the ConfigMap `cilium-config`.
    pub settings: Args,
    /// The ranges of its cluster pool.
    pub pools: Vec<RangeEntry>,
}

/// flannel's `net-conf.json`.
#[derive(Clone, Debug)]
pub struct Flannel {
    /// Where it stands.
    pub at: Span,
    /// Why it is not JSON, and where, if it is not.
    pub broken: Option<Spanned<String>>,
    /// Its fields, in lower case, as its reader ignores the case; `backend.type` among them.
    pub settings: Args,
    /// What puts `EnableIPv6` before `IPv6Network`, where that can be written into the file.
    pub enable: Option<Edit>,
    /// The names of the fields whose value is a text.
    pub texts: Vec<String>,
}

/// kube-router's flags.
#[derive(Clone, Debug)]
pub struct KubeRouter {
    /// Where its command stands.
    pub at: Span,
    /// Its flags.
    pub args: Args,
}
