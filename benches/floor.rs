//! How long a run takes, beside the floor: `kubectl apply` of the same fixture and waiting until it
//! is ready, then deleting its pods. Both in turn, on each of the clusters whose kubeconfigs
//! `DUALSTACK_KUBECONFIG` names (one or more paths, as in PATH), with ratios pair by pair, because the
//! machines are shared and noisy; and in the end a table with a row for each cluster, by its nodes.
//!
//! `cargo bench --bench floor -- [ROUNDS]`; `KUBECTL` names the kubectl. Clusters of 3, 6, 12 and 24
//! nodes come from the testbed: `cargo testbed up --nodes 12`.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reports on the standard streams, and ends where something fails"
)]

use std::{
    env, fmt, fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use dualstack::{
    cluster::{self, ConnectOptions},
    event::Phase,
    facts,
    fixture::{self, FixtureOptions},
    record::Record,
};

fn main() -> ExitCode {
    let Some(kubeconfig) = env::var_os("DUALSTACK_KUBECONFIG") else {
        eprintln!("skipped: DUALSTACK_KUBECONFIG names no cluster to measure on");
        return ExitCode::SUCCESS;
    };
    let rounds = env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(5);
    let kubectl = env::var("KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let mut rows = Vec::new();
    for kubeconfig in env::split_paths(&kubeconfig) {
        let bench = Bench { kubeconfig: &kubeconfig, kubectl: kubectl.clone() };
        // The first round pulls images and warms caches; it isn't counted.
        bench.round();
        let rounds: Vec<Round> = (0..rounds).map(|_| bench.round()).collect();
        println!("{}:", kubeconfig.display());
        report(&rounds);
        rows.push(Row::of(&rounds));
    }
    rows.sort_by_key(|row| row.nodes);
    println!("{HEADER}");
    rows.iter().for_each(|row| println!("{row}"));
    ExitCode::SUCCESS
}

const HEADER: &str =
    "nodes  probes  floor, s   run, s  run / floor  ms over it a probe  removal, s";

/// A cluster's row in the table: medians.
struct Row {
    nodes: usize,
    probes: usize,
    floor: f64,
    run: f64,
    ratio: f64,
    teardown: f64,
}

impl Row {
    fn of(rounds: &[Round]) -> Self {
        let record = &rounds[0].record;
        Self {
            nodes: record.fixture.as_ref().unwrap().selected().count(),
            probes: record.probes.len(),
            floor: median(rounds, &|round| round.floor.as_secs_f64()),
            run: median(rounds, &|round| round.last_verdict.as_secs_f64()),
            ratio: median(rounds, &ratio),
            teardown: median(rounds, &|round| round.teardown.as_secs_f64()),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, probes, floor, run, ratio, teardown } = self;
        let each = (run - floor) * 1_000.0 / (*probes).max(1) as f64;
        write!(
            f,
            "{nodes:5} {probes:7} {floor:9.2} {run:8.2} {ratio:12.2} {each:18.2} {teardown:11.2}"
        )
    }
}

fn ratio(round: &Round) -> f64 {
    round.last_verdict.as_secs_f64() / round.floor.as_secs_f64()
}

fn median(rounds: &[Round], value: &dyn Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Bench<'a> {
    kubeconfig: &'a Path,
    kubectl: String,
}

/// One measurement of both, one right after the other.
struct Round {
    floor: Duration,
    floor_delete: Duration,
    last_verdict: Duration,
    teardown: Duration,
    record: Record,
}

impl Bench<'_> {
    fn round(&self) -> Round {
        let (floor, floor_delete) = self.floor();
        let (last_verdict, teardown, record) = self.run();
        Round { floor, floor_delete, last_verdict, teardown, record }
    }

    /// What nobody can do without: the API server's, the scheduler's and the kubelets' own time.
    fn floor(&self) -> (Duration, Duration) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fixture.json");
        let run = fixture::new_run_id();
        let namespace = FixtureOptions::default().namespace_for(&run);
        fs::write(&path, self.rendered(&run)).unwrap();

        let begun = Instant::now();
        self.kubectl(&["apply", "-f", path.to_str().unwrap()]);
        let wait = |what, condition: &str| {
            let condition = format!("--for=condition={condition}");
            self.kubectl(&["-n", &namespace, "wait", &condition, "--all", "--timeout=120s", what]);
        };
        wait("deployments", "Available");
        wait("pods", "Ready");
        let host = format!("{namespace}-host");
        let ready = "--for=condition=Ready";
        self.kubectl(&["-n", &host, "wait", ready, "--all", "--timeout=120s", "pods"]);
        let floor = begun.elapsed();

        let begun = Instant::now();
        self.kubectl(&["-n", &namespace, "delete", "deployments,pods", "--all"]);
        // Those of the Deployments go after them.
        self.kubectl(&["-n", &namespace, "wait", "--for=delete", "--all", "--timeout=60s", "pods"]);
        self.kubectl(&["-n", &host, "delete", "pods", "--all"]);
        let delete = begun.elapsed();
        self.kubectl(&["delete", "namespace", &namespace, &host]);
        (floor, delete)
    }

    fn rendered(&self, run: &str) -> String {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let options = ConnectOptions {
                kubeconfig: Some(self.kubeconfig.to_owned()),
                ..ConnectOptions::default()
            };
            let cluster = cluster::connect(&options).await.unwrap();
            let facts = facts::gather(&cluster, &facts::Source::ALL).await.unwrap();
            let rendered = fixture::render(&FixtureOptions::default(), &facts, run).unwrap();
            serde_json::to_string(&rendered.to_list().unwrap()).unwrap()
        })
    }

    fn run(&self) -> (Duration, Duration, Record) {
        let directory = tempfile::tempdir().unwrap();
        let json = directory.path().join("record.json");
        let begun = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_dualstack"))
            .arg("run")
            .arg("--kubeconfig")
            .arg(self.kubeconfig)
            .arg("--json")
            .arg(&json)
            .output()
            .unwrap();
        let whole = begun.elapsed();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "the cluster must be healthy to be measured:\n{printed}");
        let record: Record = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
        let teardown = millis(phase(&record, Phase::Teardown).1);
        // The process's own start and end belong to what a user waits for.
        (whole - teardown, teardown, record)
    }

    fn kubectl(&self, arguments: &[&str]) {
        let status = Command::new(&self.kubectl)
            .env("KUBECONFIG", self.kubeconfig)
            .args(arguments)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "kubectl {}", arguments.join(" "));
    }
}

