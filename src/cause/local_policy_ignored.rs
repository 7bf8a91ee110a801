//! `local_policy_ignored`: a node sends to other nodes what must stay on it.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{remedy, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct LocalPolicyIgnored;

impl CauseRule for LocalPolicyIgnored {
    fn id(&self) -> &'static str {
        "local_policy_ignored"
    }

    fn why(&self) -> &'static str {
        "Local traffic policies have a purpose: node-local agents, costs between zones, load balancers that \
         choose nodes by their health checks. Traffic that goes to other nodes anyway reaches the wrong agent, \
         or has a node's address instead of the client's."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// The node whose proxy decides.
fn proxy<'a>(probed: &Probed<'a>) -> Option<&'a str> {
    probed.at().or(probed.from())
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let answered: Vec<&Probed<'_>> =
        evidence.silences(family).filter(|probed| probed.bad()).collect();
    let mut nodes = evidence.nodes();
    nodes.retain(|node| answered.iter().any(|probed| proxy(probed) == Some(node)));
    let &node = nodes.first()?;
    let probe = answered.first()?.probe;
    let (send, names) = if nodes.len() > 1 { ("send", "Nodes") } else { ("sends", "Node") };
    Some(Found {
        what: format!(
            "{names} {} {send} {family} connections for a Service with traffic policy Local to a backend \
             on another node.",
            words::list(&nodes)
        ),
        evidence: answered
            .iter()
            .take(4)
            .map(|probed| {
                format!(
                    "{} at {}, whose only backend is on {}: {}",
                    probed.whence(),
                    probed.probe.target,
                    probed.backend().unwrap_or("another node"),
                    probed.seen()
                )
            })
            .collect(),
        reproduce: remedy::inspect_service(evidence.world, family, node, probe),
        fix: remedy::service_proxy(evidence.world, family, node),
        probed: evidence.bad(|probed| {
            probed.family == family && probed.wants_silence() && !probed.probe.aim.is_guarded()
        }),
        ..Found::default()
    })
}
