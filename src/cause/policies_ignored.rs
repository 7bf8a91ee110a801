//! `policies_ignored`: what enforces NetworkPolicies leaves a family alone.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{commands, words},
    net::IpFamily,
    probe::{Aim, Target},
};

#[derive(Debug)]
pub(super) struct PoliciesIgnored;

impl CauseRule for PoliciesIgnored {
    fn id(&self) -> &'static str {
        "policies_ignored"
    }

    fn why(&self) -> &'static str {
        "The pods are believed to be protected. In this family everyone can reach them, and nothing shows it, \
         because connections over the other family are denied."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let red = evidence.red("policy::both_families", |judged| judged.case.family == Some(family));
    let denied = |probed: &&Probed<'_>| {
        probed.probe.aim.is_guarded() && matches!(probed.probe.target, Target::Unanswered { .. })
    };
    let through: Vec<&Probed<'_>> = evidence
        .probed
        .iter()
        .filter(denied)
        .filter(|probed| probed.family == family && probed.bad())
        .collect();
    let mut nodes = evidence.nodes();
    nodes.retain(|node| through.iter().any(|probed| guarded(probed) == Some(node)));
    let &node = nodes.first().filter(|_| !red.is_empty())?;
    let elsewhere = evidence.probed.iter().filter(denied).find(|probed| probed.good());
    let all = nodes.len() == evidence.world.fixture.guarded.len();
    let place = if all { "on any node".to_owned() } else { format!("on {}", words::list(&nodes)) };
    let seen = |probed: &Probed<'_>| {
        format!("{} to {}: {}", probed.probe.vantage, probed.probe.target, probed.seen())
    };
    let enforced = elsewhere.map(|probed| {
        format!("denied as it must be: {} to {}", probed.probe.vantage, probed.probe.target)
    });
    Some(Found {
        what: format!("NetworkPolicies are not enforced for {family} {place}."),
        evidence: through.iter().take(3).map(|probed| seen(probed)).chain(enforced).collect(),
        reproduce: vec![
            "kubectl get pods -A -o wide | grep -iE 'calico|cilium|kube-router|network-polic|antrea|weave'"
                .to_owned(),
            commands::rules(node),
        ],
        fix: vec![
            format!(
                "Enable {family} in what enforces NetworkPolicies ({place}), and see in its log why it makes \
                 no rules for the family."
            ),
            format!(
                "Until then keep the policies, which may hold in the other family, but don't rely on them in \
                 {family}: have the protected pods listen on {other} only, or drop {family} to them in the nodes' \
                 own firewall.",
                other = family.other()
            ),
        ],
        probed: evidence
            .bad(|probed| probed.probe.aim.is_guarded() && probed.family == family),
        ..Found::default()
    })
}

/// The node of the guarded pod that a probe is about.
fn guarded<'a>(probed: &Probed<'a>) -> Option<&'a str> {
    match &probed.probe.aim {
        Aim::Guarded { node, .. } => Some(node),
        _ => None,
    }
}
