//! Which of our errors each error of the client becomes.

use std::{io, sync::Arc};

use kube::core::Status;

use super::{
    chain::{chain, first_of, innermost},
    error::{ClusterError, Endpoint},
};

/// The request that everything begins with.
pub(super) const VERSION: &str = "get /version";

impl ClusterError {
    /// Classifies an error of the client. `doing` says what was asked for, as in `list nodes`.
    pub fn from_kube(endpoint: &Arc<Endpoint>, doing: &str, error: kube::Error) -> Self {
        let endpoint = Arc::clone(endpoint);
        match error {
            kube::Error::Api(status) => Self::from_status(endpoint, doing, &status),
            kube::Error::SerdeError(error) => Self::NotKubernetes {
                endpoint,
                answer: format!("cannot parse the answer ({doing}: {error})"),
            },
            error => Self::from_transport(endpoint, doing, &error),
        }
    }

    /// Classifies an error of building the client.
    pub(super) fn unusable(endpoint: Arc<Endpoint>, error: &kube::Error) -> Self {
        use kube::client::RustlsTlsError as Tls;
        let reason = match error {
            kube::Error::ProxyProtocolUnsupported { .. }
            | kube::Error::ProxyProtocolDisabled { .. } => {
                let proxy = endpoint.proxy.clone().unwrap_or_default();
                return Self::Proxy { endpoint, proxy, reason: innermost(error) };
            }
            kube::Error::Auth(error) => plugin_reason(error),
            kube::Error::RustlsTls(tls) => match tls {
                Tls::InvalidIdentityPem(_) => {
                    "the client certificate or its key is not PEM".to_owned()
                }
                Tls::MissingPrivateKey => "the client key is missing".to_owned(),
                Tls::MissingCertificate => "the client certificate is missing".to_owned(),
                Tls::InvalidPrivateKey(_) => {
                    let inner = innermost(error);
                    format!("the client certificate does not match its key ({inner})")
                }
                Tls::AddRootCertificate(_) => {
                    format!("invalid certificate authority ({})", innermost(error))
                }
                other => innermost(other),
            },
            other => innermost(other),
        };
        Self::CredentialsUnreadable { endpoint, reason }
    }

    /// Classifies an answer that says no.
    pub(super) fn from_status(endpoint: Arc<Endpoint>, doing: &str, status: &Status) -> Self {
        let message = match status.message.trim() {
            "" => status.reason.clone(),
            message => message.lines().next().unwrap_or_default().to_owned(),
        };
        let doing = doing.to_owned();
        match status.code {
            401 => Self::Unauthorized { endpoint, message },
            403 => Self::Forbidden { endpoint, doing, message },
            _ => Self::Api { endpoint, doing, message },
        }
    }

    fn from_transport(
        endpoint: Arc<Endpoint>,
        doing: &str,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        if let Some(error) = first_of::<kube::client::AuthError>(error) {
            return Self::CredentialsUnreadable { endpoint, reason: plugin_reason(error) };
        }
        if let Some(error) = first_of::<rustls::Error>(error) {
            let (reason, advice) = tls_reason(error);
            return Self::Tls { endpoint, reason, advice };
        }
        // The connector keeps its error's type to itself; a test holds on to its words.
        if chain(error).any(|error| error.to_string() == "dns error") {
            let host = endpoint
                .proxy
                .as_deref()
                .unwrap_or(&endpoint.url)
                .parse::<http::Uri>()
                .ok()
                .and_then(|url| url.host().map(str::to_owned))
                .unwrap_or_default();
            return Self::NameNotResolved { endpoint, host, reason: innermost(error) };
        }
        let doing = doing.to_owned();
        let reason = innermost(error);
        // The innermost I/O error is the operating system's own.
        let kind = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).last();
        match kind.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Self::Refused { endpoint },
            Some(
                io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable,
            ) => Self::Unreachable { endpoint, reason },
            Some(io::ErrorKind::TimedOut) => {
                let after = endpoint.connect_timeout;
                Self::TimedOut { endpoint, doing, after }
            }
            _ if first_of::<tower::timeout::error::Elapsed>(error).is_some() => {
                let after = endpoint.answer_timeout();
                Self::TimedOut { endpoint, doing, after }
            }
            _ if endpoint.proxy.is_some() => Self::ProxyFailed { endpoint, reason },
            // What a server that wants TLS does to plain HTTP.
            _ if endpoint.url.starts_with("http:") && doing == VERSION => Self::ConnectionLost {
                endpoint,
                doing,
                reason: format!("{reason} (does the kubeconfig need https?)"),
            },
            _ => Self::ConnectionLost { endpoint, doing, reason },
        }
    }
}

/// How a credential plugin failed.
pub(super) fn plugin_reason(error: &kube::client::AuthError) -> String {
    use kube::client::AuthError;
    match error {
        AuthError::AuthExecRun { out, .. } => {
            let stderr = String::from_utf8_lossy(&out.stderr);
            match stderr.trim().lines().last() {
                Some(last) => format!("{}: {last}", out.status),
                // What it wrote went to the terminal.
                None => out.status.to_string(),
            }
        }
        AuthError::AuthExecStart(error) => format!("cannot start it: {error}"),
        AuthError::AuthExecParse(_) => "its output is not an ExecCredential".to_owned(),
        other => innermost(other),
    }
}

/// `n1` of `DnsName("n1")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

fn tls_reason(error: &rustls::Error) -> (String, &'static str) {
    use rustls::{AlertDescription, CertificateError, Error};
    match error {
        // A rebuilt cluster's authority has the name of the old one, and another key.
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => (
            "the server's certificate is signed by an unknown authority".into(),
            "check certificate-authority-data in the kubeconfig: it may belong to another or a rebuilt cluster",
        ),
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => (
            "the server's certificate has expired".into(),
            "renew it (on a kubeadm cluster by `kubeadm certs renew apiserver`) and check this \
             machine's clock",
        ),
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => ("the server's certificate is not valid yet".into(), "check this machine's clock"),
        Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected,
            presented,
        }) => {
            let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            (
                format!(
                    "the server's certificate is for {}, not {}",
                    names.join(", "),
                    expected.to_str()
                ),
                "use one of these names as the address, or set tls-server-name in the kubeconfig",
            )
        }
        Error::AlertReceived(
            alert @ (AlertDescription::CertificateExpired
            | AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied),
        ) => (
            format!("the server rejected the client certificate ({alert:?})"),
            "fetch a new kubeconfig",
        ),
        Error::InvalidMessage(_) => (
            "the server does not speak TLS".into(),
            "check the scheme and port of the server in the kubeconfig",
        ),
        other => {
            (other.to_string(), "check the server and the certificate authority in the kubeconfig")
        }
    }
}
