//! What a run would do, without doing it: the same facts, objects and cases as a run's, on a fixture
//! with made-up addresses.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use serde::Serialize;

use super::{
    Ledger, Options, RunError,
    permissions::{permissions, sources},
};
use crate::{
    check::{self, DynCheck, Stage, World},
    cluster::{self, PAGE, Server},
    exit::Exit,
    facts::{self, Facts},
    fixture::{self, Destination, FixtureError, FixtureOptions, PolicyRule, SelectedNode, Turn},
    net::IpFamily,
    probe::{Aim, EXECS_AT_ONCE, Probe, Vantage},
    suite::{EgressPolicy, Suite},
};

/// What a run would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The API server; `None` if there was no connection.
    pub server: Option<Server>,
    /// The suite's name.
    pub suite: String,
    /// How many checks.
    pub checks: usize,
    /// Every node, and why it is left out if it is. Empty where no check needs anything created.
    pub nodes: Vec<SelectedNode>,
    /// How the nodes try each other, where not each tries all.
    pub mesh: Option<String>,
    /// How many objects are created, by kind.
    pub objects: BTreeMap<String, usize>,
    /// How many cases are judged.
    pub cases: usize,
    /// How many paths, names and addresses are tried, each one to several times.
    pub probes: usize,
    /// How many of them start on this machine.
    pub outside: usize,
    /// How many of them start in our pods.
    pub from_pods: usize,
    /// How many of them the API server's proxy makes.
    pub proxied: usize,
    /// How many execs carry those out: one for each pod to probe from.
    pub execs: usize,
    /// How many port-forwards to DNS pods there are.
    pub port_forwards: usize,
    /// How many requests the API server gets, watches among them.
    pub calls: Calls,
    /// How many seconds a run takes on a healthy cluster that has the images.
    pub seconds: u64,
    /// The time limit of the run, in seconds.
    pub limit_seconds: u64,
    /// What is to be known besides.
    pub notices: Vec<String>,
}

/// Requests to the API server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// The version, and the lists and objects that are read. Long lists are read in pages.
    pub reads: usize,
    /// Questions for permissions, which create nothing.
    pub reviews: usize,
    /// Objects that are created.
    pub creates: usize,
    /// Watches.
    pub watches: usize,
    /// Execs and port-forwards.
    pub streams: usize,
    /// Requests that the API server passes on to pods, at least so many.
    pub proxied: usize,
    /// Deletions, of single objects or of all of a kind.
    pub deletes: usize,
}

impl Plan {
    /// How many probes go over port-forwards.
    pub const fn forwarded(&self) -> usize {
        self.probes - self.outside - self.from_pods - self.proxied
    }
}

impl Calls {
    /// All of them.
    pub const fn total(&self) -> usize {
        let streams = self.streams + self.proxied;
        self.reads + self.reviews + self.creates + self.watches + streams + self.deletes
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The cluster can't be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The options don't fit the cluster.
    #[error(transparent)]
    Fixture(#[from] FixtureError),
}

impl PlanError {
    /// The exit code it deserves.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Run(error) => error.exit(),
            Self::Fixture(error) => error.exit(),
        }
    }
}

/// Reads the cluster, and says what a run with these options would do. Creates nothing, and asks for
/// no permission.
///
/// # Errors
/// Where the cluster can't be read, or the options don't fit it.
pub async fn plan(options: &Options) -> Result<Plan, PlanError> {
    let cluster = cluster::connect(&options.connect).await.map_err(RunError::from)?;
    let sources = sources(&options.checks);
    let (facts, targets) = tokio::try_join!(
        facts::gather(&cluster, &sources),
        facts::targets(&cluster, &options.suite.targets)
    )
    .map_err(RunError::from)?;
    facts::usable(&targets).map_err(RunError::from)?;
    let facts = Facts { targets, ..facts };
    let now = cluster.clock.now();
    let starting = fixture::becoming_ready(&facts.nodes, &options.fixture, now);
    let notice = (!starting.is_empty()).then(|| {
        format!(
            "{} may become ready: a run would wait for up to {} s",
            fixture::few(&starting),
            options.fixture.node_timeout.as_secs()
        )
    });
    let mut plan = planned(&facts, &options.suite, &options.checks, &options.fixture)?;
    plan.notices.splice(0..0, notice);
    plan.server = Some(cluster.server.clone());
    plan.limit_seconds = options.deadline.as_secs();
    Ok(plan)
}

