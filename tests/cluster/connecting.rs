//! API servers that can't be reached or refuse us.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use dualstack::{
    cluster::{ClusterError, Environment, connect_in},
    exit::Exit,
};
use serde_json::json;

use crate::fake::{Answer, Fake, impatient, options, version};

#[tokio::test]
async fn what_is_about_to_be_touched_is_known_before_anything_is_created() {
    let fake = Fake::start(|request| {
        assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/version"));
        version()
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    assert_eq!(cluster.server.context.as_deref(), Some("here"));
    assert_eq!(cluster.server.url, fake.url);
    assert_eq!(cluster.server.version, "v1.36.3");
}

#[tokio::test]
async fn leases_go_by_the_servers_clock() {
    let fake = Fake::start(|_| {
        let date = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
        Answer::Text(
            200,
            date,
            r#"{"major": "1", "minor": "36", "gitVersion": "v1.36.3",
            "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "",
            "compiler": "", "platform": ""}"#,
        )
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    assert!(cluster.clock.now().to_string().starts_with("1994-11-15T08:"));
}

#[tokio::test]
async fn a_refused_connection() {
    let fake = Fake::start(|_| version()).await;
    let path = fake.kubeconfig(json!({}), json!({}));
    // The port was ours a moment ago: nothing listens there now.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", closed.local_addr().unwrap());
    drop(closed);
    let config = std::fs::read_to_string(&path).unwrap().replace(&fake.url, &url);
    std::fs::write(&path, config).unwrap();
    let error = connect_in(&options(path), &Environment::default()).await.unwrap_err();
    assert_eq!(
        error.to_string().replace(&url, "URL"),
        "connection refused by the API server URL (context here): nothing is listening there; check \
         that the cluster is running, and the address and port in the kubeconfig"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing() {
    for scheme in ["http", "https"] {
        let fake = Fake::raw(scheme, |stream| async move {
            let _held_open = stream;
            std::future::pending::<()>().await;
        })
        .await;
        let options = impatient(fake.kubeconfig(json!({}), json!({})));
        let result = connect_in(&options, &Environment::default()).await;
        assert_eq!(
            fake.refused(result),
            "timed out after 0.2 s waiting for the API server URL (context here) (get /version); \
             check that it is healthy, and any firewall in between",
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_later_on() {
    let fake = Fake::start(|request| match request.uri().path() {
        "/version" => version(),
        _ => Answer::Hang,
    })
    .await;
    let options = impatient(fake.kubeconfig(json!({}), json!({})));
    let cluster = connect_in(&options, &Environment::default()).await.unwrap();
    let error = dualstack::facts::gather(&cluster, &[]).await.unwrap_err();
    let sentence = fake.sentence(&error);
    assert!(
        sentence
            .starts_with("timed out after 0.6 s waiting for the API server URL (context here) ("),
        "{sentence}"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}

#[tokio::test]
async fn a_connection_that_breaks() {
    let fake = Fake::start(|_| Answer::Close).await;
    let sentence = fake.refused(fake.connect().await);
    assert!(
        sentence.starts_with(
            "lost the connection to the API server URL (context here) (get /version): "
        ),
        "{sentence}"
    );
    assert!(
        sentence.ends_with(
            " (does the kubeconfig need https?); check that it is still running, and try again"
        ),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_name_that_has_no_address() {
    let fake = Fake::start(|_| version()).await;
    // A label of 64 characters is one too many (RFC 1035, section 2.3.4): it fails on this
    // machine, without a question to anybody.
    let host = format!("{}.example", "x".repeat(64));
    let path = fake.kubeconfig(json!({}), json!({}));
    let url = format!("http://{host}:6443");
    let config = std::fs::read_to_string(&path).unwrap().replace(&fake.url, &url);
    std::fs::write(&path, config).unwrap();
    let error = connect_in(&options(path), &Environment::default()).await.unwrap_err();
    let sentence = error.to_string().replace(&url, "URL").replace(&host, "HOST");
    assert!(
        sentence
            .starts_with("cannot resolve HOST, the name of the API server URL (context here): "),
        "{sentence}"
    );
    assert!(
        sentence.ends_with(
            "; check the server in the kubeconfig, this machine's DNS, and the VPN if the cluster \
             needs one"
        ),
        "{sentence}"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}

#[tokio::test]
async fn credentials_that_are_not_accepted() {
    let fake = Fake::start(|_| Answer::status(401, "Unauthorized", "Unauthorized")).await;
    assert_eq!(
        fake.refused(fake.connect().await),
        "the API server URL (context here) rejected the credentials (Unauthorized); log in again or \
         fetch a new kubeconfig, and check with `kubectl auth whoami`"
    );
}

#[tokio::test]
async fn credentials_that_are_no_longer_accepted_in_the_middle() {
    let fake = Fake::start(|request| match request.uri().path() {
        "/version" => version(),
        _ => Answer::status(401, "Unauthorized", "Unauthorized"),
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    let error = dualstack::facts::gather(&cluster, &[]).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unauthorized { .. }), "{error:?}");
    assert_eq!(error.exit(), Exit::Cluster);
}

#[tokio::test]
async fn a_user_who_may_not_even_ask_for_the_version() {
    let fake = Fake::start(|_| Answer::forbidden()).await;
    assert_eq!(
        fake.refused(fake.connect().await),
        "missing permission: get /version (jane may not) on the API server URL (context here); ask \
         for it, or use a context that has it"
    );
}

#[tokio::test]
async fn something_else_than_kubernetes() {
    let html = ("content-type", "text/html");
    for (code, said) in [
        (200, "/version returned no version"),
        (404, "/version returned HTTP 404 Not Found"),
        (502, "/version returned HTTP 502 Bad Gateway"),
    ] {
        let fake = Fake::start(move |_| Answer::Text(code, html, "<html>Welcome</html>")).await;
        assert_eq!(
            fake.refused(fake.connect().await),
            format!(
                "the server at URL (context here) is not a Kubernetes API server: {said}; check the \
                 server in the kubeconfig, and whether a proxy or a login page answers instead"
            )
        );
    }
    let fake = Fake::start(move |_| Answer::Text(401, html, "<html>Log in</html>")).await;
    let sentence = fake.refused(fake.connect().await);
    assert!(sentence.contains("rejected the credentials (HTTP 401"), "{sentence}");
}

#[tokio::test]
async fn a_server_from_before_dual_stack() {
    let fake = Fake::start(|_| {
        Answer::Json(
            200,
            json!({"major": "1", "minor": "22+", "gitVersion": "v1.22.17-eks-1",
            "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "",
            "compiler": "", "platform": ""}),
        )
    })
    .await;
    assert_eq!(
        fake.refused(fake.connect().await),
        "the API server URL (context here) is Kubernetes v1.22.17-eks-1, which is too old: \
         dual-stack is stable since 1.23 (KEP-563); upgrade the cluster"
    );
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    let fake = Fake::start(move |_| match counter.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::Text(429, ("retry-after", "0"), "later"),
        _ => version(),
    })
    .await;
    fake.connect().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up() {
    let fake = Fake::start(|_| {
        Answer::Text(
            503,
            ("retry-after", "0"),
            r#"{"kind": "Status", "apiVersion": "v1",
            "status": "Failure", "message": "starting", "reason": "", "code": 503}"#,
        )
    })
    .await;
    assert_eq!(
        fake.refused(fake.connect().await),
        "cannot get /version: the API server URL (context here) answered: starting"
    );
}

#[tokio::test]
async fn a_proxy_that_is_down_is_named_instead_of_the_server() {
    let fake = Fake::start(|_| version()).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let proxy = format!("http://jane:s3cret@127.0.0.1:{port}");
    let result = fake.connect_as(json!({}), json!({"proxy-url": proxy})).await;
    let sentence = fake.refused(result).replace(&port.to_string(), "PORT");
    assert_eq!(
        sentence,
        "connection refused by the proxy http://127.0.0.1:PORT for the API server URL: nothing is \
         listening there; check that it is running, and the address and port in the kubeconfig"
    );

    let error = fake.connect_as(json!({}), json!({"proxy-url": "gopher://x"})).await.unwrap_err();
    assert_eq!(
        fake.sentence(&error),
        "cannot use the proxy gopher://x for URL (context here): unsupported scheme gopher, expected \
         http, https or socks5; fix proxy-url in the kubeconfig or HTTPS_PROXY, or add the API \
         server's host to NO_PROXY"
    );
    assert_eq!(error.exit(), Exit::Usage);
}

#[tokio::test]
async fn a_proxy_of_the_environment_does_not_capture_a_server_on_this_machine() {
    let fake = Fake::start(|_| version()).await;
    let environment = Environment {
        http_proxy: Some("http://192.0.2.1:3128".into()),
        https_proxy: Some("http://192.0.2.1:3128".into()),
        ..Environment::default()
    };
    let options = options(fake.kubeconfig(json!({}), json!({})));
    assert!(connect_in(&options, &environment).await.is_ok());
}

#[tokio::test]
async fn an_expired_client_certificate_is_told_by_the_servers_clock() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["jane".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let certificate = parameters.self_signed(&key).unwrap();
    let user = json!({
        "client-certificate-data": BASE64_STANDARD.encode(certificate.pem()),
        "client-key-data": BASE64_STANDARD.encode(key.serialize_pem()),
    });
    // The one server lives after the certificate's end, the other before it.
    for (date, expected) in [
        (SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000), "expired at 2021-01-01"),
        (SystemTime::UNIX_EPOCH + Duration::from_secs(1_590_000_000), "rejected the credentials"),
    ] {
        let date: &'static str = httpdate::fmt_http_date(date).leak();
        let fake = Fake::start(move |_| Answer::Text(401, ("date", date), "no")).await;
        let sentence = fake.refused(fake.connect_as(user.clone(), json!({})).await);
        assert!(sentence.contains(expected), "{sentence}");
    }
}
