//! Talk with an API server that behaves badly: each case ends in a clear sentence with the next
//! step and the documented exit code. The server is a fake on loopback.
#![allow(unreachable_pub, reason = "the modules of a test binary are its own")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may fail the test"
)]

mod cleaning;
mod connecting;
mod deploying;
mod entering;
mod fake;
mod forwarding;
mod gathering;
mod kubeconfigs;
mod planning;
mod plugins;
mod secure;
