//! `service_changes_refused`: the cluster's owner forbids to change the families of Services.

use super::{CauseRule, Confidence, Evidence, Found};
use crate::fixture::{Allocation, ChangeOutcome, ChangeTo, ServiceRole};

#[derive(Debug)]
pub(super) struct ServiceChangesRefused;

impl CauseRule for ServiceChangesRefused {
    fn id(&self) -> &'static str {
        "service_changes_refused"
    }

    fn why(&self) -> &'static str {
        "A cluster becomes dual-stack by changing its Services one by one. Where such changes are refused, \
         only Services that are recreated get both families."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let service = fixture.service(&ServiceRole::PolicyChange)?;
    let (to, message) =
        service.changes.iter().find_map(|change| match (&change.to, &change.outcome) {
            // That must be refused.
            (ChangeTo::OtherPrimary, _) => None,
            (to, ChangeOutcome::Answered { allocation: Allocation::Refused { message } }) => {
                Some((to, message))
            }
            _ => None,
        })?;
    let cases = evidence.red("service::policy_change", |_| true);
    if cases.is_empty() {
        return None;
    }
    let policy = match to {
        ChangeTo::SingleStack => "SingleStack",
        _ => "PreferDualStack",
    };
    let who = if message.contains("olicy") || message.contains("webhook") {
        "An admission policy"
    } else {
        "The API server"
    };
    Some(Found {
        what: format!("{who} refuses to change a Service to ipFamilyPolicy {policy}."),
        confidence: Confidence::Proved,
        evidence: vec![message.clone()],
        reproduce: vec![
            "kubectl -n default patch service kubernetes --dry-run=server -p \
             '{\"spec\":{\"ipFamilyPolicy\":\"PreferDualStack\"}}'"
                .to_owned(),
            "kubectl get validatingadmissionpolicies,validatingwebhookconfigurations".to_owned(),
        ],
        fix: vec![
            "If this is intended, nothing is broken, and Services must be recreated to get \
             another family; leave service::policy_change out (`--skip`) or name it in a baseline."
                .to_owned(),
            "Otherwise let the policy leave ipFamilyPolicy and ipFamilies to whoever changes the Service."
                .to_owned(),
        ],
        cases,
        ..Found::default()
    })
}
