//! Running commands in pods over connections that break, stall or lie.

use std::time::Duration;

use dualstack::cluster::{Cluster, ExecEnd, ExecEvent, PodExec, exec};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::fake::{Answer, Fake, Socket, version};

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// A server whose pods behave like this when they are entered.
async fn pods<F>(talk: impl Fn(Socket) -> F + Clone + Send + Sync + 'static) -> (Fake, Cluster)
where
    F: Future<Output = ()> + Send + 'static,
{
    let fake = Fake::start(move |request| match request.uri().path() {
        "/version" => version(),
        "/api/v1/namespaces/ns/pods/p/exec" => Answer::talk(talk.clone()),
        _ => Answer::status(404, "NotFound", "pods \"gone\" not found"),
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    (fake, cluster)
}

/// Runs a command in a pod and collects its lines.
async fn run(cluster: &Cluster, pod: &str, stdin: &str, time: Duration) -> (ExecEnd, Vec<String>) {
    let request = PodExec {
        namespace: "ns".into(),
        pod: pod.into(),
        container: "c".into(),
        command: vec!["probe".into()],
        stdin: stdin.into(),
        deadline: Instant::now() + time,
    };
    let mut lines = Vec::new();
    let mut events: Vec<_> = exec(&cluster.client, &request).collect().await;
    let Some(ExecEvent::Ended(end)) = events.pop() else { panic!("the end comes last") };
    for event in events {
        let ExecEvent::Line(line) = event else { panic!("there is one end: {event:?}") };
        lines.push(line);
    }
    (end, lines)
}

/// More time than any test takes.
const AMPLE: Duration = Duration::from_secs(60);

async fn send(socket: &mut Socket, channel: u8, bytes: impl AsRef<[u8]>) {
    let mut frame = vec![channel];
    frame.extend_from_slice(bytes.as_ref());
    socket.send(Message::binary(frame)).await.unwrap();
}

async fn end(socket: &mut Socket, status: Value) {
    send(socket, STATUS, status.to_string()).await;
    socket.close(None).await.unwrap();
}

fn success() -> Value {
    json!({"metadata": {}, "status": "Success"})
}

#[tokio::test]
async fn a_command_that_says_more_than_any_buffer_holds_is_heard_out() {
    let (_fake, cluster) = pods(|mut socket| async move {
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..4_000 {
            send(&mut socket, STDOUT, &line).await;
            send(&mut socket, STDERR, &line).await;
        }
        end(&mut socket, success()).await;
    })
    .await;
    let (end, lines) = run(&cluster, "p", "", AMPLE).await;
    assert!(matches!(end, ExecEnd::Exited { code: 0, .. }), "{end:?}");
    assert_eq!(lines.len(), 4_000);
    assert!(lines.iter().all(|line| line.len() == 99));
}

#[tokio::test]
async fn what_is_said_in_a_single_breath_beyond_1024_bytes_is_heard_too() {
    let (_fake, cluster) = pods(|mut socket| async move {
        send(&mut socket, STDOUT, format!("{}\n", "y".repeat(300_000))).await;
        end(&mut socket, success()).await;
    })
    .await;
    let (end, lines) = run(&cluster, "p", "", AMPLE).await;
    assert!(matches!(end, ExecEnd::Exited { code: 0, .. }), "{end:?}");
    assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [300_000]);
}

#[tokio::test]
async fn the_exit_code_and_the_end_of_stderr_are_told() {
    let (_fake, cluster) = pods(|mut socket| async move {
        send(&mut socket, STDERR, "sh: probe: not found\n").await;
        let causes = json!([{"reason": "ExitCode", "message": "127"}]);
        let status = json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": "command terminated with non-zero exit code",
            "details": {"causes": causes},
        });
        end(&mut socket, status).await;
    })
    .await;
    let (end, lines) = run(&cluster, "p", "", AMPLE).await;
    assert_eq!(end, ExecEnd::Exited { code: 127, stderr: "sh: probe: not found".into() });
    assert_eq!(lines, Vec::<String>::new());
}

#[tokio::test]
async fn the_command_is_given_its_stdin_which_stays_open() {
    let (_fake, cluster) = pods(|mut socket| async move {
        let mut heard = Vec::new();
        while !heard.ends_with(b"END\n") {
            let Some(Ok(Message::Binary(frame))) = socket.next().await else { return };
            assert_eq!(frame[0], 0, "stdin was closed before the last line");
            heard.extend_from_slice(&frame[1..]);
        }
        send(&mut socket, STDOUT, format!("heard {}\n", heard.len())).await;
        end(&mut socket, success()).await;
    })
    .await;
    let stdin = format!("{}END\n", "target\n".repeat(20_000));
    let (end, lines) = run(&cluster, "p", &stdin, AMPLE).await;
    assert!(matches!(end, ExecEnd::Exited { code: 0, .. }), "{end:?}");
    assert_eq!(lines, [format!("heard {}", stdin.len())]);
}

