//! One run, from the kubeconfig to the last event.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use jiff::Timestamp;
use tokio::{sync::mpsc, time::Instant};

use super::{Events, Ledger, Options, Stop, rights, stopwatch::Stopwatch};
use crate::{
    cause::{self, Judged},
    check::{Observations, Stage, Status, World},
    cluster::{self, Cluster, ClusterError},
    event::{Event, Finished, Phase, Started},
    exit::Exit,
    facts::{self, Facts},
    fixture::{self, Fixture, FixtureError, Live},
    probe,
    record::{RECORD_VERSION, Record},
};

/// Why a run could not begin. Nothing was created.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The cluster can't be reached, or refuses us.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The operator ended it before it began.
    #[error("interrupted before anything was created")]
    Interrupted,
}

impl RunError {
    /// The exit code it deserves.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Cluster(error) => error.exit(),
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// Why a run that had begun went no further.
#[derive(Debug, thiserror::Error)]
enum BrokenOff {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Fixture(#[from] FixtureError),
    #[error("interrupted by the operator")]
    Interrupted,
    #[error(
        "the run did not finish within {}; raise the limit with --timeout, or see with --verbose what it waits for",
        seconds(*.0)
    )]
    Deadline(Duration),
    #[error("a defect of dualstack ended the run ({0}); please report it with the command line")]
    Panicked(String),
}

