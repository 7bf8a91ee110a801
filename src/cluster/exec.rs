//! Running a command in a pod, without being misled or held up by it.
//!
//! The API server carries the command's streams over one WebSocket and says in a last frame how
//! the command ended. Four things are easily got wrong and are handled here: the status must be
//! asked for before the streams are read, and the streams be drained while it is awaited, or a
//! command with more output than the buffer never ends; a connection that ends without a status
//! frame has told nothing of the command, least of all that it succeeded; a connection that is
//! lost leaves its streams open for ever; and a node that is frozen never answers at all.

use std::{
    fmt,
    future::{pending, ready},
    pin::pin,
};

use futures::{
    FutureExt, Stream, StreamExt,
    channel::mpsc::{self, UnboundedSender},
    future::FusedFuture,
    stream,
};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Status};
use kube::{
    Api, Client,
    api::{AttachParams, AttachedProcess},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use tracing::Instrument;

use super::chain::innermost;

/// How many bytes of each stream may wait between the connection and us.
const BUFFER: usize = 64 * 1024;
/// How much of stderr is kept.
const STDERR_KEPT: usize = 2 * 1024;

/// A command to run in a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodExec {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The command and its arguments. It travels in the request's URL: keep it short.
    pub command: Vec<String>,
    /// What the command reads on stdin. Its end is *not* signalled (that works only with version 5
    /// of the protocol): the command must know it from what it reads, such as a last line.
    pub stdin: String,
    /// When to give up.
    pub deadline: Instant,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEnd {
    /// It ran and ended with this exit code.
    Exited {
        /// The exit code.
        code: i32,
        /// The end of what it wrote to stderr.
        stderr: String,
    },
    /// We don't know: it could not be started, or the connection to it broke, or the deadline
    /// passed. Lines that arrived before have been delivered. Never a verdict on the network under
    /// test.
    Lost(String),
}

impl fmt::Display for ExecEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code, .. } => write!(f, "exited with {code}"),
            Self::Lost(reason) => f.write_str(reason),
        }
    }
}

/// Whether a connection into a pod failed in a way that a kubelet causes which is being restarted: the API
/// server does not reach it, or it breaks off what it carried, or does not know its pods yet. A pod that was
/// deleted is "not found".
pub fn kubelet_is_restarting(reason: &str) -> bool {
    const SIGNS: [&str; 5] = [
        "connection refused",
        "connection reset",
        "connection closed before",
        "unexpected eof",
        "pod does not exist",
    ];
    let reason = reason.to_lowercase();
    SIGNS.iter().any(|sign| reason.contains(sign))
}

/// What comes of a command, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEvent {
    /// A line of its stdout, without its end.
    Line(String),
    /// The last event.
    Ended(ExecEnd),
}

/// Runs a command: each line of its stdout as it comes, and then how it ended. To drop the stream
/// is to give the command up.
///
/// A last line without an end is delivered only if the command is known to have ended: of a
/// broken connection it may be a part.
pub fn exec(client: &Client, request: &PodExec) -> impl Stream<Item = ExecEvent> {
    let (sender, events) = mpsc::unbounded();
    let running = carry_out(client.clone(), request.clone(), sender)
        .instrument(tracing::info_span!("exec", pod = request.pod));
    // The second stream has no items of its own: to poll it is what keeps the command running.
    stream::select(events, stream::once(running).filter_map(|()| ready(None)))
}

/// Runs a command to its end, and gives each line of its stdout to `on_line`.
///
/// # Errors
/// Why it did not end well, in words. Lines that arrived before have been given.
pub async fn exec_lines(
    client: &Client,
    request: &PodExec,
    mut on_line: impl FnMut(&str),
) -> Result<(), String> {
    let mut events = pin!(exec(client, request));
    while let Some(event) = events.next().await {
        match event {
            ExecEvent::Line(line) => on_line(&line),
            ExecEvent::Ended(ExecEnd::Exited { code: 0, .. }) => return Ok(()),
            ExecEvent::Ended(end) => return Err(end.to_string()),
        }
    }
    Err("the exec ended early".to_owned())
}

async fn carry_out(client: Client, request: PodExec, sender: UnboundedSender<ExecEvent>) {
    // Nobody receives any more where the stream was dropped.
    let send = |event| _ = sender.unbounded_send(event);
    let mut lines =
        Lines { on_line: |line: &str| send(ExecEvent::Line(line.to_owned())), partial: Vec::new() };
    let end = match timeout_at(request.deadline, run(&client, &request, &mut lines)).await {
        Ok(Ok(end)) => {
            lines.finish();
            end
        }
        Ok(Err(reason)) => ExecEnd::Lost(reason),
        Err(_) => ExecEnd::Lost(format!(
            "timed out waiting for the command in pod {} to end",
            request.pod
        )),
    };
    send(ExecEvent::Ended(end));
}

