//! `services_refused`: the cluster's owner forbids Services that the run asked for.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found};
use crate::{
    check::{Status, Subject, words},
    fixture::Allocation,
};

#[derive(Debug)]
pub(super) struct ServicesRefused;

impl CauseRule for ServicesRefused {
    fn id(&self) -> &'static str {
        "services_refused"
    }

    fn why(&self) -> &'static str {
        "What can't be created can't be tested: these Services and the paths through them are not judged. This \
         does not mean that the cluster's network is broken."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let refusal = |name: &str| {
        let mut services = evidence.world.fixture.services.iter();
        services.find_map(|service| match &service.allocation {
            Allocation::Refused { message }
                if service.name == name || service.role.to_string() == name =>
            {
                Some(message.as_str())
            }
            _ => None,
        })
    };
    let doubtful = (0..evidence.judged.len()).filter_map(|place| {
        let judged = &evidence.judged[place];
        let Subject::Service { name } = &judged.case.subject else { return None };
        let concerns = judged.case.check == "service::cluster_ips"
            && judged.verdict.status() == Status::Inconclusive;
        Some((place, name.as_str(), refusal(name).filter(|_| concerns)?))
    });
    let doubtful: Vec<(usize, &str, &str)> = doubtful.collect();
    let &(_, first, message) = doubtful.first()?;
    let others = doubtful.iter().filter(|(.., other)| *other != message).count();
    let cases: BTreeSet<usize> = doubtful.iter().map(|(place, ..)| *place).collect();
    let policy = message.contains("olicy") || message.contains("webhook");
    let who = if policy { "An admission policy" } else { "The API server" };
    let mut seen = vec![format!("{first}: {message}")];
    if others > 0 {
        seen.push(format!("{} with other words", words::count(others, "more refusal")));
    }
    Some(Found {
        what: format!("{who} refused {} of the run.", words::count(cases.len(), "Service")),
        confidence: Confidence::Proved,
        evidence: seen,
        reproduce: vec![
            "kubectl create service nodeport asked --tcp=80 --dry-run=server".to_owned(),
            "kubectl get validatingwebhookconfigurations".to_owned(),
            "kubectl get validatingadmissionpolicies  # Kubernetes 1.30 or later".to_owned(),
            format!("kubectl -n {} get resourcequotas  # only after run --keep", evidence.world.fixture.namespace),
        ],
        fix: vec![
            "If such Services are meant to be forbidden, nothing is broken, and the paths by them can't \
             be tested here; to test them, let the policy leave out the namespaces `dualstack-*`."
                .to_owned(),
            "If it is a quota, raise it, or run in a namespace without one (`--namespace`).".to_owned(),
        ],
        cases,
        ..Found::default()
    })
}