#[tokio::test]
async fn lines_are_delivered_before_the_command_ends() {
    let (heard, mut hears) = tokio::sync::mpsc::channel::<()>(1);
    let gate = std::sync::Arc::new(tokio::sync::Mutex::new(Some({
        let (open, opened) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            hears.recv().await;
            let _ = open.send(());
        });
        opened
    })));
    let (_fake, cluster) = pods(move |mut socket| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            send(&mut socket, STDOUT, "first\n").await;
            // The second line is said only once the first was heard.
            let opened = gate.lock().await.take().unwrap();
            opened.await.unwrap();
            send(&mut socket, STDOUT, "second\n").await;
            end(&mut socket, success()).await;
        }
    })
    .await;
    let request = PodExec {
        namespace: "ns".into(),
        pod: "p".into(),
        container: "c".into(),
        command: vec!["probe".into()],
        stdin: String::new(),
        deadline: Instant::now() + AMPLE,
    };
    let events = exec(&cluster.client, &request).inspect(|_| _ = heard.try_send(()));
    let last = events.collect::<Vec<_>>().await.pop().unwrap();
    assert!(matches!(last, ExecEvent::Ended(ExecEnd::Exited { code: 0, .. })), "{last:?}");
}

#[tokio::test]
async fn a_missing_status_is_never_a_success() {
    let (_fake, cluster) = pods(|mut socket| async move {
        send(&mut socket, STDOUT, "done\nhal").await;
        socket.close(None).await.unwrap();
    })
    .await;
    let (end, lines) = run(&cluster, "p", "", AMPLE).await;
    assert_eq!(end, ExecEnd::Lost("the exec into pod p ended without an exit status".into()));
    // The half line may be a part of a longer one.
    assert_eq!(lines, ["done"]);
}

#[tokio::test]
async fn a_connection_that_breaks_is_noticed_and_keeps_what_came_before() {
    let (_fake, cluster) = pods(|mut socket| async move {
        send(&mut socket, STDOUT, "one\ntwo\nthr").await;
        socket.flush().await.unwrap();
        // Dropped without a closing frame: what a killed API server or a cut line looks like.
    })
    .await;
    let (end, lines) = run(&cluster, "p", "", AMPLE).await;
    let ExecEnd::Lost(reason) = end else { panic!("{end:?}") };
    assert!(reason.starts_with("lost the connection to pod p: "), "{reason}");
    assert_eq!(lines, ["one", "two"]);
}

#[tokio::test]
async fn a_pod_that_never_answers_is_given_up_at_the_deadline() {
    let (_fake, cluster) = pods(|socket| async move {
        let _held_open = socket;
        std::future::pending::<()>().await;
    })
    .await;
    let (end, _) = run(&cluster, "p", "", Duration::from_millis(100)).await;
    assert_eq!(end, ExecEnd::Lost("timed out waiting for the command in pod p to end".into()));
}

#[tokio::test]
async fn a_command_that_could_not_be_run_has_no_exit_code() {
    let (_fake, cluster) = pods(|mut socket| async move {
        let status = json!({
            "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
            "message": "container not running",
        });
        end(&mut socket, status).await;
    })
    .await;
    let (end, _) = run(&cluster, "p", "", AMPLE).await;
    assert_eq!(end, ExecEnd::Lost("cannot run the command in pod p: container not running".into()));
}

#[tokio::test]
async fn a_pod_that_may_not_be_entered_or_is_gone_is_told() {
    let fake = Fake::start(|request| match request.uri().path() {
        "/version" => version(),
        "/api/v1/namespaces/ns/pods/p/exec" => Answer::forbidden(),
        _ => Answer::status(404, "NotFound", "pods \"gone\" not found"),
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    let (end, _) = run(&cluster, "p", "", AMPLE).await;
    assert_eq!(end, ExecEnd::Lost("cannot exec into pod p: jane may not".into()));
    let (end, _) = run(&cluster, "gone", "", AMPLE).await;
    assert_eq!(end, ExecEnd::Lost("cannot exec into pod gone: pods \"gone\" not found".into()));
}
