//! `rejections_lost`: a Service without endpoints is silent instead of refusing.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{remedy, words},
    net::IpFamily,
    probe::Target,
};

#[derive(Debug)]
pub(super) struct RejectionsLost;

impl CauseRule for RejectionsLost {
    fn id(&self) -> &'static str {
        "rejections_lost"
    }

    fn why(&self) -> &'static str {
        "Clients of a Service whose backends are gone hang for minutes instead of trying the other \
         family or another server at once."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let closed = |probed: &Probed<'_>| {
        probed.family == family && matches!(probed.probe.target, Target::Closed { .. })
    };
    let silent: Vec<&Probed<'_>> =
        evidence.probed.iter().filter(|probed| closed(probed) && probed.bad()).collect();
    let example = *silent.first()?;
    let node = example.from()?;
    let mut nodes = evidence.nodes();
    nodes.retain(|node| silent.iter().any(|probed| probed.from() == Some(node)));
    let nodes = words::list(nodes);
    let address = example.probe.target.address()?;
    Some(Found {
        what: format!(
            "On {nodes} a Service without endpoints does not refuse {family} connections, as the service \
             proxy must."
        ),
        evidence: silent.iter().map(|probed| probed.told()).collect(),
        reproduce: remedy::inspect_rejections(
            evidence.world,
            family,
            node,
            &address.ip().to_string(),
        ),
        fix: remedy::service_proxy(evidence.world, family, node),
        probed: evidence.bad(closed),
        ..Found::default()
    })
}
