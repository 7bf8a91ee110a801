//! `services_changed`: an admission policy gave our Services settings that we didn't ask for.

use std::collections::BTreeMap;

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, words},
    fixture::{Service, ServiceRole},
    probe::Aim,
};

#[derive(Debug)]
pub(super) struct ServicesChanged;

impl CauseRule for ServicesChanged {
    fn id(&self) -> &'static str {
        "services_changed"
    }

    fn why(&self) -> &'static str {
        "The cluster does what the changed Services ask for, which is not what this run wanted to test. The \
         same happens to every new Service that the policy selects: its owner asks for one thing and gets another."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

/// The Services that have a value of a field which nobody asked for.
type Changed<'a> = BTreeMap<(&'static str, &'a str), Vec<&'a Service>>;

/// Whether a probe goes wrong where a field of its Service has this value.
fn breaks(probed: &Probed<'_>, field: &str, value: &str) -> bool {
    let elsewhere = |here: Option<&str>| probed.backend().is_none() || probed.backend() != here;
    let cluster_ip = matches!(probed.probe.aim, Aim::ClusterIp { .. });
    match (field, value) {
        // What comes from the node itself may go to every endpoint.
        ("externalTrafficPolicy", "Local") => {
            !cluster_ip && elsewhere(probed.at()) && probed.from() != probed.at()
        }
        ("internalTrafficPolicy", "Local") => cluster_ip && elsewhere(probed.from()),
        ("sessionAffinity" | "trafficDistribution", _) => probed.kind() == Some(Kind::Unanswered),
        _ => false,
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let services = &evidence.world.fixture.services;
    let mut changed = Changed::new();
    for service in services {
        for (field, _, value) in service.changed_settings() {
            changed.entry((field, value)).or_default().push(service);
        }
    }
    let concerns = |probed: &Probed<'_>, of: &[&Service]| {
        let is_of = |role: &ServiceRole| of.iter().any(|service| service.role == *role);
        probed.service().is_some_and(is_of)
    };
    changed.retain(|(field, value), of| {
        !evidence.bad(|probed| concerns(probed, of) && breaks(probed, field, value)).is_empty()
    });
    if changed.is_empty() {
        return None;
    }
    let settings = words::list(changed.keys().map(|(field, value)| format!("{field} {value}")));
    let facts = changed.iter().map(|((field, value), of)| {
        let asked = of.iter().find_map(|service| {
            let settings = service.changed_settings();
            settings
                .iter()
                .find(|(name, ..)| name == field)
                .map(|(_, asked, _)| (*asked).to_owned())
        });
        let asked = asked.filter(|asked| !asked.is_empty()).unwrap_or_else(|| "nothing".to_owned());
        let names = of.iter().take(3).map(|service| service.name.clone());
        let more = of.len().saturating_sub(3);
        let more = (more > 0).then(|| format!("{more} more"));
        format!(
            "{field}: we asked for {asked}, the API server made it {value} on {} ({})",
            words::count(of.len(), "Service"),
            words::list(names.chain(more))
        )
    });
    Some(Found {
        what: format!(
            "An admission policy changed our Services when they were created: it set {settings}."
        ),
        confidence: Confidence::Proved,
        evidence: facts.collect(),
        reproduce: vec![
            "kubectl create service nodeport asked --tcp=80 --dry-run=server -o yaml".to_owned(),
            "kubectl get mutatingwebhookconfigurations".to_owned(),
            "kubectl get mutatingadmissionpolicies  # Kubernetes 1.36, or where it is enabled".to_owned(),
        ],
        fix: vec![
            "If the setting is meant, nothing is broken: let the policy leave out the namespaces \
             `dualstack-*` for the time of a run (a namespaceSelector, or a matchCondition)."
                .to_owned(),
            "If it is not meant for every Service, narrow the policy's rules to those that it is for."
                .to_owned(),
        ],
        probed: evidence.bad(|probed| {
            let mut changed = changed.iter();
            changed.any(|((field, value), of)| {
                concerns(probed, of) && breaks(probed, field, value)
            })
        }),
        ..Found::default()
    })
}
