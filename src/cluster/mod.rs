//! All talk with the API server: connecting, asking for rights, paging lists, entering pods,
//! forwarding ports.
//!
//! Nothing is ever chosen silently: the cluster is the one that the operator's kubeconfig and
//! context name, and connecting creates nothing in it.

mod certificate;
pub(crate) mod chain;
mod clock;
mod connect;
mod error;
mod exec;
mod forward;
mod kubeconfig;
mod paging;
mod preflight;
mod proxy;
mod retry;
mod sort;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use kube::Client;

pub use clock::ServerClock;
pub use connect::{ConnectOptions, connect, connect_in};
pub use error::{ClusterError, Endpoint};
pub use exec::{ExecEnd, PodExec, exec};
pub use forward::{Forward, forward};
pub use kubeconfig::Environment;
pub use paging::list_all;
pub use preflight::{Preflight, Right, preflight};

use crate::facts::Server;

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
    /// Whom error messages name.
    pub endpoint: Arc<Endpoint>,
    /// How many requests were sent again because the API server asked for it.
    repeated: Arc<AtomicU32>,
}

impl Cluster {
    /// How many requests had to be sent again, because the API server was too busy at first.
    pub fn repeated(&self) -> u32 {
        self.repeated.load(Ordering::Relaxed)
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
