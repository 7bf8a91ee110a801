//! From the operator's words (`--kubeconfig`, `--context`, the environment) to a client
//! configuration. Reads files, never the network.

use std::{ffi::OsString, io, path::Path, sync::Arc, time::Duration};

use http::Uri;
use kube::{
    Config,
    config::{AuthInfo, ExecAuthCluster, Kubeconfig, KubeconfigError},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{
    error::{ClusterError, Endpoint},
    options::{ConnectOptions, Environment},
    proxy::proxy_for,
};

/// A client configuration, and how error messages name its target.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) endpoint: Arc<Endpoint>,
}

/// Finds the one cluster that the operator named.
pub(super) fn load(
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<Loaded, ClusterError> {
    match locate(options, environment)? {
        Some((kubeconfig, origin)) => {
            let context = select(&kubeconfig, options.context.as_deref(), &origin)?;
            configure(&kubeconfig, context, &origin, options.connect_timeout, environment)
        }
        None => in_cluster(options),
    }
}

/// The kubeconfig and where it came from; `None` where the pod's service account is to be used.
fn locate(
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<Option<(Kubeconfig, String)>, ClusterError> {
    if let Some(path) = &options.kubeconfig {
        return Ok(Some((read(path)?, path.display().to_string())));
    }
    if let Some(list) = &environment.kubeconfig {
        return merge(list).map(Some);
    }
    let default = environment.home.as_ref().map(|home| home.join(".kube/config"));
    if let Some(path) = default.filter(|path| path.exists()) {
        return Ok(Some((read(&path)?, path.display().to_string())));
    }
    if environment.in_cluster {
        return Ok(None);
    }
    Err(ClusterError::NoKubeconfig {
        searched: "KUBECONFIG is not set, ~/.kube/config does not exist".into(),
    })
}

/// The files of `KUBECONFIG`, the first to say something winning. As with kubectl a file that
/// doesn't exist is passed over; one that can't be read isn't.
fn merge(list: &OsString) -> Result<(Kubeconfig, String), ClusterError> {
    let mut merged = Kubeconfig::default();
    let mut origins = Vec::new();
    for path in std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()) {
        match read(&path) {
            Ok(next) => {
                let malformed = |error: KubeconfigError| ClusterError::KubeconfigMalformed {
                    path: path.clone(),
                    reason: error.to_string(),
                };
                merged = merged.merge(next).map_err(malformed)?;
                origins.push(path.display().to_string());
            }
            Err(ClusterError::KubeconfigUnreadable { source, .. })
                if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if origins.is_empty() {
        let searched = format!("no file in KUBECONFIG exists ({})", list.display());
        return Err(ClusterError::NoKubeconfig { searched });
    }
    Ok((merged, origins.join(" and ")))
}

fn read(path: &Path) -> Result<Kubeconfig, ClusterError> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(source, path) => {
            ClusterError::KubeconfigUnreadable { path, source }
        }
        other => ClusterError::KubeconfigMalformed {
            path: path.to_owned(),
            reason: one_line(&other.to_string()),
        },
    })?;
    if kubeconfig.kind.as_deref().is_some_and(|kind| kind != "Config") {
        let reason = "kind is not Config".to_owned();
        return Err(ClusterError::KubeconfigMalformed { path: path.to_owned(), reason });
    }
    Ok(kubeconfig)
}

/// The parser draws the place under its first line; the line says it all.
fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The name of the context that is asked for, or else of the current one. None is ever picked
/// because it happens to be the only one.
fn select<'a>(
    kubeconfig: &'a Kubeconfig,
    asked: Option<&'a str>,
    origin: &str,
) -> Result<&'a str, ClusterError> {
    let known = || kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let current = kubeconfig.current_context.as_deref().filter(|name| !name.is_empty());
    let Some(name) = asked.or(current) else {
        return Err(ClusterError::NoCurrentContext { origin: origin.to_owned(), known: known() });
    };
    if kubeconfig.contexts.iter().any(|context| context.name == name) {
        return Ok(name);
    }
    let context = name.to_owned();
    Err(ClusterError::UnknownContext { context, origin: origin.to_owned(), known: known() })
}

