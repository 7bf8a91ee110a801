//! Reaching the API server that the operator named.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Request, StatusCode, header};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::{Client, client::Body, core::Status};
use tokio::time::timeout;

use super::{
    Cluster, Server, ServerClock, certificate,
    classify::VERSION,
    client::client,
    error::{ClusterError, Endpoint},
    kubeconfig::{Loaded, load},
    options::{ConnectOptions, Environment},
    serving::Serving,
};

/// How long a connection may stay silent in the middle of an answer. Long, because a watch says
/// nothing while nothing happens; what must be quicker has a deadline of its own.
const SILENCE: Duration = Duration::from_secs(300);
/// How long sending a request may stall.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The first Kubernetes whose dual-stack is stable.
const OLDEST: (u32, u32) = (1, 23);

/// Connects to the cluster that the operator named and asks its version. Creates nothing.
///
/// Every request of the client begins to be answered within three times the connect timeout or fails; a
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
#[tracing::instrument(name = "connect", skip_all)]
pub async fn connect_in(
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<Cluster, ClusterError> {
    let Loaded { mut config, endpoint } = load(options, environment)?;
    config.connect_timeout = Some(endpoint.connect_timeout);
    config.read_timeout = Some(SILENCE);
    // Otherwise the time that a connection sat idle would count against the next answer.
    config.reset_reader_on_write = true;
    config.write_timeout = Some(WRITE_TIMEOUT);
    // Its default waits for as long as the server says, up to fifteen times.
    config.default_retry = false;

    let not_after = certificate::not_after(&config.auth_info);
    let serving = Serving::of(&config);
    let client = client(config, &endpoint).await?;
    let asked = timeout(endpoint.connect_timeout, ask_version(&client, &endpoint)).await;
    let (version, clock) = asked.unwrap_or_else(|_| {
        Err(ClusterError::TimedOut {
            endpoint: Arc::clone(&endpoint),
            doing: VERSION.to_owned(),
            after: endpoint.connect_timeout,
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
            tracing::info!(
                version = server.version,
                clock_ahead_ms = clock.ahead_ms(),
                "connected"
            );
            Ok(Cluster { client, server, clock, endpoint, serving })
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

/// Asks the API server for its version and its time; a refusal is an answer too.
async fn ask_version(
    client: &Client,
    endpoint: &Arc<Endpoint>,
) -> Result<(Result<Info, Status>, ServerClock), ClusterError> {
    let failed = |error| ClusterError::from_kube(endpoint, VERSION, error);
    let not_kubernetes =
        |answer| ClusterError::NotKubernetes { endpoint: Arc::clone(endpoint), answer };
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
            Err(_) => Err(not_kubernetes("/version returned no version".to_owned())),
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
        Err(_) => Err(not_kubernetes(format!("/version returned HTTP {code}"))),
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
