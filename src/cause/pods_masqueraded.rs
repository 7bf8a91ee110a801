//! `pods_masqueraded`: pods are seen by other pods under another address than their own.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found, client_address_lost};
use crate::{
    check::{Kind, commands, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct PodsMasqueraded;

impl CauseRule for PodsMasqueraded {
    fn id(&self) -> &'static str {
        "pods_masqueraded"
    }

    fn why(&self) -> &'static str {
        "Pods must see each other's own addresses: NetworkPolicies, allow lists and logs depend on them. A \
         masquerade rule that doesn't exclude the pod range of one family breaks them only in that family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let masqueraded =
        || evidence.of(family).filter(|probed| probed.kind() == Some(Kind::WrongSource));
    let example = masqueraded().next()?;
    let senders: BTreeSet<&str> = masqueraded().filter_map(|probed| probed.from()).collect();
    let receivers: BTreeSet<&str> = masqueraded().filter_map(|probed| probed.backend()).collect();
    // Between two nodes, clients outside tell which of them it is.
    let others_too = |node: &str| !client_address_lost::cases(evidence, family, node).is_empty();
    let entering = receivers
        .first()
        .filter(|node| receivers.len() == 1 && (senders.len() > 1 || others_too(node)))
        .copied();
    let (what, place) = match entering {
        // All that enters one node is changed there; what one node sends, by that one.
        Some(node) => (
            format!(
                "Node {node} masquerades {family} traffic to its own pods: they don't see the real addresses of pods \
                 on other nodes."
            ),
            node,
        ),
        None => (
            format!(
                "Pods on {} reach other pods over {family} under another address than their own.",
                words::list(&senders)
            ),
            *senders.first()?,
        ),
    };
    Some(Found {
        what,
        confidence: Confidence::Proved,
        evidence: vec![example.seen().to_owned()],
        reproduce: vec![commands::rules(place)],
        fix: vec![
            format!(
                "Exclude the cluster's {family} pod range from masquerading: the pod network's own \
                 setting (Calico natOutgoing and its pools, Cilium {}NativeRoutingCIDR, Flannel \
                 --ip-masq), or nonMasqueradeCIDRs of ip-masq-agent.",
                family.slug()
            ),
            "Check that kube-proxy doesn't run with masqueradeAll.".to_owned(),
        ],
        probed: evidence
            .bad(|probed| probed.family == family && probed.kind() == Some(Kind::WrongSource)),
        // Who comes by a NodePort loses its address on the same way in.
        cases: entering
            .map(|node| client_address_lost::cases(evidence, family, node))
            .unwrap_or_default(),
    })
}
