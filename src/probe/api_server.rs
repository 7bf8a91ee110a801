//! Probes that the API server carries out: a GET that its proxy passes on to a pod behind a Service.
//!
//! The proxy takes the Service's Endpoints, which have its first family, and connects from the API
//! server to a pod directly, as it does for admission webhooks; where it has an egress selector
//! (Konnectivity), by that.

use std::time::Duration;

use futures::{StreamExt, stream};
use kube::{Client, Error};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Batch, MISSING_PERMISSION, Observation, Outcome, Sink, Target,
    answer::{Identification, stranger},
    failure,
    policy::{Patience, pursue},
};

/// How many requests are under way at once.
const PARALLEL: usize = 2;
/// How long to wait before asking again, where the API server knows no endpoints yet.
const PAUSE: Duration = Duration::from_millis(200);

/// What stands before the reason for which the API server could not reach a pod.
const NOT_REACHED: &str = "error trying to reach service: ";
/// What the API server says if it has no endpoint to connect to.
const NO_ENDPOINTS: &str = "no endpoints available";

/// Carries out a batch by the API server's proxy, in the run's namespace.
pub(super) async fn carry_out(client: &Client, namespace: &str, probes: Batch, sink: &Sink) {
    let start = Instant::now();
    stream::iter(probes)
        .for_each_concurrent(PARALLEL, async |(id, probe)| {
            let attempt = |limit| attempt(client, namespace, &probe.target, limit);
            let (attempts, lost) = pursue(probe.attempts, start, Patience::Whole, attempt).await;
            // Nobody listens any more where the run is over.
            let _ = sink.send((id, Observation { attempts, lost }));
        })
        .await;
}

/// One attempt, or why it says nothing of the way from the API server to the pod.
async fn attempt(
    client: &Client,
    namespace: &str,
    target: &Target,
    limit: Duration,
) -> Result<Outcome, String> {
    let Target::Proxied { service, port, .. } = target else {
        return Err(format!("the API server has no proxy for {target}"));
    };
    let path = format!("/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy/");
    let mut knows_nobody = false;
    let mut reset = false;
    let trying = async {
        loop {
            match get(client, &path).await {
                Err(Error::Api(status)) if status.message.starts_with(NO_ENDPOINTS) => {
                    knows_nobody = true;
                    sleep(PAUSE).await;
                }
                // It keeps connections to pods for the next request, and one that the pod has closed
                // meanwhile says nothing of the way there; nor does an API server that is being stopped.
                Err(Error::Api(status)) if !reset && is_reset(&status.message) => {
                    reset = true;
                    sleep(PAUSE).await;
                }
                other => return other,
            }
        }
    };
    let tried = timeout(limit, trying).await;
    match tried {
        Ok(Ok(body)) => Ok(match Identification::read(&body) {
            Some(identification) => {
                let received = body.len().saturating_sub(identification.length);
                identification.outcome(received, 0)
            }
            None => stranger(None, &body),
        }),
        Ok(Err(Error::Api(status))) => match status.message.strip_prefix(NOT_REACHED) {
            Some(reason) => of_reason(reason),
            None if status.code == 403 => {
                Err(format!("{MISSING_PERMISSION} get services/proxy in namespace {namespace}"))
            }
            None => Err(format!("the API server said: {}", status.message)),
        },
        Ok(Err(error)) => Err(format!("the request to the API server failed: {error}")),
        Err(_) if knows_nobody => {
            Err(format!("the API server knows no endpoints of Service {service}"))
        }
        // It may wait for the pod, or be slow itself: one that answers at once waits.
        Err(_) => match timeout(limit, get(client, "/version")).await {
            Ok(Ok(_)) => Ok(Outcome::TimedOut),
            _ => Err(format!("no answer from the API server in {limit:?}")),
        },
    }
}

/// Whether the API server's connection to the pod was closed under its hands.
fn is_reset(message: &str) -> bool {
    let reason = message.strip_prefix(NOT_REACHED);
    reason.is_some_and(|reason| of_reason(reason) == Ok(Outcome::Reset))
}

async fn get(client: &Client, path: &str) -> Result<String, Error> {
    let request = http::Request::get(path).body(Vec::new()).map_err(Error::HttpError)?;
    client.request_text(request).await
}

/// What Go's words for a failed connection mean: `dial tcp [fd00::5]:8080: connect: connection
/// refused`.
fn of_reason(reason: &str) -> Result<Outcome, String> {
    let words = reason.rsplit(": ").next().unwrap_or(reason);
    if ["i/o timeout", "deadline exceeded"].iter().any(|late| words.ends_with(late)) {
        return Ok(Outcome::TimedOut);
    }
    if words == "EOF" {
        return Ok(Outcome::Reset);
    }
    // Go writes the C library's words in lower case.
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    let said = first.unwrap_or_default() + letters.as_str();
    failure::of_words(&said).ok_or_else(|| format!("the API server could not try: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_met_with_is_told_apart() {
        let of = |words: &str| of_reason(&format!("dial tcp [fd00::5]:8080: {words}"));
        assert_eq!(of("connect: connection refused"), Ok(Outcome::Refused));
        assert_eq!(of("i/o timeout"), Ok(Outcome::TimedOut));
        assert_eq!(of("connect: connection timed out"), Ok(Outcome::TimedOut));
        let detail = "No route to host".to_owned();
        assert_eq!(of("connect: no route to host"), Ok(Outcome::Unreachable { detail }));
        let detail = "Network is unreachable".to_owned();
        assert_eq!(of("connect: network is unreachable"), Ok(Outcome::Unreachable { detail }));
        assert_eq!(of_reason("EOF"), Ok(Outcome::Reset));
        assert_eq!(of_reason("context deadline exceeded"), Ok(Outcome::TimedOut));
    }

    #[test]
    fn a_connection_that_was_closed_is_told_from_one_that_never_was() {
        assert!(is_reset("error trying to reach service: EOF"));
        let read = "read tcp 10.0.0.1:5->10.0.0.2:8080: read: connection reset by peer";
        assert!(is_reset(&format!("{NOT_REACHED}{read}")));
        assert!(!is_reset("error trying to reach service: dial tcp 10.0.0.2:8080: i/o timeout"));
        assert!(!is_reset("no endpoints available for service"));
    }

    #[test]
    fn what_says_nothing_of_the_network_is_no_outcome() {
        assert!(of_reason("dial tcp: too many open files").is_err());
        assert!(of_reason("No agent available").is_err());
    }
}
