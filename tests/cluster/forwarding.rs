//! Ports of pods on loopback.

use std::time::Duration;

use dualstack::cluster::{Cluster, Forward, forward};
use futures::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use crate::fake::{Answer, Fake, Socket, version};

const PORT: u16 = 5353;
/// More time than any test takes.
const AMPLE: Duration = Duration::from_secs(60);
const DATA: u8 = 0;
const ERROR: u8 = 1;

/// A server whose pods behave like this when a port is forwarded.
async fn pods<F>(talk: impl Fn(Socket) -> F + Clone + Send + Sync + 'static) -> (Fake, Cluster)
where
    F: Future<Output = ()> + Send + 'static,
{
    let fake = Fake::start(move |request| match request.uri().path() {
        "/version" => version(),
        "/api/v1/namespaces/ns/pods/p/portforward" => Answer::talk(talk.clone()),
        _ => Answer::forbidden(),
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    (fake, cluster)
}

/// Both channels begin with the port's number.
async fn begin(socket: &mut Socket) {
    for channel in [DATA, ERROR] {
        let [low, high] = PORT.to_le_bytes();
        socket.send(Message::binary(vec![channel, low, high])).await.unwrap();
    }
}

/// What a connection to a forward gives in the end.
async fn answer(forward: &Forward) -> Vec<u8> {
    let mut stream = TcpStream::connect(forward.address()).await.unwrap();
    stream.write_all(b"question").await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut off has given what it has given.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

/// The forward's error, which is noted a moment after the connection has ended.
async fn error(forward: &Forward) -> String {
    let noted = async {
        loop {
            if let Some(error) = forward.error() {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(AMPLE, noted).await.expect("the error is noted")
}

#[tokio::test]
async fn each_connection_is_carried_both_ways() {
    let (_fake, cluster) = pods(|mut socket| async move {
        begin(&mut socket).await;
        while let Some(Ok(Message::Binary(frame))) = socket.next().await {
            if frame[0] == DATA {
                let mut echo = frame.to_vec();
                echo.extend_from_slice(b", answered");
                socket.send(Message::binary(echo)).await.unwrap();
                socket.close(None).await.unwrap();
            }
        }
    })
    .await;
    let forward = forward(&cluster.client, "ns", "p", PORT).await.unwrap();
    assert!(forward.address().ip().is_loopback());
    for _ in 0..2 {
        assert_eq!(answer(&forward).await, b"question, answered");
    }
    assert_eq!(forward.error(), None);
}

#[tokio::test]
async fn a_port_that_refuses_ends_the_connection_and_says_why() {
    let (_fake, cluster) = pods(|mut socket| async move {
        begin(&mut socket).await;
        let mut refusal = vec![ERROR];
        refusal.extend_from_slice(b"dial tcp4 127.0.0.1:5353: connection refused\n");
        socket.send(Message::binary(refusal)).await.unwrap();
        // The data channel stays silent for ever.
        while socket.next().await.is_some() {}
    })
    .await;
    let forward = forward(&cluster.client, "ns", "p", PORT).await.unwrap();
    assert_eq!(answer(&forward).await, b"");
    assert_eq!(
        error(&forward).await,
        "cannot forward to port 5353 of pod p: dial tcp4 127.0.0.1:5353: connection refused"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_before_an_answer_is_told() {
    let (_fake, cluster) = pods(|mut socket| async move {
        begin(&mut socket).await;
        // Dropped without a closing frame.
    })
    .await;
    let forward = forward(&cluster.client, "ns", "p", PORT).await.unwrap();
    assert_eq!(answer(&forward).await, b"");
    assert_eq!(
        error(&forward).await,
        "cannot forward to port 5353 of pod p: closed without an answer"
    );
}

#[tokio::test]
async fn a_pod_that_may_not_be_forwarded_to_is_told() {
    let (_fake, cluster) = pods(|_| async {}).await;
    let forward = forward(&cluster.client, "ns", "other", PORT).await.unwrap();
    assert_eq!(answer(&forward).await, b"");
    assert_eq!(error(&forward).await, "cannot forward to port 5353 of pod other: jane may not");
}

#[tokio::test]
async fn a_forward_ends_when_it_is_dropped() {
    let (_fake, cluster) = pods(|_| async {}).await;
    let forward = forward(&cluster.client, "ns", "p", PORT).await.unwrap();
    let address = forward.address();
    assert!(TcpStream::connect(address).await.is_ok());
    drop(forward);
    // The listener is closed by its task, a moment later.
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(AMPLE, closed).await.expect("the listener is closed");
}
