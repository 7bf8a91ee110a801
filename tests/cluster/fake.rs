//! An API server on loopback that answers as it is told, and kubeconfigs that lead to it.

use std::{convert::Infallible, future::pending, path::PathBuf, sync::Arc, time::Duration};

use dualstack::{
    cluster::{Cluster, ClusterError, ConnectOptions, Environment, connect_in},
    exit::Exit,
};
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

/// The server's side of a WebSocket.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Decide = Box<dyn FnOnce(Value) -> Answer + Send>;
type Talk = Box<dyn FnOnce(Socket) -> BoxFuture<'static, ()> + Send>;

/// What the server does with a request.
pub enum Answer {
    /// Answers with a status code and JSON.
    Json(u16, Value),
    /// Answers with a status code, a header and text.
    Text(u16, (&'static str, &'static str), &'static str),
    /// Closes the connection.
    Close,
    /// Never answers.
    Hang,
    /// Becomes a WebSocket.
    Talk(Talk),
    /// Depends on the request's JSON.
    Read(Decide),
}

impl Answer {
    /// What the API server says where it says no.
    pub fn status(code: u16, reason: &str, message: &str) -> Self {
        Self::Json(
            code,
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "code": code,
            }),
        )
    }

    /// A refusal for lack of permissions.
    pub fn forbidden() -> Self {
        Self::status(403, "Forbidden", "jane may not")
    }

    /// An answer that depends on the request's JSON.
    pub fn read(decide: impl FnOnce(Value) -> Self + Send + 'static) -> Self {
        Self::Read(Box::new(decide))
    }

    /// A WebSocket that is talked over.
    pub fn talk<F>(talk: impl FnOnce(Socket) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::Talk(Box::new(|socket| Box::pin(talk(socket))))
    }
}

/// The version that the server says it has, unless told otherwise.
pub fn version() -> Answer {
    Answer::Json(
        200,
        json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3",
        "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "",
        "platform": ""}),
    )
}

/// A server that ends with the test.
pub struct Fake {
    /// Its address.
    pub url: String,
    /// Where its kubeconfigs lie.
    pub dir: TempDir,
    task: tokio::task::AbortHandle,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// A server that answers like this.
    pub async fn start(
        answer: impl Fn(&Request<Incoming>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (listener, port) = listen().await;
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer)));
            }
        });
        Self::at(format!("http://127.0.0.1:{port}"), task.abort_handle())
    }

    /// A server that hands its connections over unread.
    pub async fn raw<F>(
        scheme: &str,
        handle: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (listener, port) = listen().await;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handle(stream));
            }
        });
        Self::at(format!("{scheme}://127.0.0.1:{port}"), task.abort_handle())
    }

    /// The sentence of a connection that must fail as a matter of the cluster.
    pub fn refused(&self, result: Result<Cluster, ClusterError>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit(), Exit::Cluster, "{error}");
        self.sentence(&error)
    }

    fn at(url: String, task: tokio::task::AbortHandle) -> Self {
        Self { url, dir: tempfile::tempdir().unwrap(), task }
    }

    /// A kubeconfig for this server, with these users' and clusters' fields.
    pub fn kubeconfig(&self, user: Value, cluster: Value) -> PathBuf {
        let mut cluster = cluster;
        cluster["server"] = json!(self.url);
        let path = self.dir.path().join("config");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Connects with a token.
    pub async fn connect(&self) -> Result<Cluster, ClusterError> {
        self.connect_as(json!({"token": "s3cret"}), json!({})).await
    }

    /// Connects as a user to a cluster of the kubeconfig.
    pub async fn connect_as(&self, user: Value, cluster: Value) -> Result<Cluster, ClusterError> {
        let options = options(self.kubeconfig(user, cluster));
        connect_in(&options, &Environment::default()).await
    }

    /// An error's sentence, with this server's address written as URL.
    pub fn sentence(&self, error: &ClusterError) -> String {
        error.to_string().replace(&self.url, "URL")
    }
}

/// Options that lead to a kubeconfig.
pub fn options(kubeconfig: PathBuf) -> ConnectOptions {
    ConnectOptions { kubeconfig: Some(kubeconfig), ..ConnectOptions::default() }
}

/// As [`options`], for servers that never answer.
pub fn impatient(kubeconfig: PathBuf) -> ConnectOptions {
    ConnectOptions { connect_timeout: Duration::from_millis(200), ..options(kubeconfig) }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Serves HTTP on a connection.
pub async fn serve<S, A>(stream: S, answer: Arc<A>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(&Request<Incoming>) -> Answer + Send + Sync + 'static,
{
    let service = service_fn(move |request| respond(request, Arc::clone(&answer)));
    // A connection that ends in an error is what some tests are about.
    let _ =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

async fn respond<A>(
    mut request: Request<Incoming>,
    answer: Arc<A>,
) -> Result<Response<Full<Bytes>>, std::io::Error>
where
    A: Fn(&Request<Incoming>) -> Answer,
{
    let mut answer = answer(&request);
    // A server that answers over an unread body closes the connection, and the client that still
    // writes sees a broken pipe.
    if !request.headers().contains_key(header::UPGRADE) {
        let Ok(body) = request.body_mut().collect().await else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        if let Answer::Read(decide) = answer {
            answer = decide(serde_json::from_slice(&body.to_bytes()).unwrap());
        }
    }
    match answer {
        Answer::Json(code, value) => Ok(text(code, ("content-type", "application/json"), value)),
        Answer::Text(code, header, body) => Ok(text(code, header, body)),
        Answer::Close => Err(std::io::ErrorKind::ConnectionReset.into()),
        Answer::Hang => Ok(pending::<Result<_, Infallible>>().await.unwrap()),
        Answer::Talk(talk) => Ok(upgrade(request, talk)),
        Answer::Read(_) => panic!("a request that upgrades has no body"),
    }
}

fn text(code: u16, (name, value): (&str, &str), body: impl ToString) -> Response<Full<Bytes>> {
    let body = Full::new(Bytes::from(body.to_string()));
    Response::builder().status(code).header(name, value).body(body).unwrap()
}

fn upgrade(mut request: Request<Incoming>, talk: Talk) -> Response<Full<Bytes>> {
    let key = derive_accept_key(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let io = TokioIo::new(upgraded.await.unwrap());
        talk(WebSocketStream::from_raw_socket(io, Role::Server, None).await).await;
    });
    Response::builder()
        .status(101)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, key)
        .header(header::SEC_WEBSOCKET_PROTOCOL, "v5.channel.k8s.io")
        .body(Full::default())
        .unwrap()
}
