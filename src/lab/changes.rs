//! The lab's Service whose endpoints change.

use super::{
    Fault, Lab, filters, fixture,
    network::{Step, exchange},
};
use crate::{
    fixture::{ServiceRole, Turn},
    net::IpFamily,
    probe::{Answer, Outcome, Probe, Target},
};

impl Lab {
    /// The cluster with that Service, and the check of it.
    #[must_use]
    pub(crate) fn with_changes(self) -> Self {
        self.changed(|lab| {
            let families = lab.fixture.probes[0].pod_ips.iter().map(|&ip| IpFamily::of(ip));
            let families: Vec<IpFamily> = families.collect();
            let place = lab.fixture.services.len();
            lab.fixture.services.push(fixture::service(place, ServiceRole::Changing, &families));
            lab.suite.checks.push("change".to_owned());
        })
    }
}

/// What becomes of a question to it.
pub(super) fn outcome(lab: &Lab, probe: &Probe, from: &str, turn: Turn) -> Outcome {
    let family = probe.family();
    let here = |at: &str, of: IpFamily| at == from && of == family;
    let has = |is: &dyn Fn(&Fault) -> bool| lab.faults.iter().any(is);
    let frozen =
        has(&|fault| matches!(fault, Fault::EndpointsFrozen { at, family } if here(at, *family)));
    let stale =
        has(&|fault| matches!(fault, Fault::StaleFlows { at, family } if here(at, *family)));
    let unknown =
        has(&|fault| matches!(fault, Fault::ManualIgnored { at, family } if here(at, *family)));
    let flow = matches!(probe.target, Target::Flow { .. });
    let turn = if frozen || (stale && flow) { Turn::Before } else { turn };
    let backend = lab.fixture.changing_backend(turn, family).filter(|_| !unknown);
    let silence = matches!(probe.target, Target::Unanswered { .. });
    let said = |outcome: Outcome| if silence { outcome.where_unanswered() } else { outcome };
    let step = Step::ClusterIp(from);
    if let Some(lost) = exchange(lab, probe, &[step], &[]) {
        return said(lost);
    }
    if flow && let Some(lost) = filters::udp_dropped(lab, probe, Some(from)) {
        return lost;
    }
    let Some(backend) = backend else { return said(Outcome::Refused) };
    let to = backend.node.as_str();
    let there = [Step::ToPod { at: from, to }];
    if let Some(lost) = exchange(lab, probe, &there, &[Step::ToPod { at: to, to: from }]) {
        return said(lost);
    }
    if silence {
        return said(Outcome::Connected);
    }
    Outcome::Answered(Answer {
        pod: backend.pod.clone().unwrap(),
        server: backend.address(family).unwrap(),
        client: lab.fixture.probe_on(from).unwrap().address(family).unwrap(),
        payload: 0,
    })
}
