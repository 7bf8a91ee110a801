//! `affinity_off`: clients aren't kept to one backend although their Service asks for it.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Subject, remedy, words},
    fixture::ServiceRole,
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct AffinityOff;

impl CauseRule for AffinityOff {
    fn id(&self) -> &'static str {
        "affinity_off"
    }

    fn why(&self) -> &'static str {
        "Data that an application keeps in one backend's memory (logins, multipart uploads) is lost with the \
         next connection, at random, although nothing is down. The proxy on each node remembers clients \
         separately, in a separate table for each family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let forgotten = |probed: &&Probed<'_>| {
        probed.service() == Some(&ServiceRole::SessionAffinity) && probed.reading.answered.len() > 1
    };
    let several: Vec<&Probed<'_>> = evidence.of(family).filter(forgotten).collect();
    let mut nodes = evidence.nodes();
    nodes.retain(|node| several.iter().any(|probed| probed.from() == Some(node)));
    let cases = evidence.red("service::session_affinity", |judged| {
        let of_them = match &judged.case.subject {
            Subject::Path { from, .. } => nodes.contains(&from.as_str()),
            _ => false,
        };
        judged.case.family == Some(family) && of_them
    });
    let &node = nodes.first()?;
    let probe = several.first()?.probe;
    let (is, names) = if nodes.len() > 1 { ("do", "Nodes") } else { ("does", "Node") };
    Some(Found {
        what: format!(
            "{names} {} {is} not keep clients to one backend over {family}, though the Service has \
             sessionAffinity ClientIP.",
            words::list(&nodes)
        ),
        evidence: several
            .iter()
            .take(4)
            .map(|probed| {
                format!(
                    "{} at {}: {} in {}",
                    probed.whence(),
                    probed.probe.target,
                    words::count(probed.reading.answered.len(), "backend"),
                    words::count(probed.reading.attempts.len(), "attempt")
                )
            })
            .collect(),
        reproduce: remedy::inspect_service(evidence.world, family, node, probe),
        fix: remedy::affinity(evidence.world, family, node),
        cases,
        ..Found::default()
    })
}
