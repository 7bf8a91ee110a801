//! The checks: what dual-stack promises, one small file each, and the one ordered registry.
//!
//! A check is a pure description in three parts: which cases there are in this world and what each
//! wants probed ([`Check::plan`]); what the probes' readings mean ([`Check::judge`]); and the words
//! for a person (what, why, how to see it, how to fix it). No check reaches the cluster, a clock or
//! a runtime: [`World`] and readings in, [`Verdict`] out, so a saved run can be judged again.
//!
//! Each check has a type of its own for what a case is about, so that judging starts from what
//! planning knew. The registry and everything behind it see a [`DynCheck`], which has forgotten
//! that type. What a check is to reports and to other projects is told by itself ([`About`]), so its
//! own file and the list of its area are the only places that know of it.

mod about;
mod busy;
mod case;
mod change;
pub(crate) mod commands;
mod contract;
mod control_plane;
mod dns;
mod dns_place;
mod egress;
mod erased;
mod expected;
mod groups;
mod need;
mod node;
mod node_port;
mod notices;
mod outcome;
mod pairs;
mod parity;
mod plan;
mod pod;
mod policy;
mod primary;
mod promise;
mod reading;
pub(crate) mod reconfigure;
mod registry;
pub(crate) mod remedy;
mod service;
pub(crate) mod shell;
mod step;
mod target;
#[cfg(test)]
mod tests;
mod untested;
mod upstream;
mod verdict;
pub(crate) mod words;
mod world;

pub use about::{About, Level};
pub(crate) use busy::Busy;
pub(crate) use case::Planned;
pub use case::{Blocked, Case, Subject};
pub(crate) use contract::Check;
use dns::domain as cluster_domain;
pub use dns::forward_notices;
pub(crate) use dns::{UNANSWERED, deaf_over, headless_fix, reverse_zone_fix, short_names_fix};
pub(crate) use dns_place::{COREFILE_SOURCE, DnsPlace};
pub use egress::egress_notices;
pub use erased::{DynCheck, Judge, PlannedCase};
pub use need::Need;
pub use node::address_notices;
pub(crate) use node::{gives_own_addresses, proxy_fixes, proxy_logs};
pub use notices::notices;
pub use parity::{KindOfPath, Parity, parity};
pub use pod::loss_notices;
pub(crate) use pod::{LossyPlace, PlaceLoss, losing, message_size};
pub(crate) use policy::NOT_ENFORCED;
pub use promise::Promise;
pub use reading::Readings;
pub(crate) use reading::{Reading, State, Symptom};
pub use registry::{REGISTRY, asserting, by_id, upstream};
pub(crate) use service::{NO_ADDRESS, SOURCE_LOST, UNROUTED};
pub(crate) use step::Kind;
pub(crate) use untested::untested;
pub use upstream::{UPSTREAM, UpstreamTest};
pub use verdict::{Failure, Status, Verdict};
pub use world::{Stage, World};
