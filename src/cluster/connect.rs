//! Reaching the API server that the operator named.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

use http::{Request, Response, StatusCode, header};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::{
    Client, Config,
    client::{Body, ClientBuilder, ConfigExt, DynBody, middleware::AuthLayer},
    core::Status,
};
use tokio::{sync::oneshot, time::timeout};
use tower::{
    BoxError, buffer::BufferLayer, retry::RetryLayer, timeout::TimeoutLayer, util::BoxService,
};

use super::{
    Cluster, ServerClock, certificate,
    error::{ClusterError, Endpoint},
    kubeconfig::{Environment, Loaded, load},
    retry::Retry,
    sort::plugin_reason,
};
use crate::facts::Server;

/// How long a connection may stay silent in the middle of an answer. Long, because a watch says
/// nothing while nothing happens; what must be quicker has a deadline of its own.
const SILENCE: Duration = Duration::from_secs(300);
/// How long sending a request may stall.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests that may wait for the connection pool at the same time.
const QUEUE: usize = 1024;
/// The first Kubernetes whose dual-stack is stable.
const OLDEST: (u32, u32) = (1, 23);

/// Which cluster, and how patient to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// `--kubeconfig`; `None` for `KUBECONFIG`, `~/.kube/config` or the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`; `None` for the current one.
    pub context: Option<String>,
    /// How long the API server may take to accept a connection, and to say its version. Later
    /// answers may take three times as long to begin.
    pub patience: Duration,
    /// How long a credential plugin may take. It may be waiting for a person to log in.
    pub plugin_patience: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            patience: Duration::from_secs(10),
            plugin_patience: Duration::from_secs(120),
        }
    }
}

/// Connects to the cluster that the operator named and asks its version. Creates nothing.
///
/// Every request of the client begins to be answered within three times the patience or fails; a
/// request is sent again only where the API server said that it didn't act on it (429, or 503 and
/// 504 for methods that may be repeated), at most four times with waits of at most two seconds.
///
/// # Errors
///
/// [`ClusterError`], of which [`ClusterError::exit`] tells trouble with the kubeconfig from trouble
/// with the cluster.
pub async fn connect(options: &ConnectOptions) -> Result<Cluster, ClusterError> {
    connect_in(options, &Environment::of_process()).await
}

