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

impl Server {
    /// Whether its version is 1.`minor` or newer. One that can't be read counts as new.
    pub fn is_at_least(&self, minor: u32) -> bool {
        let mut parts = self.version.trim_start_matches('v').splitn(3, '.');
        let major = parts.next().and_then(|part| part.parse::<u32>().ok());
        // Some providers append a sign: `1.29+`.
        let digits = parts.next().map(|part| part.trim_end_matches(|c: char| !c.is_ascii_digit()));
        match (major, digits.and_then(|part| part.parse::<u32>().ok())) {
            (Some(major), Some(own)) => (major, own) >= (1, minor),
            _ => true,
        }
    }
}
