//! One run, from the kubeconfig to the last event.

mod probing;

use std::{
    convert::Infallible, future::pending, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use futures::FutureExt;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Events, Ledger, Options, SnapshotPolicy, Stop,
    ledger::why_open,
    permissions::{permissions, sources},
    rules,
    stopwatch::Stopwatch,
};
use crate::{
    cause::{self, Judged},
    check::{self, DynCheck, Need, Stage, World},
    cluster::{self, Cluster, ClusterError},
    event::{Event, Finished},
    exit::Exit,
    facts::{self, Facts, TargetError},
    fixture::{self, Fixture, FixtureError, Live, WorkloadState},
    probe::{Observation, ProbeId},
    record::{BrokenOff, Phase, RECORD_VERSION, Record, Started},
};

/// How long connecting may take before it is said what it waits for.
const SLOW: Duration = Duration::from_secs(3);

/// How long EndpointSlices are waited for at least. A busy control plane writes them late, and what
/// is probed before that would look broken. The time is spent only where they are missing.
const SERVED: Duration = Duration::from_secs(20);

/// Why a run could not begin. Nothing was created.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The cluster can't be reached, or refuses us.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A Service that is to be tested can't be.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The operator ended it before it began.
    #[error("interrupted before anything was created")]
    Interrupted,
}

impl RunError {
    /// The exit code it deserves.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Cluster(error) => error.exit(),
            Self::Target(error) => error.exit(),
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// Why a run that had begun went no further.
#[derive(Debug, thiserror::Error)]
enum Abort {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Fixture(#[from] FixtureError),
    #[error("interrupted by the user")]
    Interrupted,
    #[error(
        "the run did not finish within {}; raise the limit with --timeout, or use --verbose to see what it waits for",
        seconds(*.0)
    )]
    Deadline(Duration),
    #[error(
        "{} of the run's workload was deleted by someone else during the run; run again",
        fixture::few(.0.iter().map(String::as_str))
    )]
    Removed(Vec<String>),
    #[error("dualstack panicked: {0}; please report this bug with the command line")]
    Panicked(String),
}

impl From<Abort> for BrokenOff {
    fn from(breach: Abort) -> Self {
        let exit = match &breach {
            Abort::Cluster(error) => Some(error.exit()),
            Abort::Fixture(error) => Some(error.exit()),
            Abort::Interrupted => Some(Exit::Interrupted),
            // What was not determined is inconclusive by itself.
            Abort::Deadline(_) | Abort::Removed(_) | Abort::Panicked(_) => None,
        };
        Self { error: breach.to_string(), exit }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

/// Carries out a run. Every event goes to `events`, the last one being what is returned.
///
/// # Errors
/// Only where nothing was created and there is nothing to report: the cluster can't be reached, a
/// permission is missing, or a Service that is to be tested doesn't exist. Everything later is in the record.
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
        never = tell_if_slow(&events) => match never {},
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

    let ledger = Ledger::new(options.checks.clone());
    let named = options.suite.targets.clone();
    let mut wanted =
        permissions(&options.checks, &options.fixture, &named, &cluster.server.version);
    if options.snapshot == SnapshotPolicy::Rules {
        wanted.extend(rules::permissions(&cluster.server.version));
    }
    let sources = sources(&options.checks);
    let (asking, gathering) = (stopwatch.begin(Phase::Preflight), stopwatch.begin(Phase::Facts));
    let (preflight, facts, targets) = tokio::select! {
        all = async {
            tokio::join!(
                cluster::preflight(&cluster, &wanted),
                facts::gather(&cluster, &sources),
                facts::targets(&cluster, &named)
            )
        } => all,
        () = stop.asked() => return Err(RunError::Interrupted),
    };
    stopwatch.end(asking);
    stopwatch.end(gathering);
    let (preflight, targets) = (preflight?, targets?);
    facts::usable(&targets)?;
    let facts = Facts { targets, ..facts? };

    let mut session = Session {
        ledger,
        options,
        cluster,
        events,
        stopwatch,
        started,
        started_at,
        facts,
        fixture: Fixture::default(),
        reached: Stage::Facts,
        balancing: false,
        notices: Vec::new(),
        deadline,
        looking_again: Duration::ZERO,
    };
    if session.options.snapshot == SnapshotPolicy::Rules {
        session.notice(rules::PRICE.to_owned());
    }
    for missing in preflight.missing {
        session.notice(format!(
            "missing permission: {missing} (cases that need it are not determined)"
        ));
    }
    for notice in check::notices(session.world()) {
        session.notice(notice);
    }
    let mut live = None;
    let breach = session.until_stopped(&mut live, deadline, &mut stop).await.err();
    Ok(session.finish(live, breach.map(BrokenOff::from), stop).await)
}

/// Whether a check's cases need the addresses of a load balancer.
fn is_of_balancers(check: &dyn DynCheck) -> bool {
    check.promise().needs.contains(&Need::LoadBalancer)
}

/// Says what connecting waits for, where it takes long.
async fn tell_if_slow(events: &Events) -> Infallible {
    tokio::time::sleep(SLOW).await;
    let what = "the API server, or the kubeconfig's credential plugin".to_owned();
    events.send(Event::Waiting { phase: Phase::Connect, what });
    pending().await
}

/// All that a run knows. Its steps may be dropped at any await: what they learnt is here.
struct Session {
    options: Options,
    cluster: Cluster,
    events: Events,
    stopwatch: Stopwatch,
    started: Started,
    started_at: Timestamp,
    ledger: Ledger,
    facts: Facts,
    /// Empty until something stands in the cluster.
    fixture: Fixture,
    reached: Stage,
    /// Whether a load balancer's addresses are still waited for.
    balancing: bool,
    notices: Vec<String>,
    /// When it is to have judged.
    deadline: Instant,
    /// For how long it has looked a second time at what failed.
    looking_again: Duration,
}

impl Session {
    /// Goes on until the end, or until something ends it. What was put into the cluster by then is
    /// in `live`.
    async fn until_stopped(
        &mut self,
        live: &mut Option<Live>,
        deadline: Instant,
        stop: &mut Stop,
    ) -> Result<(), Abort> {
        let limit = self.options.deadline;
        tokio::select! {
            biased;
            () = stop.asked() => Err(Abort::Interrupted),
            () = tokio::time::sleep_until(deadline) => Err(Abort::Deadline(limit)),
            // What a panic left behind is only ever added to, so it can still be read.
            done = AssertUnwindSafe(self.proceed(live, deadline)).catch_unwind() => {
                done.unwrap_or_else(|panic| Err(Abort::Panicked(message(&*panic))))
            }
        }
    }

