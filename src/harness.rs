//! The registry as libtest trials: `cargo test --test conformance` and `cargo nextest run`.
//!
//! One trial per check and family, all judged from one run of the same conductor that `dualstack
//! run` uses. Listing needs no cluster. A cluster is used only where one is named for this purpose
//! ([`KUBECONFIG`]): a test command must never reach for whatever cluster a shell points at.
//!
//! Under nextest each trial is a process of its own. The first one carries out the whole plan and
//! stores the run's record under `NEXTEST_RUN_ID`; the others wait for it and judge from it. The
//! fixture is gone when the record is written, and its Lease lets `dualstack cleanup` remove it if
//! the first process was killed.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, OnceLock},
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::{
    cause::{Cause, Judged},
    check::{DynCheck, Need, Status},
    cluster::ConnectOptions,
    fixture::FixtureOptions,
    net::IpFamily,
    record::Record,
    run,
    suite::Suite,
};

/// The environment variable that names the kubeconfig of the cluster to test.
pub const KUBECONFIG: &str = "DUALSTACK_KUBECONFIG";
/// The environment variable that names a context in it; its current context by default.
pub const CONTEXT: &str = "DUALSTACK_CONTEXT";
/// The environment variable that names the suite, `dual-stack` by default.
pub const SUITE: &str = "DUALSTACK_SUITE";
/// Set to `1`: trials fail where no cluster is named, and are not skipped.
pub const REQUIRE_CLUSTER: &str = "DUALSTACK_REQUIRE_CLUSTER";
/// Set to `1`: a trial that has nothing to try fails. For nextest, which reports a trial that was
/// skipped while running as passed.
pub const DENY_SKIPS: &str = "DUALSTACK_DENY_SKIPS";

/// Lists or runs the trials as the command line asks.
pub fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The trials wait for one shared run, so threads cost nothing and a low number gains nothing.
    arguments.test_threads.get_or_insert(16);
    let suite = match Suite::load(&env::var(SUITE).unwrap_or_else(|_| "dual-stack".to_owned())) {
        Ok(suite) => suite.with_targets([]).with_family_gap(None),
        Err(error) => return refuse(&error),
    };
    let plan: Vec<_> = match suite.select(&[], &[]) {
        Ok(checks) => checks.into_iter().flat_map(Part::of).collect(),
        Err(error) => return refuse(&error),
    };
    // A lone process runs only what its filters leave; under nextest the record serves them all.
    let wanted: Vec<_> = match Shared::from_env() {
        Some(_) => plan.iter().map(|part| part.check).collect(),
        None => plan
            .iter()
            .filter(|part| selects(&arguments, &part.name))
            .map(|part| part.check)
            .collect(),
    };
    let source = Arc::new(Source::new(suite, wanted));
    let trials = plan
        .into_iter()
        .map(|part| {
            let source = Arc::clone(&source);
            Trial::ignorable_test(part.name.clone(), move || source.complete(&part))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What one trial stands for: a check in one family, or a check that judges both at once.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    check: &'static dyn DynCheck,
    family: Option<IpFamily>,
}

impl Part {
    /// A family that the suite doesn't expect has a trial too: that the cluster has nothing of it is
    /// part of what a single-stack suite proves.
    fn of(check: &'static dyn DynCheck) -> Vec<Self> {
        if check.promise().per_family {
            IpFamily::ALL
                .into_iter()
                .map(|family| Self {
                    name: format!("{}::{}", check.id(), family.slug()),
                    check,
                    family: Some(family),
                })
                .collect()
        } else {
            vec![Self { name: check.id().to_owned(), check, family: None }]
        }
    }

    fn covers(&self, judged: &Judged) -> bool {
        judged.case.check == self.check.id()
            && (self.family.is_none() || judged.case.family == self.family)
    }
}

/// Whether libtest-mimic would run a trial of this name under these filters.
fn selects(arguments: &Arguments, name: &str) -> bool {
    let hit = |filter: &String| {
        if arguments.exact { name == filter } else { name.contains(filter.as_str()) }
    };
    arguments.filter.as_ref().is_none_or(hit) && !arguments.skip.iter().any(hit)
}

/// The one run behind all trials, carried out when the first of them asks.
struct Source {
    suite: Suite,
    checks: Vec<&'static dyn DynCheck>,
    record: OnceLock<Result<Record, Unavailable>>,
    turn: Mutex<()>,
}

/// Why there is no record to judge from.
#[derive(Clone, Debug)]
enum Unavailable {
    /// No cluster was named.
    NoCluster,
    /// The run could not be carried out.
    Failed(String),
}

impl Source {
    fn new(suite: Suite, mut checks: Vec<&'static dyn DynCheck>) -> Self {
        checks.dedup_by_key(|check| check.id());
        Self { suite, checks, record: OnceLock::new(), turn: Mutex::new(()) }
    }

    fn complete(&self, part: &Part) -> Result<Completion, Failed> {
        match self.record() {
            Ok(record) => conclude(part, record),
            Err(Unavailable::Failed(why)) => Err(why.into()),
            Err(Unavailable::NoCluster) => {
                let why = format!("{KUBECONFIG} is not set");
                if is_set(REQUIRE_CLUSTER) {
                    Err(format!("{why}, and {REQUIRE_CLUSTER}=1 requires a cluster").into())
                } else {
                    skip(why)
                }
            }
        }
    }

    fn record(&self) -> &Result<Record, Unavailable> {
        let _turn = self.turn.lock();
        self.record.get_or_init(|| {
            let kubeconfig = env::var_os(KUBECONFIG).ok_or(Unavailable::NoCluster)?;
            match Shared::from_env() {
                Some(shared) => shared.record(|| self.carry_out(kubeconfig.as_ref())),
                None => self.carry_out(kubeconfig.as_ref()),
            }
        })
    }

    fn carry_out(&self, kubeconfig: &Path) -> Result<Record, Unavailable> {
        let any_needs =
            |need| self.checks.iter().any(|check| check.promise().needs.contains(&need));
        let (guarded, changing) = (any_needs(Need::Policies), any_needs(Need::Changes));
        let options = run::Options {
            connect: ConnectOptions {
                kubeconfig: Some(kubeconfig.to_owned()),
                context: env::var(CONTEXT).ok(),
                ..ConnectOptions::default()
            },
            suite: self.suite.clone(),
            checks: self.checks.clone(),
            fixture: FixtureOptions { guarded, changing, ..FixtureOptions::default() },
            egress_server: None,
            deadline: run::DEFAULT_DEADLINE,
            keep: false,
            snapshot: run::SnapshotPolicy::Suspects,
            baseline: None,
            wait_namespace: false,
        };
        let (_stopper, stop) = run::stop();
        tokio::runtime::Runtime::new()
            .map_err(|error| Unavailable::Failed(format!("cannot start threads: {error}")))?
            .block_on(run::run(options, run::Events::discarded(), stop))
            .map(|finished| finished.record.clone())
            .map_err(|error| Unavailable::Failed(error.to_string()))
    }
}

/// What a trial says of its cases: any failure or doubt fails it, nothing to try skips it.
fn conclude(part: &Part, record: &Record) -> Result<Completion, Failed> {
    if let Some(broken_off) = &record.broken_off {
        return Err(broken_off.error.clone().into());
    }
    let cases: Vec<_> = record.judged.iter().filter(|judged| part.covers(judged)).collect();
    let causes = by_case(record);
    let of = |status| cases.iter().filter(move |judged| judged.verdict.status() == status);
    let mut problems: Vec<String> =
        of(Status::Fail).map(|judged| explain(judged, &causes)).collect();
    problems.extend(of(Status::Inconclusive).map(|judged| {
        format!("{}: inconclusive: {}", judged.case.name(), judged.verdict.detail())
    }));
    if !problems.is_empty() {
        Err(problems.join("\n\n").into())
    } else if of(Status::Pass).next().is_some() {
        Ok(Completion::Completed)
    } else {
        skip(of(Status::Skip).next().map_or_else(
            || "nothing to test in this cluster".to_owned(),
            |judged| judged.verdict.detail().to_owned(),
        ))
    }
}

/// The first cause that explains a case, by the case's name.
fn by_case(record: &Record) -> HashMap<&str, &Cause> {
    // What comes later stays in a map, and the first cause counts.
    let causes = record.causes.iter().rev();
    causes.flat_map(|cause| cause.explains.iter().map(move |name| (name.as_str(), cause))).collect()
}

fn explain(judged: &Judged, causes: &HashMap<&str, &Cause>) -> String {
    let name = judged.case.name();
    let mut text = format!("{name}: {}", judged.verdict.detail());
    if let Some(cause) = causes.get(name.as_str()) {
        text.push_str(&format!("\n  cause: {}", cause.what));
        cause.fix.iter().for_each(|fix| text.push_str(&format!("\n  fix: {fix}")));
    } else if let Some(failure) = &judged.verdict.failure() {
        text.push_str(&format!("\n  {}", failure.what));
        failure.fix.iter().for_each(|fix| text.push_str(&format!("\n  fix: {fix}")));
    }
    text
}

fn skip(why: String) -> Result<Completion, Failed> {
    if is_set(DENY_SKIPS) {
        Err(format!("skipped, which {DENY_SKIPS}=1 forbids: {why}").into())
    } else {
        Ok(Completion::ignored_with(why))
    }
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| value == "1")
}

