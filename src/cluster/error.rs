//! What can go wrong between us and the API server, each in one sentence with the next step.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::permissions::{Permission, phrase};
use crate::exit::Exit;

/// An API server as error messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address, as the kubeconfig gives it.
    pub url: String,
    /// The kubeconfig context; `None` in-cluster.
    pub context: Option<String>,
    /// The proxy on the way, without its password.
    pub proxy: Option<String>,
    /// How long it may take to accept a connection.
    pub connect_timeout: Duration,
}

impl Endpoint {
    /// What we connect to: the API server, or the proxy on the way to it.
    fn first_hop(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("the proxy {proxy} for the API server {}", self.url),
            None => format!("the API server {self}"),
        }
    }

    /// How long it may take to begin an answer. An admission webhook has ten seconds by default.
    pub(super) const fn answer_timeout(&self) -> Duration {
        self.connect_timeout.saturating_mul(3)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match &self.context {
            Some(context) => write!(f, " (context {context}")?,
            None => f.write_str(" (in-cluster")?,
        }
        match &self.proxy {
            Some(proxy) => write!(f, ", through proxy {proxy})"),
            None => f.write_str(")"),
        }
    }
}

/// Why the cluster can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Nobody said which cluster.
    #[error(
        "no kubeconfig found: --kubeconfig is not given, {searched}, and this is not a pod; pass \
         --kubeconfig, or create a cluster, for example with `kind create cluster --config kind/dual-stack.yaml`"
    )]
    NoKubeconfig {
        /// Where else we looked, as a sentence fragment.
        searched: String,
    },
    /// A kubeconfig can't be read.
    #[error("cannot read the kubeconfig {}: {source}; check the path and its permissions", path.display())]
    KubeconfigUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A kubeconfig isn't one.
    #[error("invalid kubeconfig {}: {reason}; check it with `kubectl config view`", path.display())]
    KubeconfigMalformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No context is current, and none was asked for.
    #[error("{origin} has no current context; choose one with --context{}", listed(known))]
    NoCurrentContext {
        /// The kubeconfig.
        origin: String,
        /// Its contexts.
        known: Vec<String>,
    },
    /// There is no such context.
    #[error(
        "context \"{context}\" does not exist in {origin}; choose one with --context{}",
        listed(known)
    )]
    UnknownContext {
        /// What was asked for, or is current.
        context: String,
        /// The kubeconfig.
        origin: String,
        /// The contexts there are.
        known: Vec<String>,
    },
    /// A context leads nowhere.
    #[error("context \"{context}\" in {origin} is incomplete: {missing}; fix the kubeconfig")]
    ContextIncomplete {
        /// The context.
        context: String,
        /// The kubeconfig.
        origin: String,
        /// What is missing.
        missing: String,
    },
    /// The server's address is not one.
    #[error("invalid API server address {endpoint}: {reason}; fix the kubeconfig")]
    ServerAddress {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What is wrong with its address.
        reason: String,
    },
    /// A certificate, key or token of the kubeconfig can't be read.
    #[error(
        "cannot use the credentials for {endpoint}: {reason}; fix the kubeconfig or fetch a new one"
    )]
    CredentialsUnreadable {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// Which, and why.
        reason: String,
    },
    /// The proxy can't be used.
    #[error(
        "cannot use the proxy {proxy} for {endpoint}: {reason}; fix proxy-url in the kubeconfig or \
         HTTPS_PROXY, or add the API server's host to NO_PROXY"
    )]
    Proxy {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// The proxy.
        proxy: String,
        /// What is wrong with it.
        reason: String,
    },
    /// We are in a pod whose service account can't be used.
    #[error(
        "cannot use this pod's service account: {reason}; mount its token \
         (automountServiceAccountToken), or pass --kubeconfig"
    )]
    ServiceAccount {
        /// Why.
        reason: String,
    },
    /// The kubeconfig's credential plugin gave no credentials.
    #[error("credential plugin {command} failed for {endpoint}: {reason}{}", hint(install_hint))]
    CredentialPlugin {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// The plugin.
        command: String,
        /// What came of it.
        reason: String,
        /// The kubeconfig's `installHint`.
        install_hint: Option<String>,
    },
    /// The server's name has no address.
    #[error(
        "cannot resolve {host}, the name of {}: {reason}; check the server in the kubeconfig, this \
         machine's DNS, and the VPN if the cluster needs one",
        endpoint.first_hop()
    )]
    NameNotResolved {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// Nothing listens there.
    #[error(
        "connection refused by {}: nothing is listening there; check that {} is running, and the \
         address and port in the kubeconfig",
        endpoint.first_hop(),
        if endpoint.proxy.is_some() { "it" } else { "the cluster" }
    )]
    Refused {
        /// The API server.
        endpoint: Arc<Endpoint>,
    },
    /// The proxy doesn't let us through.
    #[error(
        "cannot connect to the API server {endpoint}: {reason}; check that the proxy is running \
         and allows the connection, or add the API server's host to NO_PROXY"
    )]
    ProxyFailed {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What was seen.
        reason: String,
    },
    /// There is no way there.
    #[error(
        "cannot reach {}: {reason}; check the route to it, the VPN and the firewall",
        endpoint.first_hop()
    )]
    Unreachable {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What the network said.
        reason: String,
    },
    /// It doesn't answer.
    #[error(
        "timed out after {} s waiting for the API server {endpoint} ({doing}); check that it is healthy, and \
         any firewall in between",
        after.as_secs_f32()
    )]
    TimedOut {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What was asked of it.
        doing: String,
        /// How long we waited.
        after: Duration,
    },
    /// No trust.
    #[error("TLS connection to the API server {endpoint} failed: {reason}; {advice}")]
    Tls {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What went wrong.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// Our certificate is over.
    #[error(
        "the client certificate for {endpoint} expired at {not_after} (it is {now:.0} on the API \
         server); fetch a new kubeconfig, on a kubeadm cluster with `kubeadm certs renew admin.conf`"
    )]
    CertificateExpired {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// When.
        not_after: Timestamp,
        /// By the API server's clock.
        now: Timestamp,
    },
    /// 401.
    #[error(
        "the API server {endpoint} rejected the credentials ({message}); log in again or fetch a \
         new kubeconfig, and check with `kubectl auth whoami`"
    )]
    Unauthorized {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What it said.
        message: String,
    },
    /// 403.
    #[error(
        "missing permission: {doing} ({message}) on the API server {endpoint}; ask for it, or use \
         a context that has it"
    )]
    Forbidden {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// The permission that is missing, as `list nodes`.
        doing: String,
        /// What it said.
        message: String,
    },
    /// Preflight found permissions missing.
    #[error(
        "missing permissions: {} on the API server {endpoint}; nothing was created; ask for them, \
         or use a context that has them",
        phrase(permissions)
    )]
    MissingPermissions {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// All the required permissions that are missing.
        permissions: Vec<Permission>,
    },
    /// A Kubernetes from before dual-stack.
    #[error(
        "the API server {endpoint} is Kubernetes {version}, which is too old: dual-stack is stable \
         since 1.23 (KEP-563); upgrade the cluster"
    )]
    TooOld {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// Its version.
        version: String,
    },
    /// Something else than Kubernetes answers.
    #[error(
        "the server at {endpoint} is not a Kubernetes API server: {answer}; check the server in the \
         kubeconfig, and whether a proxy or a login page answers instead"
    )]
    NotKubernetes {
        /// The address.
        endpoint: Arc<Endpoint>,
        /// What it said.
        answer: String,
    },
    /// The connection broke.
    #[error(
        "lost the connection to the API server {endpoint} ({doing}): {reason}; check that it is \
         still running, and try again"
    )]
    ConnectionLost {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What was asked of it.
        doing: String,
        /// What was seen.
        reason: String,
    },
    /// Any other answer.
    #[error("cannot {doing}: the API server {endpoint} answered: {message}")]
    Api {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What was asked of it.
        doing: String,
        /// What it said.
        message: String,
    },
}