fn report(rounds: &[Round]) {
    let median = |value: &dyn Fn(&Round) -> f64| median(rounds, value);
    let line = |name: &str, value: f64, unit: &str| println!("{name:44} {value:7.2} {unit}");
    println!("medians of {} rounds", rounds.len());
    line("floor: kubectl apply and wait until ready", median(&|r| r.floor.as_secs_f64()), "s");
    line("run: start to last verdict", median(&|r| r.last_verdict.as_secs_f64()), "s");
    line("  as a multiple of the floor, pair by pair", median(&ratio), "");
    line(
        "floor: kubectl delete until the pods are gone",
        median(&|r| r.floor_delete.as_secs_f64()),
        "s",
    );
    line("run: teardown", median(&|r| r.teardown.as_secs_f64()), "s");
    let added = |r: &Round| r.teardown.as_secs_f64() - r.floor_delete.as_secs_f64();
    line("  more than the floor, pair by pair", median(&added), "s");
    println!("where the time of a run goes: start, length");
    let phases = [
        Phase::Connect,
        Phase::Preflight,
        Phase::Facts,
        Phase::Deploy,
        Phase::Ready,
        Phase::Serve,
        Phase::Probe,
        Phase::Judge,
        Phase::Teardown,
    ];
    for wanted in phases {
        let start = median(&|r| seconds(phase(&r.record, wanted).0));
        let length = median(&|r| seconds(phase(&r.record, wanted).1));
        println!("  {:24} {start:7.2} s {length:7.2} s", wanted.doing());
    }
}

/// When a phase began and how long it took, in milliseconds.
fn phase(record: &Record, wanted: Phase) -> (u64, u64) {
    let found = record.phases.iter().find(|phase| phase.phase == wanted);
    found.map_or((0, 0), |phase| (phase.start_ms, phase.millis))
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn seconds(of_millis: u64) -> f64 {
    millis(of_millis).as_secs_f64()
}