async fn run(
    client: &Client,
    request: &PodExec,
    lines: &mut Lines<impl FnMut(&str)>,
) -> Result<ExecEnd, String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &request.namespace);
    let parameters = AttachParams::default()
        .container(&request.container)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .max_stdin_buf_size(BUFFER)
        .max_stdout_buf_size(BUFFER)
        .max_stderr_buf_size(BUFFER);
    let mut process = pods
        .exec(&request.pod, &request.command, &parameters)
        .await
        .map_err(|error| format!("cannot exec into pod {}: {}", request.pod, innermost(&error)))?;

    let missing = || "the client returned no streams".to_owned();
    let status = process.take_status().ok_or_else(missing)?;
    let mut stdin = process.stdin().ok_or_else(missing)?;
    let mut stdout = process.stdout().ok_or_else(missing)?;
    let mut stderr = process.stderr().ok_or_else(missing)?;
    let mut tail = Vec::new();

    let feed = async {
        // A command that ends without reading everything breaks the pipe; its status tells more.
        let _ = stdin.write_all(request.stdin.as_bytes()).await;
        let _ = stdin.flush().await;
        // stdin stays open until the end: with version 4 of the protocol closing it would close
        // the whole connection.
        pending::<()>().await;
    };
    let drain = async {
        tokio::join!(
            read(&mut stdout, |bytes| lines.take(bytes)),
            read(&mut stderr, |bytes| keep_tail(&mut tail, bytes)),
        );
    };
    let status = {
        let mut drain = pin!(drain.fuse());
        let status = tokio::select! {
            biased;
            status = status => status,
            _ = async { tokio::join!(&mut drain, feed) } => None,
        };
        match &status {
            // The streams are closed right after the status frame: what is still in them comes,
            // and then their ends.
            Some(_) if !drain.is_terminated() => drain.await,
            Some(_) => {}
            // The connection is gone and the streams will never end; take what lies ready.
            None => _ = drain.now_or_never(),
        }
        status
    };
    match status {
        Some(status) => exit(&status, &request.pod, &tail),
        None => Err(lost(process, &request.pod).await),
    }
}

/// What the last frame says of the command's end.
fn exit(status: &Status, pod: &str, tail: &[u8]) -> Result<ExecEnd, String> {
    let stderr = || String::from_utf8_lossy(tail).trim().to_owned();
    if status.status.as_deref() == Some("Success") {
        return Ok(ExecEnd::Exited { code: 0, stderr: stderr() });
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code = causes
        .filter(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .find_map(|cause| cause.message.as_deref()?.parse().ok());
    match code {
        Some(code) => Ok(ExecEnd::Exited { code, stderr: stderr() }),
        None => {
            let message = status.message.as_deref().unwrap_or("no reason given");
            Err(format!("cannot run the command in pod {pod}: {message}"))
        }
    }
}

/// Why a connection ended without a status.
async fn lost(process: AttachedProcess, pod: &str) -> String {
    match process.join().await {
        Ok(()) => format!("the exec into pod {pod} ended without an exit status"),
        Err(error) => format!("lost the connection to pod {pod}: {}", innermost(&error)),
    }
}

/// Reads to the end or the first error: that there was one is seen from the missing status.
async fn read(stream: &mut (impl AsyncRead + Unpin), mut take: impl FnMut(&[u8])) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        take(buffer.get(..length).unwrap_or_default());
    }
}

fn keep_tail(tail: &mut Vec<u8>, bytes: &[u8]) {
    tail.extend_from_slice(bytes);
    tail.drain(..tail.len().saturating_sub(STDERR_KEPT));
}

/// Cuts a stream into lines.
struct Lines<F> {
    on_line: F,
    partial: Vec<u8>,
}

impl<F: FnMut(&str)> Lines<F> {
    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.partial.extend_from_slice(line);
            self.finish();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.partial.extend_from_slice(bytes);
    }

    fn finish(&mut self) {
        if !self.partial.is_empty() {
            let line = String::from_utf8_lossy(&self.partial);
            (self.on_line)(line.trim_end_matches('\r'));
            self.partial.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_that_restarts_is_told_from_a_pod_that_is_gone() {
        for reason in [
            "error dialing backend: dial tcp 172.18.0.3:10250: connect: connection refused",
            "lost the connection to pod p: Connection reset without closing handshake",
            "cannot exec into pod p: unexpected EOF",
            "cannot exec into pod p: pod does not exist",
        ] {
            assert!(kubelet_is_restarting(reason), "{reason}");
        }
        assert!(!kubelet_is_restarting("cannot exec into pod p: pods \"p\" not found"));
        assert!(!kubelet_is_restarting("cannot exec into pod p: pods \"p\" is forbidden"));
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut seen = Vec::new();
        let mut lines = Lines { on_line: |line: &str| seen.push(line.to_owned()), partial: vec![] };
        for piece in ["a", "b\ncd\n", "\n", "e\r\nf"] {
            lines.take(piece.as_bytes());
        }
        assert_eq!(lines.partial, b"f");
        lines.finish();
        assert_eq!(seen, ["ab", "cd", "e", "f"]);
    }

    #[test]
    fn only_the_end_of_stderr_is_kept() {
        let mut tail = Vec::new();
        keep_tail(&mut tail, &[b'x'; 3 * STDERR_KEPT]);
        keep_tail(&mut tail, b"end");
        assert_eq!(tail.len(), STDERR_KEPT);
        assert!(tail.ends_with(b"xend"));
    }
}