impl BrokenOff {
    fn exit(&self) -> Option<Exit> {
        match self {
            Self::Cluster(error) => Some(error.exit()),
            Self::Fixture(error) => Some(error.exit()),
            Self::Interrupted => Some(Exit::Interrupted),
            // What was not determined is inconclusive by itself.
            Self::Deadline(_) | Self::Panicked(_) => None,
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

/// Carries out a run. Every event goes to `events`, the last one being what is returned.
///
/// # Errors
/// Only where nothing was created and there is nothing to report: the cluster can't be reached, or
/// a right is missing. Everything later is in the record.
pub async fn run(
    options: Options,
    events: Events,
    mut stop: Stop,
) -> Result<Arc<Finished>, RunError> {
    let deadline = Instant::now() + options.deadline;
    let started_at = Timestamp::now();
    let mut stopwatch = Stopwatch::start(events.clone());
    let connecting = stopwatch.begin(Phase::Connect);
    let cluster = tokio::select! {
        cluster = cluster::connect(&options.connect) => cluster?,
        () = stop.asked() => return Err(RunError::Interrupted),
    };
    stopwatch.end(connecting);

    let run = fixture::new_run_id();
    let started = Started {
        namespace: options.fixture.namespace_for(&run),
        run,
        server: cluster.server.clone(),
        suite: options.suite.name.clone(),
    };
    events.send(Event::Started(started.clone()));

    let mut session = Session {
        ledger: Ledger::new(options.checks.clone()),
        options,
        cluster,
        events,
        stopwatch,
        started,
        facts: None,
        fixture: None,
        live: None,
        observations: Observations::default(),
        notices: Vec::new(),
    };
    session.prepare(&mut stop).await?;
    let broken_off = session.until_stopped(deadline, &mut stop).await.err();
    Ok(session.finish(started_at, broken_off).await)
}

/// All that a run knows and owns. Its steps may be dropped at any await: what they learnt is here.
struct Session {
    options: Options,
    cluster: Cluster,
    events: Events,
    stopwatch: Stopwatch,
    started: Started,
    ledger: Ledger,
    facts: Option<Facts>,
    fixture: Option<Fixture>,
    live: Option<Live>,
    observations: Observations,
    notices: Vec<String>,
}

impl Session {
    /// Reads everything that is read before anything is written, in one parallel step.
    async fn prepare(&mut self, stop: &mut Stop) -> Result<(), RunError> {
        let wanted = rights::needed(&self.options, &self.ledger, &self.cluster);
        let (asking, gathering) =
            (self.stopwatch.begin(Phase::Preflight), self.stopwatch.begin(Phase::Facts));
        let (preflight, facts) = tokio::select! {
            both = async {
                tokio::join!(
                    cluster::preflight(&self.cluster, &wanted),
                    facts::gather(&self.cluster),
                )
            } => both,
            () = stop.asked() => return Err(RunError::Interrupted),
        };
        self.stopwatch.end(asking);
        self.stopwatch.end(gathering);
        for missing in preflight?.missing {
            self.notice(format!("no right to {missing}: what it shows is unknown"));
        }
        self.facts = Some(facts?);
        Ok(())
    }

    /// Goes on until the end, or until something ends it.
    async fn until_stopped(&mut self, deadline: Instant, stop: &mut Stop) -> Result<(), BrokenOff> {
        let limit = self.options.deadline;
        tokio::select! {
            biased;
            () = stop.asked() => Err(BrokenOff::Interrupted),
            () = tokio::time::sleep_until(deadline) => Err(BrokenOff::Deadline(limit)),
            // What a panic left behind is only ever added to, so it can still be read.
            done = AssertUnwindSafe(self.proceed(deadline)).catch_unwind() => {
                done.unwrap_or_else(|panic| Err(BrokenOff::Panicked(message(&*panic))))
            }
        }
    }

    async fn proceed(&mut self, deadline: Instant) -> Result<(), BrokenOff> {
        self.plan(Stage::Facts);
        if self.ledger.last_stage().is_none_or(|stage| stage == Stage::Facts) {
            self.events.send(Event::Planned { cases: self.ledger.cases(), probes: 0 });
            return Ok(());
        }
        self.deploy().await?;
        self.wait_ready(deadline).await?;
        self.wait_served().await;
        self.probe().await
    }

    async fn deploy(&mut self) -> Result<(), BrokenOff> {
        let Some(facts) = &self.facts else { return Ok(()) };
        let deploying = self.stopwatch.begin(Phase::Deploy);
        let rendered = fixture::render(&self.options.fixture, facts, &self.started.run)?;
        self.events.send(Event::NodesSelected(rendered.nodes().to_vec()));
        // Owned by the session before the first object exists, so that whatever happens next is
        // torn down.
        let live = self.live.insert(rendered.begin(&self.cluster));
        self.fixture = Some(live.apply().await?);
        self.stopwatch.end(deploying);
        self.plan(Stage::Applied);
        Ok(())
    }

    async fn wait_ready(&mut self, deadline: Instant) -> Result<(), BrokenOff> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let waiting = self.stopwatch.begin(Phase::Ready);
        let events = self.events.clone();
        let ready = live.wait_ready(deadline, |what| {
            events.send(Event::Waiting { phase: Phase::Ready, what });
        });
        self.fixture = Some(ready.await?);
        self.stopwatch.end(waiting);
        self.plan(Stage::Ready);
        Ok(())
    }

    /// A proxy can't know what it hasn't been told: until then there is nothing to try.
    async fn wait_served(&mut self) {
        if self.ledger.last_stage() < Some(Stage::Served) {
            return;
        }
        let Some(live) = &mut self.live else { return };
        let waiting = self.stopwatch.begin(Phase::Serve);
        let patience = Duration::from_millis(self.options.suite.probes.settle_ms.into());
        let served = live.wait_served(patience, |what| {
            self.events.send(Event::Waiting { phase: Phase::Serve, what });
        });
        self.fixture = Some(served.await);
        self.stopwatch.end(waiting);
        self.plan(Stage::Served);
    }

    async fn probe(&mut self) -> Result<(), BrokenOff> {
        self.plan(Stage::Probed);
        let probes = self.ledger.wanted();
        self.events.send(Event::Planned { cases: self.ledger.cases(), probes: probes.len() });
        let Some(fixture) = self.fixture.clone() else { return Ok(()) };
        let probing = self.stopwatch.begin(Phase::Probe);
        let (sink, mut observed) = mpsc::unbounded_channel();
        let client = self.cluster.client.clone();
        let carrying_out = async {
            probe::carry_out(&client, &fixture, probes, &sink).await;
            drop(sink);
        };
        let recording = async {
            while let Some(observation) = observed.recv().await {
                let probe = observation.probe.clone();
                self.observations.insert(observation);
                self.judge(&probe);
            }
        };
        tokio::join!(carrying_out, recording);
        self.stopwatch.end(probing);
        Ok(())
    }

    /// Plans the cases of a stage that was just reached.
    fn plan(&mut self, stage: Stage) {
        let empty = Fixture::default();
        let Some(facts) = &self.facts else { return };
        let fixture = self.fixture.as_ref().unwrap_or(&empty);
        let judged = self.ledger.plan(stage, World { facts, fixture, suite: &self.options.suite });
        self.tell(judged);
    }

    /// Judges the cases that waited for this probe and no other.
    fn judge(&mut self, probe: &probe::Probe) {
        let (Some(facts), Some(fixture)) = (&self.facts, &self.fixture) else { return };
        let world = World { facts, fixture, suite: &self.options.suite };
        let judged = self.ledger.observed(probe, world, &self.observations);
        self.tell(judged);
    }

    fn notice(&mut self, notice: String) {
        self.notices.push(notice.clone());
        self.events.send(Event::Notice(notice));
    }

    fn tell(&self, judged: Vec<Judged>) {
        judged.into_iter().for_each(|judged| self.events.send(Event::Judged(judged)));
    }

    /// Names causes, tears down, and puts the record together. Nothing stops it.
    async fn finish(
        mut self,
        started_at: Timestamp,
        broken_off: Option<BrokenOff>,
    ) -> Arc<Finished> {
        let judging = self.stopwatch.begin(Phase::Judge);
        if let Some(error) = &broken_off {
            self.events.send(Event::BrokenOff { error: error.to_string() });
        }
        let reason = broken_off.as_ref().map_or_else(
            || "it was not tried".to_owned(),
            |error| format!("not determined: {error}"),
        );
        let abandoned = self.ledger.abandon(&reason);
        self.tell(abandoned);
        let judged = self.ledger.into_judged();
        let empty = Fixture::default();
        let causes = self.facts.as_ref().map_or_else(Vec::new, |facts| {
            let fixture = self.fixture.as_ref().unwrap_or(&empty);
            let world = World { facts, fixture, suite: &self.options.suite };
            cause::causes(world, &judged, &self.observations)
        });
        causes.iter().cloned().for_each(|cause| self.events.send(Event::Cause(cause)));
        self.stopwatch.end(judging);

        let left_behind = match self.live.take() {
            Some(live) if self.options.keep => {
                let kept = live.keep().await;
                self.notices.push(kept.clone());
                self.events.send(Event::Notice(kept));
                Vec::new()
            }
            Some(live) => {
                let tearing_down = self.stopwatch.begin(Phase::Teardown);
                let left = live.teardown(self.options.wait_namespace).await;
                self.stopwatch.end(tearing_down);
                left
            }
            None => Vec::new(),
        };
        let broken_exit = broken_off.as_ref().and_then(BrokenOff::exit);
        let mut observations: Vec<_> = self.observations.iter().cloned().collect();
        observations.sort_by(|a, b| a.probe.cmp(&b.probe));
        let record = Record {
            version: RECORD_VERSION,
            dualstack: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started,
            started_at,
            suite: self.options.suite,
            facts: self.facts,
            fixture: self.fixture,
            observations,
            judged,
            causes,
            broken_off: broken_off.map(|error| error.to_string()),
            notices: self.notices,
            left_behind,
            phases: self.stopwatch.into_phases(),
        };
        // What broke the run off comes before what was found until then.
        let exit = broken_exit.unwrap_or_else(|| exit_of(&record));
        let finished = Arc::new(Finished { exit, record });
        self.events.send(Event::Finished(Arc::clone(&finished)));
        finished
    }
}

/// How a process should end that reports this record: by its worst verdict.
pub fn exit_of(record: &Record) -> Exit {
    let any = |status| record.judged.iter().any(|judged| judged.verdict.status == status);
    if any(Status::Fail) {
        Exit::Failed
    } else if any(Status::Inconclusive) || record.broken_off.is_some() || !any(Status::Pass) {
        // A run in which nothing was seen to work proves nothing.
        Exit::Inconclusive
    } else {
        Exit::Passed
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
