//! `service::cluster_ip_reachable`

use std::net::SocketAddr;

use super::{SHARED, behind, has};
use crate::{
    check::{
        Blocked, Case, Check, Failure, Observations, Stage, Subject, Verdict, World, aim, commands,
        outcome,
        plan::{self, Source},
        reading::{Kind, Reading, Symptom},
        remedy, words,
    },
    fixture::{Allocation, Service, ServiceRole},
    net::IpFamily,
    probe::{Attempts, Probe, Target},
};

/// Services are reached at their ClusterIPs.
#[derive(Debug)]
pub(in crate::check) struct ClusterIpReachable;

impl Check for ClusterIpReachable {
    fn id(&self) -> &'static str {
        "service::cluster_ip_reachable"
    }

    fn summary(&self) -> &'static str {
        "from every node, the ClusterIPs of a Service for each backend, and of Services that all \
         backends share, are answered by the right backends"
    }

    fn why(&self) -> &'static str {
        "This is what applications use. Every node translates ClusterIPs by itself and each family \
         by its own rules, so one node can lose one family while all others work. A Service for \
         each backend shows every path for certain; the shared ones, of every ipFamilyPolicy, are \
         tried until all their backends have answered."
    }

    fn source(&self) -> &'static str {
        "Service field spec.clusterIPs; \
         https://kubernetes.io/docs/reference/networking/virtual-ips/; KEP-563 IPv4/IPv6 dual-stack"
    }

    fn stage(&self) -> Stage {
        Stage::Probed
    }

    fn plan(&self, world: World<'_>) -> Vec<Case> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            for source in plan::pods(world).chain(plan::hosts(world)) {
                for backend in &world.fixture.backends {
                    let role = ServiceRole::Backend(backend.node.clone());
                    cases.push(self.case(world, &source, &role, backend.node.clone(), family));
                }
                for role in SHARED.into_iter().filter(|role| has(world, role, family)) {
                    cases.push(self.case(world, &source, &role, role.to_string(), family));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, case: &Case, observations: &Observations) -> Verdict {
        let (Subject::Path { from, .. }, Some(family)) = (&case.subject, case.family) else {
            return Verdict::inconclusive("this is no case of a path and a family");
        };
        let Some(probe) = case.probes.first() else {
            return Verdict::inconclusive("there is nothing to try");
        };
        let readings = [Reading::of(world, observations, probe)];
        let [reading] = &readings;
        let verdict = match (reading.symptom(), aim::Aim::of(world, probe)) {
            (Some(symptom), Some(aim::Aim::ClusterIp(service))) => {
                let failure = failure(world, from, family, service, probe, symptom);
                Verdict::fail(symptom.detail.clone(), failure)
            }
            (Some(symptom), _) => {
                Verdict::inconclusive(format!("{}, at no Service of this run", symptom.detail))
            }
            (None, _) if reading.answered.len() > 1 => {
                let answered = words::count(reading.answered.len(), "backend");
                let in_attempts = words::count(reading.attempts.len(), "connection");
                outcome::unknown(&readings).unwrap_or_else(|| {
                    Verdict::pass(format!("{answered} answered in {in_attempts}"))
                })
            }
            (None, _) => outcome::unless_unknown(&readings),
        };
        verdict.after(outcome::attempts(&readings))
    }
}

impl ClusterIpReachable {
    fn case(
        &self,
        world: World<'_>,
        source: &Source<'_>,
        role: &ServiceRole,
        to: String,
        family: IpFamily,
    ) -> Case {
        let target = source.blocked(family).map_or_else(|| target(world, role, family), Err);
        let (probes, blocked) = match target {
            Ok((address, attempts)) => {
                let target = Target::Http { address, payload: 0 };
                (vec![Probe { vantage: source.vantage.clone(), target, attempts }], None)
            }
            Err(blocked) => (Vec::new(), Some(blocked)),
        };
        Case {
            check: self.id().to_owned(),
            subject: Subject::Path { from: source.label.clone(), to },
            family: Some(family),
            probes,
            blocked,
        }
    }
}

/// Where a Service of a role is reached in a family and how often it must be tried, or what stands
/// in the way.
fn target(
    world: World<'_>,
    role: &ServiceRole,
    family: IpFamily,
) -> Result<(SocketAddr, Attempts), Blocked> {
    let (service, endpoints) = behind(world, role, family)?;
    let (Some(ip), Some(port)) = (service.cluster_ip(family), port(service)) else {
        let reason = format!("the Service {role} has no port");
        return Err(Blocked { by: Some("service::cluster_ips".to_owned()), reason });
    };
    let attempts = match role {
        ServiceRole::Backend(_) => plan::single(world.suite),
        _ => plan::sampled(world.suite, endpoints.len()),
    };
    Ok((SocketAddr::new(ip, port), attempts))
}

fn port(service: &Service) -> Option<u16> {
    match &service.allocation {
        Allocation::Accepted { port, .. } => Some(*port),
        Allocation::Refused { .. } => None,
    }
}

fn failure(
    world: World<'_>,
    from: &str,
    family: IpFamily,
    service: &Service,
    probe: &Probe,
    symptom: &Symptom,
) -> Failure {
    let Target::Http { address, .. } = &probe.target else {
        return Failure::new(symptom.detail.clone());
    };
    let node = match &probe.vantage {
        crate::probe::Vantage::Pod { node } | crate::probe::Vantage::HostNetwork { node } => node,
        _ => from,
    };
    let behind = match &service.role {
        ServiceRole::Backend(backend) => format!("whose only backend is on node {backend}"),
        _ => "behind which every backend stands".to_owned(),
    };
    let what = format!(
        "A pod on node {from} does not reach the Service {}, {behind}, at its {family} ClusterIP \
         {address}: {}.",
        service.name, symptom.detail
    );
    let namespace = &world.fixture.namespace;
    let mut reproduce = commands::repeat(world, [probe]);
    reproduce.extend(remedy::inspect_proxy(world, family, node, &address.ip().to_string()));
    reproduce.push(format!(
        "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={}  # only after run --keep",
        service.name
    ));
    let first = match symptom.kind {
        _ if symptom.intermittent || symptom.kind == Kind::Unanswered => format!(
            "Some of its backends answer and some don't: the cases of pod::reachable from {node} tell \
             whether the pod network or the service proxy loses them."
        ),
        Kind::Refused => format!(
            "Refused means that {node} knows no {family} endpoint for it: see that the EndpointSlice \
             of addressType {family} lists the backend, and that nginx listens on {family}."
        ),
        Kind::WrongAnswer => format!(
            "The rules on {node} lead elsewhere: they are stale, or two pods have the same address."
        ),
        _ => format!(
            "If pod::reachable passes for the same nodes, the service proxy on {node} is at fault; if \
             it fails too, fix the pod network first."
        ),
    };
    Failure::new(what)
        .reproduce(reproduce)
        .fix([first])
        .fix(remedy::service_proxy(world, family, node))
}
