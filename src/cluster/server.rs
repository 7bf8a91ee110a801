//! Which API server it is.

use serde::{Deserialize, Serialize};

/// The API server we talk to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The kubeconfig context; `None` in-cluster.
    pub context: Option<String>,
    /// The address, as the kubeconfig gives it.
    pub url: String,
    /// `gitVersion` of `/version`, such as `v1.36.2`.
    pub version: String,
}
