//! Which requests are sent again, how often and after how long.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use kube::client::Body;
use tokio::time::{Sleep, sleep};
use tower::{BoxError, retry::Policy};

/// How often one request is sent again.
const AGAIN: u32 = 4;
/// The wait before the first repetition; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait that the API server's Retry-After (RFC 9110, section 10.2.3) may ask for: an
/// operator waits for us.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Sends a request again only where the API server said that it didn't act on it: 429 always, 503
/// and 504 for methods that may be repeated. Nothing else is tried twice: a connection that fails
/// is reported.
#[derive(Clone, Debug, Default)]
pub(super) struct Retry {
    tried: u32,
}

impl<R> Policy<Request<Body>, Response<R>, BoxError> for Retry {
    type Future = Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<R>, BoxError>,
    ) -> Option<Sleep> {
        let response = result.as_ref().ok()?;
        // Each PATCH of ours may be repeated: a server-side apply, and merge patches that set fields
        // to fixed values (of our Leases, of the spec of a Service of ours), or change nothing (of
        // metadata, to check whether an object is still there). A POST might create a second object.
        // What the API server's proxy passes on from a Service is no answer of the API server's.
        let repeatable = *request.method() != Method::POST
            && !request.headers().contains_key(header::UPGRADE)
            && !request.uri().path().ends_with("/proxy/");
        let again = match response.status() {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => repeatable,
            _ => false,
        };
        if !again || self.tried >= AGAIN {
            return None;
        }
        let asked = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let wait = asked.unwrap_or(FIRST_WAIT * 2_u32.pow(self.tried)).min(LONGEST_WAIT);
        self.tried += 1;
        tracing::debug!(
            "{} {}: HTTP {}, sent again after {wait:?}",
            request.method(),
            request.uri().path(),
            response.status()
        );
        Some(sleep(wait))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut copy = Request::new(request.body().try_clone()?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Result<Response<()>, BoxError> {
        Ok(Response::builder().status(status).body(()).unwrap())
    }

    fn request(method: Method) -> Request<Body> {
        Request::builder().method(method).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn a_busy_server_is_asked_again_a_bounded_number_of_times() {
        let mut policy = Retry::default();
        let again = (0..100)
            .take_while(|_| policy.retry(&mut request(Method::POST), &mut answer(429)).is_some())
            .count();
        assert_eq!(again, 4);
    }

    #[tokio::test]
    async fn what_may_have_been_done_is_not_done_twice() {
        for (method, status, again) in [
            (Method::GET, 503, true),
            (Method::PATCH, 504, true),
            (Method::POST, 503, false),
            (Method::GET, 500, false),
            (Method::GET, 403, false),
        ] {
            let mut request = request(method);
            let retried = Retry::default().retry(&mut request, &mut answer(status)).is_some();
            assert_eq!(retried, again, "{} {status}", request.method());
        }
        let failed = &mut Err::<Response<()>, _>("connection reset".into());
        assert!(Retry::default().retry(&mut request(Method::GET), failed).is_none());
        let mut exec = request(Method::GET);
        exec.headers_mut().insert(header::UPGRADE, "websocket".parse().unwrap());
        assert!(Retry::default().retry(&mut exec, &mut answer(503)).is_none());
        let mut proxied = request(Method::GET);
        *proxied.uri_mut() = "/api/v1/namespaces/a/services/http:b:80/proxy/".parse().unwrap();
        assert!(Retry::default().retry(&mut proxied, &mut answer(503)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_can_not_ask_for_an_endless_wait() {
        let mut answer: Result<Response<()>, BoxError> =
            Ok(Response::builder().status(429).header("Retry-After", "3600").body(()).unwrap());
        let wait = Retry::default().retry(&mut request(Method::GET), &mut answer).unwrap();
        assert_eq!(wait.deadline(), tokio::time::Instant::now() + LONGEST_WAIT);
    }
}