fn configure(
    kubeconfig: &Kubeconfig,
    name: &str,
    origin: &str,
    connect_timeout: Duration,
    environment: &Environment,
) -> Result<Loaded, ClusterError> {
    let incomplete = |missing: String| ClusterError::ContextIncomplete {
        context: name.to_owned(),
        origin: origin.to_owned(),
        missing,
    };
    let context = kubeconfig
        .contexts
        .iter()
        .find(|context| context.name == name)
        .and_then(|context| context.context.as_ref())
        .ok_or_else(|| incomplete("it has no fields".into()))?;
    let cluster = kubeconfig
        .clusters
        .iter()
        .find(|cluster| cluster.name == context.cluster)
        .and_then(|cluster| cluster.cluster.as_ref())
        .ok_or_else(|| incomplete(format!("cluster \"{}\" is not defined", context.cluster)))?;
    let server = cluster
        .server
        .as_deref()
        .filter(|server| !server.is_empty())
        .ok_or_else(|| incomplete(format!("cluster \"{}\" has no server", context.cluster)))?;
    let mut endpoint = Endpoint {
        url: server.to_owned(),
        context: Some(name.to_owned()),
        proxy: None,
        connect_timeout,
    };

    let mut auth_info = match context.user.as_deref().filter(|user| !user.is_empty()) {
        Some(user) => kubeconfig
            .auth_infos
            .iter()
            .find(|auth| auth.name == user)
            .map(|auth| auth.auth_info.clone().unwrap_or_default())
            .ok_or_else(|| incomplete(format!("user \"{user}\" is not defined")))?,
        None => AuthInfo::default(),
    };
    let unreadable = |reason: String| ClusterError::CredentialsUnreadable {
        endpoint: Arc::new(endpoint.clone()),
        reason,
    };
    // The type made for credential plugins also loads the cluster's certificate authority.
    let plugin_view =
        ExecAuthCluster::try_from(cluster).map_err(|error| unreadable(error.to_string()))?;
    let root_cert = match &plugin_view.certificate_authority_data {
        Some(pem) => Some(certificates(pem).map_err(unreadable)?),
        None => None,
    };
    if let Some(exec) = auth_info.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some(plugin_view);
    }

    let mut config = Config::new(server_uri(server).map_err(|reason| {
        ClusterError::ServerAddress { endpoint: Arc::new(endpoint.clone()), reason }
    })?);
    config.default_namespace = context.namespace.clone().unwrap_or_else(|| "default".to_owned());
    config.root_cert = root_cert;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name.clone().filter(|name| !name.is_empty());
    config.auth_info = auth_info;
    if let Some(proxy) = proxy_for(&config.cluster_url, cluster.proxy_url.as_deref(), environment) {
        let uri = proxy_uri(proxy).map_err(|reason| ClusterError::Proxy {
            endpoint: Arc::new(endpoint.clone()),
            proxy: without_password(proxy),
            reason,
        })?;
        endpoint.proxy = Some(without_password(proxy));
        config.proxy_url = Some(uri);
    }
    Ok(Loaded { config, endpoint: Arc::new(endpoint) })
}

fn in_cluster(options: &ConnectOptions) -> Result<Loaded, ClusterError> {
    if let Some(context) = &options.context {
        return Err(ClusterError::UnknownContext {
            context: context.clone(),
            origin: "the pod's service account".to_owned(),
            known: Vec::new(),
        });
    }
    let config = Config::incluster()
        .map_err(|error| ClusterError::ServiceAccount { reason: error.to_string() })?;
    let endpoint = Endpoint {
        url: config.cluster_url.to_string(),
        context: None,
        proxy: None,
        connect_timeout: options.connect_timeout,
    };
    Ok(Loaded { config, endpoint: Arc::new(endpoint) })
}

/// The certificates of a PEM bundle, in DER.
fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let ders: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect();
    match ders {
        Ok(ders) if ders.is_empty() => {
            Err("the certificate authority contains no certificate".into())
        }
        Ok(ders) => Ok(ders),
        Err(error) => Err(format!("the certificate authority is not PEM: {error}")),
    }
}

fn server_uri(server: &str) -> Result<Uri, String> {
    let uri: Uri = server.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https" | "http"), Some(_)) => Ok(uri),
        (Some("https" | "http") | None, _) => Err("expected https://host:port".into()),
        (Some(scheme), _) => Err(format!("unsupported scheme {scheme}, expected https or http")),
    }
}

/// A proxy's address; like other tools' a bare `host:port` means `http://host:port`.
fn proxy_uri(proxy: &str) -> Result<Uri, String> {
    let full = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let uri: Uri = full.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") => Ok(uri),
        scheme => Err(format!(
            "unsupported scheme {}, expected http, https or socks5",
            scheme.unwrap_or_default()
        )),
    }
}

/// A proxy's address as it may be shown.
fn without_password(proxy: &str) -> String {
    match (proxy.split_once("://"), proxy.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => proxy.to_owned(),
    }
}
