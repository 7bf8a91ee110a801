//! Admission policies that change our Services.

use super::{assert_cause, assert_one};
use crate::{
    cause::Confidence,
    check::Status,
    fixture::{Allocation, ServiceRole, Settings},
    lab::{Fault, Lab},
};

fn changed(set: impl Fn(&mut Settings)) -> Lab {
    Lab::dual().changed(|lab| {
        for service in &mut lab.fixture.services {
            set(&mut service.actual);
        }
    })
}

#[test]
fn local_traffic_that_a_policy_asked_for_is_the_policys() {
    let external = changed(|settings| settings.external_traffic_policy = "Local".to_owned())
        .with(Fault::ExternalLocal);
    let words = ["An admission policy changed our Services", "externalTrafficPolicy Local"];
    let cause = assert_one(&external, "services_changed", &words);
    assert_eq!(cause.confidence, Confidence::Proved);
    assert!(cause.evidence[0].contains("we asked for Cluster"), "{:?}", cause.evidence);
    let policies = "kubectl get mutatingwebhookconfigurations";
    assert!(cause.reproduce.iter().any(|line| line == policies), "{:?}", cause.reproduce);

    let internal = changed(|settings| settings.internal_traffic_policy = "Local".to_owned())
        .with(Fault::InternalLocal);
    assert_one(&internal, "services_changed", &["internalTrafficPolicy Local"]);
}

#[test]
fn settings_that_tie_clients_to_some_backends_are_followed() {
    let near = changed(|settings| settings.traffic_distribution = "PreferSameNode".to_owned());
    let affinity = changed(|settings| settings.session_affinity = "ClientIP".to_owned());
    for lab in [near, affinity] {
        let run = lab.with(Fault::KeepsToOne).run();
        assert_eq!(run.names(Status::Fail), Vec::<String>::new());
        assert_eq!(run.names(Status::Inconclusive), Vec::<String>::new());
    }
    // The same network is red where nobody changed a Service.
    let run = Lab::dual().with(Fault::KeepsToOne).run();
    assert!(!run.names(Status::Fail).is_empty());
}

#[test]
fn services_that_a_policy_refuses_are_one_cause_in_the_policys_words() {
    let message = "services \"node-port\" is forbidden: ValidatingAdmissionPolicy 'no-node-ports' \
                   with binding 'no-node-ports' denied request: ask the platform team";
    let lab = Lab::dual().changed(|lab| {
        for service in &mut lab.fixture.services {
            if matches!(service.role, ServiceRole::NodePort | ServiceRole::Backend(_)) {
                service.allocation = Allocation::Refused { message: message.to_owned() };
            }
        }
    });
    let run = lab.run();
    assert_eq!(run.names(Status::Fail), Vec::<String>::new());
    let cause = assert_cause(&run, "services_refused", &["An admission policy refused 4 Services"]);
    assert!(cause.evidence[0].contains("'no-node-ports'"), "{:?}", cause.evidence);
}
