//! `service::policy_change`

use std::net::IpAddr;

use crate::{
    check::{
        About, Blocked, Check, Failure, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        words,
    },
    fixture::{Allocation, Change, ChangeOutcome, ChangeTo, ServiceRole},
    net::IpFamily,
};

const ROLE: ServiceRole = ServiceRole::PolicyChange;

/// A Service keeps its first address whatever becomes of its ipFamilyPolicy.
#[derive(Debug)]
pub(in crate::check) struct PolicyChange;

/// The Service as it was made, and what was changed of it.
#[derive(Debug)]
pub(in crate::check) struct Changed {
    name: String,
    made: Vec<IpAddr>,
    changes: Vec<Change>,
}

/// What is wrong, for a table and as a sentence.
type Defect = (String, String);

impl Check for PolicyChange {
    type Subject = Changed;

    const PROMISE: Promise = Promise {
        id: "service::policy_change",
        summary: "a Service that is changed from SingleStack to PreferDualStack gets the second family, keeps its \
         first ClusterIP then and when it is changed back, and can't change which family comes first",
        why: "This is how a cluster is converted to dual-stack: one Service after another gets its second \
              family while clients keep using it. If the change has no effect, the conversion stays half done; \
              if the first address changes, every client that uses it loses the Service.",
        source: "https://kubernetes.io/docs/concepts/services-networking/dual-stack/\
         #switching-services-between-single-stack-and-dual-stack; \
         Service field spec.ipFamilies",
        about: About::feature("ServicePolicyChange").titled("Changes of a Service's families"),
        per_family: false,
        stage: Stage::Applied,
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Changed>> {
        let subject = Subject::Service { name: ROLE.to_string() };
        vec![Planned::probing(world, subject, None, || Ok((changed(world)?, Vec::new())))]
    }

    fn judge(&self, world: World<'_>, changed: &Changed, _: &Readings<'_>) -> Verdict {
        let defect = changed.changes.iter().find_map(|change| changed.defect(world, change));
        if let Some((detail, what)) = defect {
            return Verdict::fail(detail, changed.failure(world, what));
        }
        let lost = changed.changes.iter().find_map(|change| match &change.outcome {
            ChangeOutcome::Lost { reason } => Some(reason),
            ChangeOutcome::Answered { .. } => None,
        });
        match lost {
            Some(reason) => Verdict::inconclusive(format!("a change was not answered: {reason}")),
            None => Verdict::pass(format!("kept {} all the time", words::list(&changed.made))),
        }
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        Some(crate::lab::Lab::dual().changed(|lab| {
            let mut services = lab.fixture.services.iter_mut();
            let service = services.find(|service| service.role == ROLE);
            let Some(change) = service.and_then(|it| it.changes.last_mut()) else { return };
            if let ChangeOutcome::Answered {
                allocation: Allocation::Accepted { cluster_ips, .. },
            } = &mut change.outcome
            {
                *cluster_ips = vec![IpAddr::from([10, 96, 9, 9])];
            }
        }))
    }
}

fn changed(world: World<'_>) -> Result<Changed, Blocked> {
    let blocked = |reason: String| Blocked { by: Some("service::cluster_ips"), reason };
    let service = world.fixture.service(&ROLE);
    let service = service
        .ok_or_else(|| Blocked { by: None, reason: "the Service was not created".to_owned() })?;
    let made = match &service.allocation {
        Allocation::Accepted { cluster_ips, .. } => cluster_ips.clone(),
        Allocation::Refused { message } => {
            return Err(blocked(format!("a SingleStack Service was refused: {message}")));
        }
    };
    if made.len() != 1 {
        return Err(blocked(format!("a SingleStack Service has {}", words::list(&made))));
    }
    // Where new Services don't get the suite's families, none that is changed can.
    let like = world.fixture.service(&ServiceRole::PreferDualStack);
    let families = like.map(|like| like.families().len()).unwrap_or_default();
    if families != world.suite.families.len() {
        let reason = "a PreferDualStack Service does not have the expected families";
        return Err(blocked(reason.to_owned()));
    }
    if service.changes.is_empty() {
        return Err(Blocked { by: None, reason: "the Service was not changed".to_owned() });
    }
    Ok(Changed { name: service.name.clone(), made, changes: service.changes.clone() })
}

impl Changed {
    /// What is wrong with a change; nothing where it is right, or was not answered.
    fn defect(&self, world: World<'_>, change: &Change) -> Option<Defect> {
        let ChangeOutcome::Answered { allocation } = &change.outcome else { return None };
        let word = word(change.to);
        let name = &self.name;
        let ips = match (change.to, allocation) {
            (ChangeTo::OtherPrimary, Allocation::Refused { .. }) => return None,
            (ChangeTo::OtherPrimary, Allocation::Accepted { cluster_ips, .. }) => {
                let now = words::list(cluster_ips);
                return Some((
                    format!("the first family could be changed: {now}"),
                    format!(
                        "The API server took a change of the Service {name} that puts its second family \
                         first, and the Service has {now} now; it must reject such a change."
                    ),
                ));
            }
            (_, Allocation::Refused { message }) => {
                return Some((
                    format!("{word} was refused"),
                    format!(
                        "The API server rejected changing the Service {name} to {word}, although new Services \
                         may ask for it: {message}."
                    ),
                ));
            }
            (_, Allocation::Accepted { cluster_ips, .. }) => cluster_ips,
        };
        let now = words::list(ips);
        let made = words::list(&self.made);
        if ips.first() != self.made.first() {
            return Some((
                format!("{now} after {word}, where {made} came first"),
                format!(
                    "The Service {name} was made with {made} and has {now} since it is {word}."
                ),
            ));
        }
        let mut families: Vec<IpFamily> = ips.iter().copied().map(IpFamily::of).collect();
        families.sort_unstable();
        families.dedup();
        let wanted = match change.to {
            ChangeTo::SingleStack => 1,
            _ => world.suite.families.len(),
        };
        (families.len() != wanted || ips.len() != wanted).then(|| {
            (
                format!("has {now} after {word}"),
                format!(
                    "The Service {name} has {now} since it was changed to {word}, where it must have {}.",
                    if wanted == 1 { "one address" } else { "one address of each family" }
                ),
            )
        })
    }

