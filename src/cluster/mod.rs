//! All talk with the API server: connecting, asking for permissions, paging lists, exec into pods,
//! port-forwards.
//!
//! Nothing is ever chosen silently: the cluster is the one that the operator's kubeconfig and
//! context name, and connecting creates nothing in it.

mod certificate;
pub(crate) mod chain;
mod classify;
mod client;
mod clock;
mod connect;
mod error;
mod exec;
mod forward;
mod kubeconfig;
mod objects;
mod options;
mod paging;
mod permissions;
mod preflight;
mod proxy;
mod retry;
mod server;
mod serving;

use std::{net::IpAddr, sync::Arc};

use kube::Client;

pub use clock::ServerClock;
pub use connect::{connect, connect_in};
pub use error::{ClusterError, Endpoint};
pub use exec::{ExecEnd, ExecEvent, PodExec, exec, exec_lines, kubelet_is_restarting};
pub use forward::{Forward, forward};
pub use objects::Objects;
pub use options::{ConnectOptions, Environment};
pub use paging::{PAGE, list_all, list_as, list_most};
pub use permissions::Permission;
pub use preflight::{Preflight, preflight};
pub use server::Server;

/// A cluster that answered.
#[derive(Clone)]
pub struct Cluster {
    /// The client. Its requests time out, and are tried again only where that is safe (see
    /// [`connect()`]).
    pub client: Client,
    /// What we talk to.
    pub server: Server,
    /// The API server's clock.
    pub clock: ServerClock,
    /// How error messages name the API server.
    pub endpoint: Arc<Endpoint>,
    serving: serving::Serving,
}

impl Cluster {
    /// Whether the API server's certificate is valid for an address at which clients find it.
    ///
    /// # Errors
    /// Why that can't be told, as a sentence fragment.
    pub async fn certifies(&self, ip: IpAddr) -> Result<bool, String> {
        self.serving.is_valid_for(ip).await
    }

    /// Puts an error of a request into a sentence. `doing` says what was asked for, as in
    /// `list nodes`.
    pub fn error(&self, doing: &str, error: kube::Error) -> ClusterError {
        ClusterError::from_kube(&self.endpoint, doing, error)
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client has no Debug, and must not leak what it authenticates with.
        f.debug_struct("Cluster").field("server", &self.server).finish_non_exhaustive()
    }
}
