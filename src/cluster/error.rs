//! What can go wrong between us and the API server, each in one sentence with the next step.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::preflight::{Right, together};
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
    pub patience: Duration,
}

impl Endpoint {
    /// Whom we connect to: the API server, or the proxy before it.
    fn first_hop(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("the proxy {proxy} before the API server {}", self.url),
            None => format!("the API server {self}"),
        }
    }

    /// How long it may take to begin an answer. An admission webhook has ten seconds by default.
    pub(super) const fn answer_timeout(&self) -> Duration {
        self.patience.saturating_mul(3)
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
            Some(proxy) => write!(f, ", through the proxy {proxy})"),
            None => f.write_str(")"),
        }
    }
}

/// Why the cluster can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Nobody said which cluster.
    #[error(
        "no cluster is named: --kubeconfig is not given, {looked}, and this is not a pod; \
         give the kubeconfig of a cluster of yours, or make one, for instance with \
         `kind create cluster --config kind/dual-stack.yaml`, minikube or kubeadm"
    )]
    NoKubeconfig {
        /// Where else we looked, as a sentence fragment.
        looked: String,
    },
    /// A kubeconfig can't be read.
    #[error("can't read the kubeconfig {}: {source}; check the path and its permissions", path.display())]
    KubeconfigUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A kubeconfig isn't one.
    #[error("{} is no valid kubeconfig: {reason}; compare it with `kubectl config view`", path.display())]
    KubeconfigMalformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No context is current, and none was asked for.
    #[error(
        "{origin} has no current context, and none is chosen for you: name one with --context{}",
        listed(known)
    )]
    NoCurrentContext {
        /// The kubeconfig.
        origin: String,
        /// Its contexts.
        known: Vec<String>,
    },
    /// There is no such context.
    #[error("{origin} has no context \"{context}\": name another with --context{}", listed(known))]
    UnknownContext {
        /// What was asked for, or is current.
        context: String,
        /// The kubeconfig.
        origin: String,
        /// The contexts there are.
        known: Vec<String>,
    },
    /// A context leads nowhere.
    #[error("context \"{context}\" of {origin} can't be used: {missing}; fix the kubeconfig")]
    ContextIncomplete {
        /// The context.
        context: String,
        /// The kubeconfig.
        origin: String,
        /// What is missing.
        missing: String,
    },
    /// The server's address is none.
    #[error("the address of the API server {endpoint} can't be used: {reason}; fix the kubeconfig")]
    ServerAddress {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What is wrong with its address.
        reason: String,
    },
    /// A certificate, key or token of the kubeconfig can't be read.
    #[error(
        "the credentials for {endpoint} can't be used: {reason}; fix the kubeconfig or fetch it anew"
    )]
    CredentialsUnreadable {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// Which, and why.
        reason: String,
    },
    /// The proxy can't be used.
    #[error(
        "the proxy {proxy} to {endpoint} can't be used: {reason}; correct proxy-url in the \
         kubeconfig or HTTPS_PROXY, or list the API server's host in NO_PROXY"
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
        "this pod's service account can't be used: {reason}; mount its token \
         (automountServiceAccountToken), or give a kubeconfig"
    )]
    ServiceAccount {
        /// Why.
        reason: String,
    },
    /// The kubeconfig's credential plugin gave no credentials.
    #[error(
        "the credential plugin {command} for {endpoint} failed: {reason}{}",
        hint(install_hint)
    )]
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
        "the name {host} of {} can't be resolved: {reason}; check the address in the kubeconfig, \
         this machine's DNS, and the VPN if the cluster needs one",
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
        "{} refuses the connection: nothing listens there; check that {} is up and that the \
         kubeconfig's address and port are its own",
        endpoint.first_hop(),
        if endpoint.proxy.is_some() { "it" } else { "the cluster" }
    )]
    Refused {
        /// The API server.
        endpoint: Arc<Endpoint>,
    },
    /// The proxy doesn't let us through.
    #[error(
        "no connection to the API server {endpoint}: {reason}; check that the proxy is up and \
         lets us through, or list the API server's host in NO_PROXY"
    )]
    ProxyFailed {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What was seen.
        reason: String,
    },
    /// There is no way there.
    #[error(
        "{} can't be reached: {reason}; check the route to it, the VPN and the firewall",
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
        "the API server {endpoint} did not answer within {} s ({doing}); check that it is \
         healthy, and the firewall between here and there",
        after.as_secs_f32()
    )]
    Silent {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What was asked of it.
        doing: String,
        /// How long we waited.
        after: Duration,
    },
    /// No trust.
    #[error("no secure connection to the API server {endpoint}: {reason}; {advice}")]
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
        "the client certificate for {endpoint} expired on {not_after} (the API \
         server's clock says {now:.0}); fetch a new kubeconfig, on a kubeadm cluster by `kubeadm certs renew \
         admin.conf`"
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
        "the API server {endpoint} doesn't accept the credentials ({message}); log in again or \
         fetch a new kubeconfig, then see that `kubectl auth whoami` works"
    )]
    Unauthorized {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What it said.
        message: String,
    },
    /// 403.
    #[error(
        "the API server {endpoint} doesn't allow us to {doing} ({message}); ask for that right, \
         or use a context that has it"
    )]
    Forbidden {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// The right that is missing, as `list nodes`.
        doing: String,
        /// What it said.
        message: String,
    },
    /// Preflight found rights missing.
    #[error(
        "the API server {endpoint} doesn't give us every right that is needed; we may not {}; \
         nothing was created; ask for what is missing, or use a context that has it",
        together(rights)
    )]
    MissingRights {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// All the required rights that are missing.
        rights: Vec<Right>,
    },
    /// A Kubernetes from before dual-stack.
    #[error(
        "the API server {endpoint} is Kubernetes {version}, and dual-stack is stable only since \
         1.23 (KEP-563); upgrade it"
    )]
    TooOld {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// Its version.
        version: String,
    },
    /// Something else than Kubernetes answers.
    #[error(
        "what answers at {endpoint} is no Kubernetes API server: {answer}; check the \
         kubeconfig's address, and whether a proxy or login page answers in its place"
    )]
    NotKubernetes {
        /// The address.
        endpoint: Arc<Endpoint>,
        /// What it said.
        answer: String,
    },
    /// The connection broke.
    #[error(
        "the connection to the API server {endpoint} broke ({doing}): {reason}; see whether it \
         is still up, and try again"
    )]
    Broken {
        /// The API server.
        endpoint: Arc<Endpoint>,
        /// What was asked of it.
        doing: String,
        /// What was seen.
        reason: String,
    },
    /// Any other answer.
    #[error("the API server {endpoint} failed to {doing}: {message}")]
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
            | Self::Silent { .. }
            | Self::Tls { .. }
            | Self::CertificateExpired { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::MissingRights { .. }
            | Self::TooOld { .. }
            | Self::NotKubernetes { .. }
            | Self::Broken { .. }
            | Self::Api { .. } => Exit::Cluster,
        }
    }
}

/// ` (it has a, b)`, or that it has none.
fn listed(known: &[String]) -> String {
    match known {
        [] => " (it has none)".to_owned(),
        known => format!(" (it has {})", known.join(", ")),
    }
}

fn hint(install_hint: &Option<String>) -> String {
    match install_hint.as_deref().map(str::trim).filter(|hint| !hint.is_empty()) {
        Some(hint) => format!("; its kubeconfig says: {hint}"),
        None => "; run the same command by hand to see why".to_owned(),
    }
}
