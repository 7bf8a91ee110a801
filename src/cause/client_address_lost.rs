//! `client_address_lost`: a node puts its own address in place of its clients'.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found};
use crate::{
    check::{SOURCE_LOST, Subject, commands, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct ClientAddressLost;

impl CauseRule for ClientAddressLost {
    fn id(&self) -> &'static str {
        "client_address_lost"
    }

    fn why(&self) -> &'static str {
        "Allow lists, rate limits, geolocation and audit logs depend on the client's address: if a node's \
         address replaces it, all clients look alike, and blocking one blocks all. externalTrafficPolicy Local \
         exists to preserve it."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// The cases of a node's Services with externalTrafficPolicy Local that lost their clients' addresses.
pub(super) fn cases(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> BTreeSet<usize> {
    evidence.red("service::traffic_policy", |judged| {
        let local = |to: &str| to.strip_prefix("local on ") == Some(node);
        judged.case.family == Some(family)
            && judged.verdict.detail().starts_with(SOURCE_LOST)
            && matches!(&judged.case.subject, Subject::Path { to, .. } if local(to))
    })
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let cases = evidence.red("service::traffic_policy", |judged| {
        judged.case.family == Some(family) && judged.verdict.detail().starts_with(SOURCE_LOST)
    });
    let red: Vec<(&str, &str)> = cases
        .iter()
        .filter_map(|&place| {
            let judged = evidence.judged.get(place)?;
            match &judged.case.subject {
                Subject::Path { to, .. } => {
                    Some((to.strip_prefix("local on ")?, judged.verdict.detail()))
                }
                _ => None,
            }
        })
        .collect();
    let mut nodes = evidence.nodes();
    nodes.retain(|node| red.iter().any(|(at, _)| at == node));
    let &node = nodes.first()?;
    let (masquerade, names) =
        if nodes.len() > 1 { ("masquerade", "Nodes") } else { ("masquerades", "Node") };
    let places = words::list(&nodes);
    Some(Found {
        what: format!(
            "{names} {places} {masquerade} {family} clients of Services with externalTrafficPolicy \
             Local, which must keep their clients' addresses."
        ),
        confidence: Confidence::Proved,
        evidence: red
            .iter()
            .take(4)
            .map(|(at, seen)| format!("NodePort at {at}: {seen}"))
            .collect(),
        reproduce: vec![commands::rules(node)],
        fix: vec![
            format!(
                "Look on {places} for rules that masquerade {family} on its way to pods (a firewall's, \
                 the pod network's, an IP masquerade agent's), and let them leave out what comes for \
                 the node's own pods."
            ),
            "Check that the service proxy on the node marks nothing to masquerade for Services with \
             externalTrafficPolicy Local."
                .to_owned(),
        ],
        cases,
        ..Found::default()
    })
}
