//! What the rules declare of Kubernetes' components, tested with the components themselves: each
//! rejects or warns about the bad examples in the words that are declared, and accepts the good
//! ones; and the field tables against the types of the components.
//!
//! The binaries are looked for in the directories that `DUALSTACK_COMPONENTS` lists (separated by
//! colons), or else in the testbed's cache; kind is built by Go. Where one is missing, its tests
//! say so and are skipped; `DUALSTACK_REQUIRE_COMPONENTS=1` makes that a failure.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

mod api;
mod api_server;
mod binaries;
mod controller_manager;
mod examples;
mod kind;
mod kubeadm;
mod kubelet;
mod proxy;
mod reads;
#[cfg(target_os = "linux")]
mod shapes;
#[cfg(target_os = "linux")]
mod types;
mod versions;
