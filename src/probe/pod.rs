//! Probes from a pod: one exec for all of them.

use std::{pin::pin, time::Duration};

use futures::StreamExt;
use kube::Client;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Batch, Observation, Probe, ProbeId, Sink,
    script::{self, Room},
    session::Session,
};
use crate::cluster::{ExecEnd, ExecEvent, PodExec, exec, kubelet_is_restarting};

/// How much longer than an attempt may take the script may be silent, before the connection or its
/// node is taken for dead. While probes run, no attempt ends without a line.
const SILENCE: Duration = Duration::from_secs(10);
/// For how long a connection that broke is opened again. A kubelet that is restarted ends all of them, and is
/// back within seconds; pods run on.
const RESUMED_FOR: Duration = Duration::from_secs(20);
/// The pause before each time.
const PAUSE: Duration = Duration::from_secs(2);
/// What a success takes at most on the average, where a probe makes many.
const SUCCESS: Duration = Duration::from_millis(250);

/// A container to probe from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The pod's namespace.
    pub(super) namespace: String,
    /// The pod's name.
    pub(super) pod: String,
    /// The container's name.
    pub(super) container: String,
}

/// Carries out a batch in a pod. Every probe's observation is sent as soon as it is done; those of
/// a batch that is broken off are sent as lost. Where the connection breaks, what is left is asked again
/// over another one: that is no failure of a path, and nothing that was observed is forgotten.
pub(super) async fn carry_out(
    client: &Client,
    source: Source,
    probes: Batch,
    room: Room,
    sink: &Sink,
) {
    let mut session = Session::new(probes);
    let mut broken_since = None;
    loop {
        let end = run(client, &source, room, &mut session, sink).await;
        // A pod that was never heard of has no connection that could be restored, unless its kubelet is restarted.
        let worked = session.greeted() || broken_since.is_some();
        let is_restart = |reason: &str| worked || kubelet_is_restarting(reason);
        let since = *broken_since.get_or_insert_with(Instant::now);
        match end {
            End::Broken(reason)
                if is_restart(&reason) && !session.is_done() && since.elapsed() < RESUMED_FOR =>
            {
                tracing::info!("{reason}; what is left is asked again over another connection");
            }
            End::Broken(reason) | End::Over(reason) => {
                send(sink, session.lose_all(&reason));
                return;
            }
        }
        sleep(PAUSE).await;
        session = session.resumed();
    }
}

/// How a run of the script ended.
enum End {
    /// Its connection broke, while the pod may be there.
    Broken(String),
    /// In any other way.
    Over(String),
}

/// Runs the script once.
async fn run(
    client: &Client,
    source: &Source,
    room: Room,
    session: &mut Session,
    sink: &Sink,
) -> End {
    let (stdin, refused) = script::stdin(session.probes(), room);
    let (silence, longest) = {
        let probes: Vec<&Probe> = session.probes().collect();
        (silence(&probes), longest(&probes, room))
    };
    let deadline = Instant::now() + longest;
    for (place, reason) in refused {
        send(sink, session.lose(place, reason));
    }
    let request = PodExec {
        namespace: source.namespace.clone(),
        pod: source.pod.clone(),
        container: source.container.clone(),
        command: script::COMMAND.map(str::to_owned).to_vec(),
        stdin,
        deadline,
    };
    let mut events = pin!(exec(client, &request));
    loop {
        match timeout(silence, events.next()).await {
            Ok(Some(ExecEvent::Line(line))) => send(sink, session.line(&line)),
            Ok(Some(ExecEvent::Ended(ExecEnd::Lost(reason))))
                // A pod that was deleted meanwhile stays away.
                if Instant::now() < deadline && !reason.contains("not found") =>
            {
                return End::Broken(reason);
            }
            Ok(Some(ExecEvent::Ended(end))) => return End::Over(reason(&end, session.greeted())),
            Ok(None) => {
                return End::Over(format!("the exec into pod {} ended unexpectedly", request.pod));
            }
            Err(_) => {
                let seconds = silence.as_secs();
                return End::Over(format!("no output from pod {} for {seconds} s", request.pod));
            }
        }
    }
}

fn send(sink: &Sink, observations: impl IntoIterator<Item = (ProbeId, Observation)>) {
    for observation in observations {
        // Nobody listens any more where the run is over; nothing is left to be done then.
        let _ = sink.send(observation);
    }
}

/// Why a probe that has no end has none.
fn reason(end: &ExecEnd, greeted: bool) -> String {
    match end {
        ExecEnd::Lost(reason) => reason.clone(),
        ExecEnd::Exited { code, stderr } => {
            // The shell tells of every tool that had to be stopped.
            let said: Vec<_> = stderr.lines().filter(|line| *line != "Killed").collect();
            let what = if greeted { "broke off" } else { "did not run" };
            let said =
                if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
            format!("the script in the pod {what}, with exit code {code}{said}")
        }
    }
}

/// For how long the script may say nothing.
fn silence(probes: &[&Probe]) -> Duration {
    let timeouts = probes.iter().map(|probe| probe.attempts.timeout_ms);
    SILENCE + Duration::from_millis(timeouts.max().unwrap_or_default().into())
}

/// For how long the script may run. It is bounded by itself, so this is the last resort.
fn longest(probes: &[&Probe], room: Room) -> Duration {
    let one = |probe: &&Probe| {
        let attempts = probe.attempts;
        let settling = Duration::from_millis(attempts.settle_ms.into());
        settling + SUCCESS * u32::from(attempts.bound)
    };
    // Each round of those that run at once may wait for a first success in vain.
    let rounds = u32::try_from(probes.len().div_ceil(room.first)).unwrap_or(u32::MAX);
    let waiting = silence(probes).saturating_mul(rounds.max(1));
    probes.iter().map(one).max().unwrap_or_default() + waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_the_script_ended_is_said_without_its_shells_noise() {
        let end = |code, stderr: &str| ExecEnd::Exited { code, stderr: stderr.to_owned() };
        assert_eq!(
            reason(
                &end(2, "Killed\nsh: can't fork: Resource temporarily unavailable\nKilled"),
                true
            ),
            "the script in the pod broke off, with exit code 2: \
             sh: can't fork: Resource temporarily unavailable"
        );
        assert_eq!(
            reason(&end(127, "sh: can't open '/etc/dualstack/probe.sh'"), false),
            "the script in the pod did not run, with exit code 127: \
             sh: can't open '/etc/dualstack/probe.sh'"
        );
        assert_eq!(
            reason(&end(137, ""), true),
            "the script in the pod broke off, with exit code 137"
        );
    }
}