    async fn proceed(&mut self, live: &mut Option<Live>, deadline: Instant) -> Result<(), Abort> {
        self.reach(Stage::Facts);
        if self.ledger.last_stage().is_none_or(|stage| stage == Stage::Facts) {
            self.events.send(Event::Planned { cases: self.ledger.cases(), probes: 0 });
            return Ok(());
        }
        self.wait_for_nodes(deadline).await?;
        let deploying = self.stopwatch.begin(Phase::Deploy);
        let rendered = fixture::render(&self.options.fixture, &self.facts, &self.started.run)?;
        self.events.send(Event::NodesSelected(rendered.nodes().to_vec()));
        let left_out = fixture::left_out(rendered.nodes());
        for notice in rendered.mesh().describe().into_iter().chain(left_out) {
            self.notice(notice);
        }
        self.events.send(Event::Creating(rendered.summary()));
        // The caller owns it before the first object exists, so that whatever happens next is
        // torn down.
        let live = live.insert(rendered.begin(&self.cluster));
        self.fixture = live.apply().await?;
        self.stopwatch.end(deploying);
        self.reach(Stage::Applied);
        self.wait_ready(live, deadline).await?;
        self.wait_served(live).await;
        self.probe(live).await
    }

    /// A cluster that was just created may still be starting nodes. Whoever isn't ready in time is
    /// not tested, and the run says so.
    async fn wait_for_nodes(&mut self, deadline: Instant) -> Result<(), Abort> {
        let options = &self.options.fixture;
        let now = || self.cluster.clock.now();
        if fixture::becoming_ready(&self.facts.nodes, options, now()).is_empty() {
            return Ok(());
        }
        let waiting = self.stopwatch.begin(Phase::Nodes);
        let until = deadline.min(Instant::now() + options.node_timeout);
        loop {
            let starting = fixture::becoming_ready(&self.facts.nodes, options, now());
            let left = until.saturating_duration_since(Instant::now());
            if starting.is_empty() || left.is_zero() {
                break;
            }
            let what = format!(
                "{} to become ready, for up to {}",
                fixture::few(starting),
                seconds(options.node_timeout)
            );
            self.events.send(Event::Waiting { phase: Phase::Nodes, what });
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
            self.facts.nodes = facts::nodes(&self.cluster).await?;
        }
        self.stopwatch.end(waiting);
        Ok(())
    }

    async fn wait_ready(&mut self, live: &mut Live, deadline: Instant) -> Result<(), Abort> {
        let waiting = self.stopwatch.begin(Phase::Ready);
        let events = self.events.clone();
        let ready = live.wait_ready(deadline, |what| {
            events.send(Event::Waiting { phase: Phase::Ready, what });
        });
        self.fixture = ready.await?;
        self.reread_leases().await;
        self.stopwatch.end(waiting);
        self.reach(Stage::Ready);
        Ok(())
    }

    /// A proxy can't know what it hasn't been told: until then there is nothing to try.
    async fn wait_served(&mut self, live: &mut Live) {
        if self.ledger.last_stage() < Some(Stage::Served) {
            return;
        }
        let waiting = self.stopwatch.begin(Phase::Serve);
        let settle = Duration::from_millis(self.options.suite.probes.settle_ms.into());
        let served = live.wait_served(settle.max(SERVED), |what| {
            self.events.send(Event::Waiting { phase: Phase::Serve, what });
        });
        self.fixture = served.await;
        let (balanced, is_complete) = live.balanced().await;
        self.fixture.load_balancing = balanced;
        self.balancing = !is_complete;
        self.reread_leases().await;
        self.stopwatch.end(waiting);
        self.reach(Stage::Served);
    }