/// The plan of a run on a cluster with these facts. Pure.
///
/// # Errors
/// Where the options don't fit the cluster.
pub fn planned(
    facts: &Facts,
    suite: &Suite,
    checks: &[&'static dyn DynCheck],
    options: &FixtureOptions,
) -> Result<Plan, FixtureError> {
    let mut ledger = Ledger::new(checks.to_vec());
    let reviews = permissions(checks, options, &suite.targets, &facts.server.version).len();
    let mut plan = Plan {
        suite: suite.name.clone(),
        checks: checks.len(),
        calls: Calls { reads: reads(facts, &sources(checks)), reviews, ..Calls::default() },
        ..Plan::default()
    };
    let mut fixture = fixture::Fixture::default();
    if ledger.last_stage() > Some(Stage::Facts) {
        // Whatever the id: it is in names alone.
        let rendered = fixture::render(options, facts, &fixture::new_run_id())?;
        fixture = rendered.expected(facts);
        plan.nodes = rendered.nodes().to_vec();
        plan.mesh = rendered.mesh().describe();
        plan.notices.extend(fixture::left_out(rendered.nodes()));
        plan.objects = rendered.counts(&fixture);
        plan.calls.creates = plan.objects.values().sum();
        (plan.calls.watches, plan.calls.deletes) = rendered.watches_and_deletions();
    }
    if suite.egress != EgressPolicy::Off {
        fixture.egress = destinations(suite);
    }
    let world = World { facts, fixture: &fixture, suite };
    plan.notices.extend(check::notices(world));
    for stage in Stage::ALL {
        ledger.plan(stage, world);
    }
    plan.cases = ledger.cases();
    let mut by_source: BTreeMap<Source, usize> = BTreeMap::new();
    for (_, probe) in ledger.wanted() {
        plan.probes += 1;
        *by_source.entry(Source::of(&probe)).or_default() += 1;
    }
    let mut busiest = 0;
    for (source, probes) in by_source {
        match source {
            Source::Outside => plan.outside = probes,
            Source::ApiServer => plan.proxied = probes,
            Source::Forward(_) => plan.port_forwards += 1,
            Source::Exec(..) | Source::Guarded(..) | Source::Changing(..) => {
                plan.execs += 1;
                plan.from_pods += probes;
                busiest = busiest.max(probes);
            }
        }
    }
    plan.calls.streams = plan.execs + plan.port_forwards;
    plan.calls.proxied = plan.proxied;
    plan.seconds = seconds(&plan, busiest);
    Ok(plan)
}

/// This machine as pods would find it, by made-up addresses (RFC 5737, RFC 3849).
fn destinations(suite: &Suite) -> BTreeMap<IpFamily, Destination> {
    let address = |family| match family {
        IpFamily::V4 => IpAddr::from([192, 0, 2, 1]),
        IpFamily::V6 => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
    };
    let listener = |family| Destination::Listener { address: SocketAddr::new(address(family), 80) };
    suite.families.iter().map(|&family| (family, listener(family))).collect()
}

/// Where a probe starts: what carries it out with others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Outside,
    ApiServer,
    /// The pod of a node, and whether that is in the node's network.
    Exec(String, bool),
    /// A pod of a node that is guarded, or connects to such a one, while a policy holds.
    Guarded(String, bool, PolicyRule),
    /// The pod of a node, while a Service has this backend.
    Changing(String, Turn),
    /// A DNS pod.
    Forward(String),
}

impl Source {
    fn of(probe: &Probe) -> Self {
        match (&probe.vantage, &probe.aim) {
            (Vantage::Pod { node }, Aim::Guarded { under, .. }) => {
                Self::Guarded(node.clone(), false, *under)
            }
            (Vantage::Guarded { node }, Aim::Guarded { under, .. }) => {
                Self::Guarded(node.clone(), true, *under)
            }
            (Vantage::Pod { node }, Aim::Changing { turn }) => Self::Changing(node.clone(), *turn),
            (vantage, _) => Self::of_vantage(vantage),
        }
    }

    fn of_vantage(vantage: &Vantage) -> Self {
        match vantage {
            Vantage::Outside => Self::Outside,
            Vantage::ApiServer => Self::ApiServer,
            Vantage::Pod { node } => Self::Exec(node.clone(), false),
            Vantage::HostNetwork { node } => Self::Exec(node.clone(), true),
            Vantage::Guarded { node } => Self::Guarded(node.clone(), true, PolicyRule::Open),
            Vantage::DnsPod { pod, .. } => Self::Forward(pod.clone()),
        }
    }
}

/// How many requests gathering these parts of the facts takes.
fn reads(facts: &Facts, sources: &[facts::Source]) -> usize {
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = |count: usize| count.saturating_sub(1) / page;
    let nodes = facts.nodes.known().map_or(0, Vec::len);
    let proxies = facts.proxy_pods.known().map_or(0, Vec::len);
    let addresses = facts.services.known().map(|it| it.cluster_ips.values().sum::<usize>());
    let services = facts.services.known().map(|it| it.cluster_ips.values().max().copied());
    let pods = facts.pods.known().map_or(0, |pods| pods.seen);
    let services = services.flatten().unwrap_or_default();
    // Some keep their pod ranges to themselves.
    let own = ["calico", "canal", "cilium", "flannel"];
    let of_cni = facts.cni.known().is_some_and(|cni| own.contains(&cni.name.as_str()));
    // The version comes first.
    1 + facts::requests(sources)
        + usize::from(of_cni)
        + 2 * facts.targets.len()
        + more(nodes)
        + more(proxies)
        + more(addresses.unwrap_or_default())
        + more(services)
        + more(pods)
}

/// How many seconds a run takes on a healthy cluster that has the images: an estimate from what the
/// steps took on clusters of three nodes.
fn seconds(plan: &Plan, busiest: usize) -> u64 {
    // Connecting, permissions and facts.
    let mut millis = 400 + plan.calls.reads * 10;
    if plan.calls.creates > 0 {
        // Six objects of a kind at once; pods start within some three seconds, and a node's in a row.
        millis += plan.calls.creates * 12 + 3_500;
        // A removal takes as long as the pods' grace.
        millis += 1_200 + plan.calls.creates * 2;
    }
    if plan.probes > 0 {
        // Each pod has 16 probes in flight, and a batch of them takes some 150 ms.
        let waves = plan.execs.div_ceil(EXECS_AT_ONCE).max(1);
        millis += waves * (300 + busiest.div_ceil(16) * 150);
    }
    u64::try_from(millis.div_ceil(1_000)).unwrap_or(u64::MAX)
}
