//! Building the client of the Kubernetes API, credentials included.

use std::sync::Arc;

use http::{Request, Response};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder, ConfigExt, DynBody, middleware::AuthLayer},
};
use tokio::{sync::oneshot, time::timeout};
use tower::{
    BoxError, buffer::BufferLayer, retry::RetryLayer, timeout::TimeoutLayer, util::BoxService,
};

use super::{
    classify::plugin_reason,
    error::{ClusterError, Endpoint},
    retry::Retry,
};

/// Requests that may wait for the connection pool at the same time.
const QUEUE: usize = 1024;

/// Builds the client. Runs the kubeconfig's credential plugin, where it has one, and that on a
/// thread which the process needn't wait for: a plugin can hang.
pub(super) async fn client(
    config: Config,
    endpoint: &Arc<Endpoint>,
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
    let patience = endpoint.answer_timeout();
    let prepared = timeout(patience, receiver).await;
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
        Err(_) => {
            let seconds = patience.as_secs_f64();
            return Err(plugin_failed(format!(
                "it returned no credentials within {seconds} s; if it needs you to log in, run it once \
                 manually, or give it more time with --connect-timeout"
            )));
        }
    };
    let answer = TimeoutLayer::new(endpoint.answer_timeout());
    let retry = RetryLayer::new(Retry::default());
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