impl ClusterError {
    /// How the process should end.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NoKubeconfig { .. }
            | Self::KubeconfigUnreadable { .. }
            | Self::KubeconfigMalformed { .. }
            | Self::NoCurrentContext { .. }
            | Self::UnknownContext { .. }
            | Self::ContextIncomplete { .. }
            | Self::ServerAddress { .. }
            | Self::CredentialsUnreadable { .. }
            | Self::Proxy { .. } => Exit::Usage,
            Self::ServiceAccount { .. }
            | Self::CredentialPlugin { .. }
            | Self::NameNotResolved { .. }
            | Self::Refused { .. }
            | Self::ProxyFailed { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Tls { .. }
            | Self::CertificateExpired { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::MissingPermissions { .. }
            | Self::TooOld { .. }
            | Self::NotKubernetes { .. }
            | Self::ConnectionLost { .. }
            | Self::Api { .. } => Exit::Cluster,
        }
    }
}

/// ` (available: a, b)`, or that there is none.
fn listed(known: &[String]) -> String {
    match known {
        [] => " (none available)".to_owned(),
        known => format!(" (available: {})", known.join(", ")),
    }
}

fn hint(install_hint: &Option<String>) -> String {
    match install_hint.as_deref().map(str::trim).filter(|hint| !hint.is_empty()) {
        Some(hint) => format!("; the kubeconfig's install hint: {hint}"),
        None => "; run it manually to see why".to_owned(),
    }
}
