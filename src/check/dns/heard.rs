//! Over which transports, and from which nodes, something was not heard.

use std::collections::BTreeMap;

use crate::{
    check::words,
    probe::{Probe, Target, Vantage},
};

/// How many nodes are named before they are counted.
const NAMED: usize = 5;

/// How a probe speaks to a DNS server.
pub(super) const fn transport(probe: &Probe) -> &'static str {
    match probe.target {
        Target::Tcp { .. } => "TCP",
        _ => "UDP",
    }
}

/// The node of the pod that a probe starts in.
pub(super) fn from(probe: &Probe) -> Option<&str> {
    match &probe.vantage {
        Vantage::Pod { node } => Some(node),
        _ => None,
    }
}

/// How the detail of a case begins whose DNS server does not answer; [`deaf_over`] follows.
pub(crate) const UNANSWERED: &str = "does not answer over ";

/// `UDP from n1 and n3`, `UDP and TCP from every node`, of probes that went wrong, where `of` nodes
/// asked.
pub(crate) fn deaf_over<'p>(probes: impl IntoIterator<Item = &'p Probe>, of: usize) -> String {
    let mut nodes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for probe in probes {
        let known = nodes.entry(transport(probe)).or_default();
        known.extend(from(probe).filter(|node| !known.contains(node)));
    }
    // UDP is what resolvers ask by first.
    let mut by_nodes: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for (transport, nodes) in nodes.into_iter().rev() {
        match by_nodes.iter_mut().find(|(_, known)| *known == nodes) {
            Some((transports, _)) => transports.push(transport),
            None => by_nodes.push((vec![transport], nodes)),
        }
    }
    let said = by_nodes.into_iter().map(|(transports, nodes)| {
        let place = match nodes.as_slice() {
            all if all.len() == of && of > 1 => "every node".to_owned(),
            many if many.len() > NAMED => {
                format!("{} (first {})", words::count(many.len(), "node"), words::list(&many[..1]))
            }
            few => words::list(few),
        };
        format!("{} from {place}", words::list(transports))
    });
    words::list(said)
}
