//! How planning, judging, naming causes and reporting grow with the nodes, in the lab of the tests:
//! healthy, and with one node that doesn't forward IPv6.
//!
//! `cargo bench --bench scale -- [NODES…]`. Each size is measured in a process of its own, so that the
//! memory is that size's: its peak, in which the lab and the record are.

#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reports on stdout and ends where something fails; of the lab it uses a part"
)]

use std::{
    env, fs,
    hint::black_box,
    process::Command,
    time::{Duration, Instant},
};

// What the lab's files find under `crate`.
use dualstack::{cause, check, event, facts, fixture, net, probe, record, run, snapshot, suite};
use dualstack::{
    fixture::{FixtureOptions, HostNetworkPolicy, NodeChoice},
    report::{Ending, FORMATS},
};

#[path = "../src/lab/mod.rs"]
mod lab;

use lab::{Fault, Lab};
use net::IpFamily::{V4, V6};

const SIZES: [usize; 5] = [3, 10, 100, 1_000, 5_000];

/// The argument with which a measurement is started.
const MEASURE: &str = "measure";

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == MEASURE) {
        let nodes = words[1].parse().unwrap();
        println!("{}", measure(nodes, words[2] == "broken").line());
        return;
    }
    let mut sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    for state in ["healthy", "broken"] {
        println!("{state}: milliseconds; {HEADER}");
        let rows: Vec<(usize, Figures)> =
            sizes.iter().map(|&nodes| (nodes, in_a_process(nodes, state))).collect();
        for (nodes, figures) in &rows {
            println!("{}", figures.row(*nodes));
        }
        for pair in rows.windows(2) {
            let [(few, before), (many, after)] = pair else { continue };
            println!(
                "  {many} : {few} nodes are {:.1} times: time {:.1}, memory {:.1}",
                *many as f64 / *few as f64,
                after.time() / before.time(),
                after.kilobytes / before.kilobytes
            );
        }
    }
}

fn in_a_process(nodes: usize, state: &str) -> Figures {
    let this = env::current_exe().unwrap();
    let output = Command::new(this).args([MEASURE, &nodes.to_string(), state]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Figures::read(&String::from_utf8(output.stdout).unwrap())
}

/// What was measured, times in milliseconds.
#[derive(Debug, Default)]
struct Figures {
    probes: f64,
    causes: f64,
    plan: f64,
    judge: f64,
    cause: f64,
    report: f64,
    kilobytes: f64,
}

const HEADER: &str =
    "nodes, probes, causes, plan, judge, cause, reports, all, µs a node, MB, KB a node";

impl Figures {
    const fn fields(&self) -> [f64; 7] {
        let Self { probes, causes, plan, judge, cause, report, kilobytes } = *self;
        [probes, causes, plan, judge, cause, report, kilobytes]
    }

    fn line(&self) -> String {
        self.fields().map(|field| field.to_string()).join(" ")
    }

    fn read(line: &str) -> Self {
        let fields: Vec<f64> = line.split_whitespace().map(|it| it.parse().unwrap()).collect();
        let [probes, causes, plan, judge, cause, report, kilobytes] = fields[..] else {
            panic!("not a measurement: {line}")
        };
        Self { probes, causes, plan, judge, cause, report, kilobytes }
    }

    fn time(&self) -> f64 {
        self.plan + self.judge + self.cause + self.report
    }

    fn row(&self, nodes: usize) -> String {
        let of_each = |all: f64| all / nodes as f64;
        format!(
            "{nodes:6} {:8} {:4} {:9.1} {:9.1} {:9.1} {:9.1} {:9.1} {:8.0} {:7.0} {:7.0}",
            self.probes,
            self.causes,
            self.plan,
            self.judge,
            self.cause,
            self.report,
            self.time(),
            of_each(self.time() * 1_000.0),
            self.kilobytes / 1_000.0,
            of_each(self.kilobytes)
        )
    }
}

fn measure(nodes: usize, broken: bool) -> Figures {
    let lab = Lab::new(nodes, &[V4, V6]);
    let lab = if broken { lab.with(Fault::NotForwarding { on: "n2", family: V6 }) } else { lab };
    let options = FixtureOptions {
        nodes: Some(NodeChoice::All),
        host_network: HostNetworkPolicy::Off,
        ..FixtureOptions::default()
    };
    let checks = lab.suite.checks();
    let (planned, plan) =
        timed(|| run::planned(&lab.facts, &lab.suite, &checks, &options).unwrap());
    // The lab's network is not what is measured.
    let record = lab.run().record;
    assert!(broken || planned.probes == record.probes.len());
    let (record, judge) = timed(|| run::rejudge(record, checks));
    let fixture = record.fixture.as_ref().unwrap();
    let world = check::World { facts: &record.facts, fixture, suite: &record.suite };
    let (causes, cause) = timed(|| cause::causes(world, &record.judged, &record.probes));
    let ((), report) = timed(|| {
        for format in FORMATS {
            black_box((format.render)(Ending::Finished(&record)).unwrap());
        }
    });
    // Judging again names the causes, too.
    let judge = judge.saturating_sub(cause);
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    Figures {
        probes: record.probes.len() as f64,
        causes: causes.len() as f64,
        plan: millis(plan),
        judge: millis(judge),
        cause: millis(cause),
        report: millis(report),
        kilobytes: peak(),
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

/// The most memory that this process has had, in kilobytes; 0 where the system doesn't say.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
