//! `dualstack` tells an operator in seconds, and beyond doubt, whether a Kubernetes cluster's
//! IPv4/IPv6 dual-stack networking works; and where it does not, what is broken and how to fix it.
//!
//! Data flows one way:
//!
//! ```text
//! kubeconfig → cluster → facts → plan → probes → observations → verdicts → causes → events → reports
//! ```

mod baseline;
pub mod cause;
pub mod check;
pub mod cli;
pub mod cluster;
mod compare;
mod conformance;
pub mod event;
pub mod exit;
pub mod facts;
pub mod fixture;
pub mod harness;
#[cfg(test)]
mod lab;
pub mod lint;
pub mod net;
pub mod probe;
pub mod record;
pub mod report;
pub mod run;
pub mod snapshot;
pub mod suite;
pub mod suites;
mod sysdump;
