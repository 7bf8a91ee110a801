//! The product against real clusters: healthy ones, and ones broken on purpose.
//!
//! One cluster of the testbed serves all trials but those of other pod networks, which have one for
//! each network; they run one after the other. Where the testbed can't run the trials are skipped
//! aloud, unless `DUALSTACK_REQUIRE_E2E=1`. The long ones (most faults, other pod networks, thirty
//! runs in a row, ten kills) run with `DUALSTACK_E2E=full`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a trial fails by a panic; with a harness of our own clippy takes it for a program"
)]

#[cfg(target_os = "linux")]
mod bad_input;
#[cfg(target_os = "linux")]
mod bed;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod healthy;
#[cfg(target_os = "linux")]
mod lifecycle;
#[cfg(target_os = "linux")]
mod lint;
#[cfg(target_os = "linux")]
mod list;
#[cfg(target_os = "linux")]
mod node_loss;
#[cfg(target_os = "linux")]
mod product;
#[cfg(target_os = "linux")]
mod targets;
#[cfg(target_os = "linux")]
mod tools;
#[cfg(target_os = "linux")]
mod trial;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    list::run()
}

/// The testbed runs on Linux alone.
#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}