    /// Where pods or EndpointSlices were waited for in vain: whether somebody still sees to them. A
    /// component that stopped just before the run looked alive when the facts were gathered.
    async fn reread_leases(&mut self) {
        let pending = self.fixture.backends.iter().chain(&self.fixture.probes);
        let mut pending = pending.filter(|pod| pod.state != WorkloadState::Ready);
        let unserved = |service: &fixture::Service| {
            service.role.is_basic() && service.slices.as_ref().is_some_and(Vec::is_empty)
        };
        let waited = self.reached >= Stage::Ready && self.fixture.services.iter().any(unserved);
        if waited || pending.next().is_some() {
            self.facts.leases = facts::leases(&self.cluster).await;
        }
    }

    /// Plans the cases of a stage that was just reached.
    fn reach(&mut self, stage: Stage) {
        self.reached = stage;
        let Self { ledger, facts, fixture, options, balancing, .. } = self;
        let world = World { facts, fixture, suite: &options.suite };
        let judged =
            ledger.plan_those(stage, world, &|check| !*balancing || !is_of_balancers(check));
        self.tell(judged);
    }

    /// Judges the cases that waited for this probe and no other.
    fn observed(&mut self, id: ProbeId, observation: Observation) {
        let Self { ledger, facts, fixture, options, .. } = self;
        let world = World { facts, fixture, suite: &options.suite };
        let judged = ledger.observed(id, observation, world);
        self.tell(judged);
    }

    fn world(&self) -> World<'_> {
        World { facts: &self.facts, fixture: &self.fixture, suite: &self.options.suite }
    }

    fn notice(&mut self, notice: String) {
        self.notices.push(notice.clone());
        self.events.send(Event::Notice(notice));
    }

    fn tell(&self, judged: Vec<Judged>) {
        judged.into_iter().for_each(|judged| self.events.send(Event::Judged(judged)));
    }

    /// Names causes, tears down, and puts the record together. Only the teardown can be cut short,
    /// by an operator who asks a second time.
    async fn finish(
        mut self,
        live: Option<Live>,
        broken_off: Option<BrokenOff>,
        mut stop: Stop,
    ) -> Arc<Finished> {
        let judging = self.stopwatch.begin(Phase::Judge);
        if let Some(BrokenOff { error, .. }) = &broken_off {
            self.events.send(Event::BrokenOff { error: error.clone() });
        }
        let why = why_open(broken_off.as_ref());
        if std::mem::take(&mut self.balancing) && self.reached >= Stage::Probed {
            let Self { ledger, facts, fixture, options, reached, .. } = &mut self;
            let world = World { facts, fixture, suite: &options.suite };
            let judged = ledger.plan_those(*reached, world, &is_of_balancers);
            self.tell(judged);
        }
        let closed = self.ledger.close(&why);
        self.tell(closed);
        let Self { ledger, facts, fixture, options, .. } = &mut self;
        ledger.weigh_time_outs(World { facts, fixture, suite: &options.suite });
        if !self.fixture.removed.is_empty() {
            self.ledger.doubt_failures(&why);
        }
        let ledger = std::mem::replace(&mut self.ledger, Ledger::new(Vec::new()));
        let (judged, probes) = ledger.into_judged();
        let (facts, fixture) = (&self.facts, &self.fixture);
        let world = World { facts, fixture, suite: &self.options.suite };
        let causes = cause::causes(world, &judged, &probes);
        let parity = check::parity(world, judged.iter().map(|judged| &judged.case), &probes);
        let notices = check::egress_notices(world, &probes);
        let notices = notices.into_iter().chain(check::forward_notices(world, &probes));
        let notices = notices.chain(check::loss_notices(world, &probes));
        let notices = notices.chain(check::address_notices(world));
        let notices: Vec<String> = notices.collect();
        notices.into_iter().for_each(|notice| self.notice(notice));
        self.stopwatch.end(judging);

        let left_behind = match live {
            Some(live) if self.options.keep => {
                let kept = live.keep().await;
                self.notice(kept);
                Vec::new()
            }
            Some(mut live) => {
                let tearing_down = self.stopwatch.begin(Phase::Teardown);
                let left = tokio::select! {
                    biased;
                    left = live.teardown(self.options.wait_namespace) => left,
                    () = stop.asked_twice() => vec![live.abandon()],
                };
                self.stopwatch.end(tearing_down);
                left
            }
            None => Vec::new(),
        };
        let record = Record {
            version: RECORD_VERSION,
            dualstack: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started,
            started_at: self.started_at,
            suite: self.options.suite,
            reached: self.reached,
            broken_off,
            notices: self.notices,
            left_behind,
            phases: self.stopwatch.into_phases(),
            facts: self.facts,
            fixture: (self.reached > Stage::Facts).then_some(self.fixture),
            probes,
            judged,
            causes,
            parity,
            baseline: self.options.baseline,
        };
        let finished = Arc::new(Finished { exit: record.exit(), record });
        self.events.send(Event::Finished(Arc::clone(&finished)));
        finished
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
