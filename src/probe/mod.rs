//! Probes and observations: what to try, and what came of it.
//!
//! A probe says from where to where, in which family and how often; an observation is the list of
//! attempts that were made. Both are data; what an observation *means* is for the checks. Probes
//! are carried out by [`carry_out()`], all at once: from the pods by one exec of a script each, from
//! this machine, by the API server's proxy, and from DNS pods over port-forwards.

mod aim;
mod answer;
mod api_server;
mod carry_out;
mod dns;
mod egress;
mod failure;
mod family_times;
mod group;
mod held_up;
mod listener;
#[cfg(test)]
mod loopback;
mod model;
mod outcome;
mod outside;
mod plan;
mod pod;
mod policy;
mod proxy_page;
mod script;
#[cfg(test)]
mod script_tests;
mod session;
mod table;
mod tool;
mod written;

pub use aim::Aim;
pub use carry_out::{EXECS_AT_ONCE, carry_out};
pub use egress::{Egress, EgressServer};
pub use family_times::{FamilyTimes, Times};
pub(crate) use held_up::{began_late, held_up};
pub use model::{Attempts, HealthPage, Probe, Target, Vantage};
pub use outcome::{Answer, Attempt, Observation, Outcome, Train};
use plan::Batch;
pub use plan::Sink;
pub(crate) use proxy_page::ProxyPage;
pub use table::{ProbeId, ProbeTable};

/// What the reason begins with for which a probe could not be tried, where a permission is missing.
pub(crate) const MISSING_PERMISSION: &str = "missing permission:";
