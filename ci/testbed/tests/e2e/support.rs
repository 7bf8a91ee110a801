//! What the end-to-end tests share: whether they can run here, the names of their clusters, and
//! commands.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Completion, Conclusion, Trial};
use testbed::{
    cache::Cache,
    components, preflight,
    progress::{Event, Progress},
    repeat::Repeats,
    run::Run,
    spec::{Name, Spec},
    state::Store,
};

/// Set to 1, it makes tests fail that would be skipped because the machine can't hold a cluster.
const REQUIRED: &str = "TESTBED_REQUIRED";

/// A test by its name, which states the fact it proves, and whether it runs only with
/// `--include-ignored`.
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) slow: bool,
    pub(crate) run: Box<dyn Fn() + Send>,
}

impl Test {
    pub(crate) fn new(name: &str, slow: bool, run: impl Fn() + Send + 'static) -> Self {
        Self { name: name.to_owned(), slow, run: Box::new(run) }
    }
}

static REPEATS: Repeats = Repeats::new();

/// Runs tests one after the other, or skips all of them aloud where there can be no cluster. `renew` lets
/// them have a cluster made anew, where they share one.
pub(crate) fn run(tests: Vec<Test>, renew: fn()) -> Conclusion {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let obstacle = if arguments.list { None } else { obstacle() };
    let trials = tests.into_iter().map(|test| {
        let obstacle = obstacle.clone();
        let name = test.name.clone();
        let run = move || match &obstacle {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => {
                REPEATS.attempt(&name, || (test.run)(), renew);
                Ok(Completion::Completed)
            }
        };
        Trial::ignorable_test(test.name, run).with_ignored_flag(test.slow)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    REPEATS.report();
    conclusion
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_testbed"))
}

/// Why there can be no cluster here; `None` if there can.
///
/// Parts that are not built yet are a reason too, unless the tests are required: a quick
/// `cargo test` must not take a quarter of an hour.
fn obstacle() -> Option<String> {
    let required = std::env::var(REQUIRED).is_ok_and(|value| value == "1");
    let spec = spec("probe");
    let found = || -> Result<Option<String>, testbed::error::Error> {
        let cache = Cache::open()?;
        preflight::check(&cache, &spec)?;
        let built = components::is_prepared(&cache, spec.kubernetes, spec.cni);
        Ok((!built && !required).then(|| {
            "the cluster's parts are not built yet: `cargo testbed up` builds them".to_owned()
        }))
    };
    let obstacle = found().unwrap_or_else(|error| Some(error.to_string()));
    if let Some(reason) = &obstacle {
        assert!(!required, "{REQUIRED}=1, but {reason}");
        eprintln!("SKIPPED, all tests that need a cluster: {reason}");
    }
    obstacle
}

/// A cluster's name that belongs to this process alone.
pub(crate) fn name(purpose: &str) -> Name {
    format!("test-{}-{purpose}", std::process::id()).parse().unwrap()
}

/// The default cluster under such a name.
pub(crate) fn spec(purpose: &str) -> Spec {
    Spec::new(name(purpose))
}

/// Takes down what test processes left that were killed.
pub(crate) fn clear_abandoned() {
    for name in Store::open().names().unwrap() {
        let owner = name.as_str().strip_prefix("test-").and_then(|rest| rest.split('-').next());
        if let Some(pid) = owner.and_then(|pid| pid.parse::<u32>().ok())
            && !PathBuf::from(format!("/proc/{pid}")).exists()
        {
            println!("taking down {name}, which a killed test left");
            testbed::cluster::Cluster::down(&name).unwrap();
        }
    }
}

/// Prints the steps of `up`.
pub(crate) struct Steps;

impl Progress for Steps {
    fn event(&self, event: Event<'_>) {
        if let Event::Finished { step, took } = event {
            println!("  {step}: {:.1} s", took.as_secs_f64());
        }
    }
}

/// The program with its arguments, on a cluster.
pub(crate) fn testbed(name: &Name, args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(["--name", name.as_str()]).args(args);
    command
}

/// Runs a command that must succeed, and returns its standard output.
#[track_caller]
pub(crate) fn read(command: &mut Command) -> String {
    let what = format!("{command:?}");
    command.read(&what).unwrap_or_else(|error| panic!("{error}\n{}", error.log_tail()))
}

/// Asks until the answer is as wanted, and returns whether it got so in time.
pub(crate) fn settles(limit: Duration, mut ask: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if ask() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}
