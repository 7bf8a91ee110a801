//! The paths through a cluster, and what can come of one: the words in which a fault says what it
//! breaks.
//!
//! A path says who asks whom, by which kind of address, in which family. [`Flow::hops`] breaks the
//! packets of a path into hops, so that a fault has to say only which hops it loses. Nothing here
//! knows what a tool that looks for faults would say of them.

mod flow;
mod hop;
mod list;
mod made;
mod net;
mod outcome;
mod question;
mod summary;

pub use self::{
    flow::{By, Client, Flow, Port, Size, Target, Transport},
    hop::{Address, Hop, Place},
    made::Made,
    net::Net,
    outcome::Outcome,
    question::Path,
    summary::describe,
};
