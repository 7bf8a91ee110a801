//! How a node's network looked from inside once something had failed: data that proves a cause, as
//! far as a pod without privileges in the node's own network can see it.

mod model;
mod read;

pub use model::{Address, Link, Lookup, Neighbour, Route, Snapshot};
pub use read::{COMMAND, Reader, stdin};