/// The place where the processes of one nextest run share its record.
struct Shared {
    directory: PathBuf,
}

impl Shared {
    fn from_env() -> Option<Self> {
        let id = env::var("NEXTEST_RUN_ID").ok()?;
        let suite = env::var(SUITE).unwrap_or_default();
        let name: String = format!("dualstack-nextest-{id}-{suite}")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        Some(Self { directory: env::temp_dir().join(name) })
    }

    /// The record, made by whichever process comes first. The lock ends with its process, so a
    /// killed first process leaves the work to the next.
    fn record(
        &self,
        make: impl FnOnce() -> Result<Record, Unavailable>,
    ) -> Result<Record, Unavailable> {
        let shared = |error: io::Error| {
            Unavailable::Failed(format!(
                "cannot share the run in {}: {error}",
                self.directory.display()
            ))
        };
        fs::create_dir_all(&self.directory).map_err(shared)?;
        let lock = File::create(self.directory.join("lock")).map_err(shared)?;
        lock.lock().map_err(shared)?;
        let path = self.directory.join("record.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice::<Result<Record, String>>(&bytes)
                .map_err(|error| shared(error.into()))?
                .map_err(Unavailable::Failed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let record = make();
                let stored = record.as_ref().map_err(|unavailable| match unavailable {
                    Unavailable::Failed(why) => why.clone(),
                    Unavailable::NoCluster => format!("{KUBECONFIG} is not set"),
                });
                let bytes = serde_json::to_vec(&stored).map_err(|error| shared(error.into()))?;
                fs::write(&path, bytes).map_err(shared)?;
                record
            }
            Err(error) => Err(shared(error)),
        }
    }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    anstream::eprintln!("error: {error}");
    crate::exit::Exit::Usage.into()
}
