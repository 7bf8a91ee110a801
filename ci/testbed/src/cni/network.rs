//! What a pod network is asked, and what it answers.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use serde_json::Value;

/// What the network needs to know of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its addresses on the underlay.
    pub addresses: Vec<IpAddr>,
    /// The Node's `spec.podCIDRs`.
    pub pod_cidrs: Vec<IpNet>,
}

/// What a node has to hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// The CNI configuration list; `None` while the node has no range to give pods addresses from.
    pub conflist: Option<Value>,
    /// Routes to the other nodes' pods: range to next hop.
    pub routes: BTreeMap<IpNet, IpAddr>,
    /// The node's nftables ruleset, as the text of one table.
    pub ruleset: String,
}

/// A way to build the pod network.
pub trait PodNetwork: Send + Sync {
    /// What node `me` has to hold, given all nodes (`me` among them).
    fn desired(&self, me: &Member, all: &[Member]) -> Desired;
}
