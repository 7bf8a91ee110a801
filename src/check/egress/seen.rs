//! Under which address a pod arrives outside the cluster.

use std::{fmt, net::IpAddr};

use crate::{
    check::{Reading, World},
    facts::Node,
    probe::{Outcome, Vantage},
};

/// Under which address a pod arrived outside the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    /// Its own: the pod range is routed.
    Pod,
    /// That of its node, which masquerades.
    Node,
    /// That of another node: a gateway.
    OtherNode(String),
    /// Another one: something on the way translates addresses.
    Other(IpAddr),
}

impl Seen {
    /// What the server saw of a probe from a pod, where it told.
    pub(super) fn of(world: World<'_>, reading: &Reading<'_>) -> Option<Self> {
        let Vantage::Pod { node } = &reading.probe.vantage else { return None };
        let client = reading.attempts.iter().find_map(|attempt| match &attempt.outcome {
            Outcome::Answered(answer) => Some(answer.client),
            _ => None,
        })?;
        let pod = world.fixture.probe_on(node);
        if pod.is_some_and(|pod| pod.pod_ips.contains(&client)) {
            return Some(Self::Pod);
        }
        let is_of = |node: &&Node| node.addresses.iter().any(|it| it.address.parse() == Ok(client));
        // Its own node's, as a rule: the others are looked through only where it isn't.
        let own = world.facts.node(node).filter(is_of);
        let nodes = world.facts.nodes.known()?;
        let owner = own.or_else(|| nodes.iter().find(is_of));
        let owner = owner.map(|node| node.name.as_str());
        Some(match owner {
            Some(owner) if owner == node => Self::Node,
            Some(owner) => Self::OtherNode(owner.to_owned()),
            None => Self::Other(client),
        })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod => f.write_str("not masqueraded"),
            Self::Node => f.write_str("masqueraded"),
            Self::OtherNode(node) => write!(f, "masqueraded as node {node}"),
            Self::Other(ip) => write!(f, "seen as {ip}, which is not the address of a pod or node"),
        }
    }
}
