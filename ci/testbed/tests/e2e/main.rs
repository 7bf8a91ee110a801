//! The testbed from end to end: real clusters on this machine.
//!
//! `cargo test -p testbed --test e2e` needs root and takes some minutes; a word after it selects
//! tests by name (`cluster`, `fault`, `lifecycle`, `shape`), and `-- --include-ignored` runs the
//! slow ones too. Where no cluster can run, the tests are skipped and say why; with
//! TESTBED_REQUIRED=1 they fail instead.
#![cfg(test)]

mod cluster;
mod fault;
mod lifecycle;
mod machine;
mod outside;
mod probe;
mod shape_workload;
mod shapes;
mod support;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Ok(name) = std::env::var(cluster::VICTIM) {
        cluster::hold_a_fault(&name);
    }
    let mut tests = cluster::tests();
    tests.extend(fault::tests());
    tests.extend(lifecycle::tests());
    tests.extend(shapes::tests());
    let conclusion = support::run(tests, cluster::finish);
    cluster::finish();
    conclusion.exit_code()
}