    fn failure(&self, world: World<'_>, what: String) -> Failure {
        let namespace = &world.fixture.namespace;
        let patch = |policy: &str| {
            format!(
                "kubectl -n {namespace} patch service {} --type merge -p \
                 '{{\"spec\":{{\"ipFamilyPolicy\":\"{policy}\"}}}}' && kubectl -n {namespace} get service {} \
                 -o jsonpath='{{.spec.clusterIPs}}'",
                self.name, self.name
            )
        };
        Failure::new(what)
            .reproduce([patch("PreferDualStack"), patch("SingleStack")])
            .fix([
                "See which admission webhooks and policies see updates of Services (`kubectl get \
                 mutatingwebhookconfigurations,validatingwebhookconfigurations`, and mutatingadmissionpolicies and \
                 validatingadmissionpolicies where the cluster has them): they must leave ipFamilyPolicy, \
                 ipFamilies and clusterIPs to whoever changes the Service."
                    .to_owned(),
                "If there are none, check whether every API server has the same --service-cluster-ip-range."
                    .to_owned(),
            ])
    }
}

const fn word(to: ChangeTo) -> &'static str {
    match to {
        ChangeTo::PreferDualStack => "PreferDualStack",
        ChangeTo::OtherPrimary => "another order of families",
        ChangeTo::SingleStack => "SingleStack",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::Status,
        lab::{Lab, Run},
        net::IpFamily::{V4, V6},
    };

    fn verdict(run: &Run) -> (Status, &str) {
        let verdict = &run.case("service::policy_change/policy-change").verdict;
        (verdict.status(), verdict.detail())
    }

    /// The lab after something else came of its Service's change.
    fn after(lab: Lab, at: ChangeTo, outcome: ChangeOutcome) -> Run {
        let lab = lab.changed(|lab| {
            let mut services = lab.fixture.services.iter_mut();
            let service = services.find(|service| service.role == ROLE).unwrap();
            let change = service.changes.iter_mut().find(|change| change.to == at).unwrap();
            change.outcome = outcome;
        });
        lab.run()
    }

    fn with_ips(ips: &[&str]) -> ChangeOutcome {
        let cluster_ips: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().unwrap()).collect();
        ChangeOutcome::Answered {
            allocation: Allocation::Accepted {
                ip_families: cluster_ips.iter().copied().map(IpFamily::of).collect(),
                cluster_ips,
                ip_family_policy: String::new(),
                port: 80,
                node_port: None,
            },
        }
    }

    #[test]
    fn a_service_that_keeps_its_first_address_passes_with_one_family_and_with_two() {
        for (lab, first) in [
            (Lab::dual(), "10.96.1."),
            (Lab::new(3, &[V6, V4]), "fd00:10:96::1"),
            (Lab::new(1, &[V4]).under("single-stack-ipv4"), "10.96.1."),
        ] {
            let run = lab.run();
            let (status, detail) = verdict(&run);
            assert_eq!(status, Status::Pass, "{detail}");
            assert!(detail.starts_with(&format!("kept {first}")), "{detail}");
        }
    }

    #[test]
    fn a_change_without_effect_or_of_the_first_address_is_red() {
        let made = Lab::dual().fixture.service(&ROLE).unwrap().cluster_ip(V4).unwrap().to_string();
        for (at, ips, said) in [
            (ChangeTo::PreferDualStack, &[made.as_str()][..], "after PreferDualStack"),
            (ChangeTo::PreferDualStack, &["fd00:10:96::9", &made], "came first"),
            (
                ChangeTo::OtherPrimary,
                &["fd00:10:96::9", &made],
                "the first family could be changed",
            ),
            (ChangeTo::SingleStack, &["10.96.9.9"], "came first"),
            (ChangeTo::SingleStack, &[&made, "fd00:10:96::9"], "after SingleStack"),
        ] {
            let run = after(Lab::dual(), at, with_ips(ips));
            let (status, detail) = verdict(&run);
            assert_eq!(status, Status::Fail);
            assert!(detail.contains(said), "{detail}");
        }
        let message = "ValidatingAdmissionPolicy 'frozen' denied request".to_owned();
        let refused = ChangeOutcome::Answered { allocation: Allocation::Refused { message } };
        let run = after(Lab::dual(), ChangeTo::PreferDualStack, refused);
        assert_eq!(verdict(&run), (Status::Fail, "PreferDualStack was refused"));
    }

    #[test]
    fn a_change_that_was_not_answered_is_no_verdict() {
        let lost = ChangeOutcome::Lost { reason: "connection reset".to_owned() };
        let run = after(Lab::dual(), ChangeTo::SingleStack, lost);
        let said = "a change was not answered: connection reset";
        assert_eq!(verdict(&run), (Status::Inconclusive, said));
    }

    #[test]
    fn a_cluster_whose_services_have_one_family_is_told_of_by_another_check() {
        let run = Lab::new(3, &[V4]).run();
        let (status, detail) = verdict(&run);
        assert_eq!(status, Status::Skip);
        assert!(detail.starts_with("blocked by service::cluster_ips"), "{detail}");
    }
}
