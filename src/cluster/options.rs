//! What decides which cluster is reached, and how.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

/// Which cluster, and how long to wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// `--kubeconfig`; `None` for `KUBECONFIG`, `~/.kube/config` or the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; `None` for the current one.
    pub context: Option<String>,
    /// How long the API server may take to accept a connection, and to say its version. Later
    /// answers may take three times as long to begin, and so may a credential plugin.
    pub connect_timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { kubeconfig: None, context: None, connect_timeout: Duration::from_secs(10) }
    }
}

/// The file that a pod's service account token is mounted as.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// What connecting reads from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `KUBECONFIG`: a list of files, merged as kubectl does.
    pub kubeconfig: Option<OsString>,
    /// The home directory, for `~/.kube/config`.
    pub home: Option<PathBuf>,
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY` or `http_proxy`.
    pub http_proxy: Option<String>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<String>,
    /// Whether this process runs in a pod with a service account.
    pub in_cluster: bool,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let either = |upper: &str, lower: &str| {
            std::env::var(upper)
                .ok()
                .filter(|value| !value.is_empty())
                .or(std::env::var(lower).ok())
        };
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()),
            home: std::env::home_dir(),
            https_proxy: either("HTTPS_PROXY", "https_proxy"),
            http_proxy: either("HTTP_PROXY", "http_proxy"),
            no_proxy: either("NO_PROXY", "no_proxy"),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                && Path::new(SERVICE_ACCOUNT_TOKEN).exists(),
        }
    }
}