/// [`connect()`] in a given environment.
///
/// # Errors
///
/// As [`connect()`].
pub async fn connect_in(
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<Cluster, ClusterError> {
    let Loaded { mut config, endpoint } = load(options, environment)?;
    config.connect_timeout = Some(endpoint.patience);
    config.read_timeout = Some(SILENCE);
    // Otherwise the time that a connection sat idle would count against the next answer.
    config.reset_reader_on_write = true;
    config.write_timeout = Some(WRITE_TIMEOUT);
    // Its default waits for as long as the server says, up to fifteen times.
    config.default_retry = false;

    let not_after = certificate::not_after(&config.auth_info);
    let repeated = Arc::new(AtomicU32::new(0));
    let plugin_patience = options.plugin_patience;
    let client = client(config, &endpoint, plugin_patience, Arc::clone(&repeated)).await?;
    let hello = timeout(endpoint.patience, hello(&client, &endpoint)).await;
    let (version, clock) = hello.unwrap_or_else(|_| {
        Err(ClusterError::Silent {
            endpoint: Arc::clone(&endpoint),
            doing: VERSION.to_owned(),
            after: endpoint.patience,
        })
    })?;
    match version {
        Ok(version) => {
            let server = Server {
                context: endpoint.context.clone(),
                url: endpoint.url.clone(),
                version: version.git_version.clone(),
            };
            if release(&version).is_some_and(|release| release < OLDEST) {
                let version = version.git_version;
                return Err(ClusterError::TooOld { endpoint, version });
            }
            Ok(Cluster { client, server, clock, endpoint, repeated })
        }
        // Whether our certificate has expired is for the server's clock to say.
        Err(refusal) if refusal.code == 401 => match not_after.filter(|end| *end < clock.now()) {
            Some(not_after) => {
                let now = clock.now();
                Err(ClusterError::CertificateExpired { endpoint, not_after, now })
            }
            None => Err(ClusterError::from_status(endpoint, VERSION, &refusal)),
        },
        Err(refusal) => Err(ClusterError::from_status(endpoint, VERSION, &refusal)),
    }
}

/// The request that everything begins with.
pub(super) const VERSION: &str = "get /version";

/// Asks the API server for its version and its time; a refusal is an answer too.
async fn hello(
    client: &Client,
    endpoint: &Arc<Endpoint>,
) -> Result<(Result<Info, Status>, ServerClock), ClusterError> {
    let failed = |error| ClusterError::from_kube(endpoint, VERSION, error);
    let stranger = |answer| ClusterError::NotKubernetes { endpoint: Arc::clone(endpoint), answer };
    let request = Request::get("/version")
        .body(Body::empty())
        .map_err(|error| failed(kube::Error::HttpError(error)))?;
    let sent = Instant::now();
    let response = client.send(request).await.map_err(failed)?;
    let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    let clock = ServerClock::from_date(date, sent);
    let code = response.status();
    let body = response.into_body().collect_bytes().await.map_err(failed)?;
    if code == StatusCode::OK {
        return match serde_json::from_slice(&body) {
            Ok(version) => Ok((Ok(version), clock)),
            Err(_) => Err(stranger("its /version is no version".to_owned())),
        };
    }
    match serde_json::from_slice::<Status>(&body) {
        Ok(mut status) => {
            status.code = code.as_u16();
            Ok((Err(status), clock))
        }
        // Load balancers and login pages answer in words of their own.
        Err(_) if matches!(code.as_u16(), 401 | 403) => {
            let text = format!("HTTP {code}");
            Ok((Err(Status::failure(&text, "").with_code(code.as_u16())), clock))
        }
        Err(_) => Err(stranger(format!("it answers /version with HTTP {code}"))),
    }
}

/// `(1, 29)` of major `1` and minor `29+`.
fn release(version: &Info) -> Option<(u32, u32)> {
    let number = |text: &str| {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text.get(..digits)?.parse().ok()
    };
    Some((number(&version.major)?, number(&version.minor)?))
}

/// Builds the client. Runs the kubeconfig's credential plugin, where it has one, and that on a
/// thread which the process needn't wait for: a plugin can hang.
async fn client(
    config: Config,
    endpoint: &Arc<Endpoint>,
    plugin_patience: Duration,
    repeated: Arc<AtomicU32>,
) -> Result<Client, ClusterError> {
    let exec = config.auth_info.exec.as_ref();
    let command = exec.and_then(|exec| exec.command.clone());
    let install_hint = exec.and_then(|exec| exec.install_hint.clone());
    let plugin_failed = |reason: String| ClusterError::CredentialPlugin {
        endpoint: Arc::clone(endpoint),
        command: command.clone().unwrap_or_default(),
        reason,
        install_hint: install_hint.clone(),
    };
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("credentials".to_owned())
        .spawn(move || _ = sender.send(prepare(config)))
        .map_err(|error| plugin_failed(error.to_string()))?;
    let prepared = timeout(plugin_patience, receiver).await;
    let late =
        || plugin_failed(format!("it gave nothing within {} s", plugin_patience.as_secs_f64()));
    let (builder, auth) = match prepared {
        Ok(Ok(Ok(prepared))) => prepared,
        Ok(Ok(Err(kube::Error::Auth(error)))) if command.is_some() => {
            return Err(plugin_failed(plugin_reason(&error)));
        }
        Ok(Ok(Err(error))) => {
            let endpoint = Arc::clone(endpoint);
            return Err(ClusterError::unusable(endpoint, &error));
        }
        Ok(Err(_)) => return Err(plugin_failed("it ended unexpectedly".to_owned())),
        Err(_) => return Err(late()),
    };
    let answer = TimeoutLayer::new(endpoint.answer_timeout());
    let retry = RetryLayer::new(Retry::new(repeated));
    let builder = builder.with_layer(&BufferLayer::new(QUEUE));
    Ok(match auth {
        Some(auth) => builder.with_layer(&auth).with_layer(&answer).with_layer(&retry).build(),
        None => builder.with_layer(&answer).with_layer(&retry).build(),
    })
}

/// The service that kube's default stack comes down to.
type Transport = BoxService<Request<Body>, Response<Box<DynBody>>, BoxError>;

/// A client in the making, and what authenticates its requests where kube's stack doesn't.
type Prepared = (ClientBuilder<Transport>, Option<AuthLayer>);

/// Reads keys and certificates and asks the credential plugin. May block.
fn prepare(mut config: Config) -> kube::Result<Prepared> {
    // Left to itself kube runs the plugin three times over. A plugin that gives a token has its
    // layer put on by us; one that gives a certificate must be left to kube.
    let auth = match &config.auth_info.exec {
        Some(_) => config.auth_layer()?,
        None => None,
    };
    if auth.is_some() {
        config.auth_info.exec = None;
    }
    Ok((ClientBuilder::try_from(config)?, auth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_may_carry_a_plus() {
        let version = |major: &str, minor: &str| Info {
            major: major.into(),
            minor: minor.into(),
            ..Info::default()
        };
        assert_eq!(release(&version("1", "29+")), Some((1, 29)));
        assert_eq!(release(&version("1", "")), None);
        assert!(release(&version("1", "9")).unwrap() < OLDEST);
    }
}
