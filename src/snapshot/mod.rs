//! How a node's network looked from inside once something had failed: data that proves a cause, as
//! far as pods without privileges can see it, and what the API server and the components' logs tell.

mod diagnostics;
mod gateway;
mod model;
mod read;
mod rules;

pub use diagnostics::{
    Complaint, Component, Event, MISSING, NetworkPod, NodeDiagnostics, Trouble, complaints,
};
pub use gateway::{Deprecated, GATEWAY_COMMAND, Gateway};
pub use model::{Address, Backlog, Link, Lookup, Neighbour, Route, RoutingRule, Snapshot};
pub use read::{COMMAND, Reader, stdin};
pub use rules::{Effect, Entry, FilterRule, Hook, RULES_COMMAND, RulesReader, Ruleset};
