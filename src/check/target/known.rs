//! What the checks of the operator's Services have in common.

use std::net::SocketAddr;

use crate::{
    check::{
        Blocked, Planned, Subject, Verdict, World, cluster_domain as domain,
        plan::{self, Source},
    },
    facts::{Fact, Target, TargetName, TargetPort, TargetService},
    net::IpFamily,
    probe::{Aim, Attempts, Probe, Target as Wire},
};

/// The port of DNS servers (RFC 1035).
const DNS: u16 = 53;

/// How many of a Service's ports are tried.
pub(super) const MOST_PORTS: usize = 16;
/// How many of a Service's endpoints are tried in each family.
pub(super) const MOST_ENDPOINTS: usize = 32;

/// The cases of every Service that the operator named, in each family of the suite.
pub(super) fn each<'w, S>(
    world: World<'w>,
    cases: impl Fn(&'w Target, &'w TargetService, IpFamily) -> Vec<Planned<S>>,
) -> Vec<Planned<S>> {
    let mut all = Vec::new();
    for target in &world.facts.targets {
        for family in plan::families(world.suite) {
            match known(target) {
                Ok(service) => all.extend(cases(target, service, family)),
                Err(reason) => {
                    let verdict = Verdict::inconclusive(reason);
                    all.push(Planned::settled(subject(&target.name), family, verdict));
                }
            }
        }
    }
    all
}

/// The Service, if it and its endpoints could be read.
fn known(target: &Target) -> Result<&TargetService, String> {
    let unknown = match (&target.service, &target.endpoints) {
        (Fact::Known { value, .. }, Fact::Known { .. }) => return Ok(value),
        (Fact::Known { .. }, endpoints) => endpoints.why_unknown(),
        (service, _) => service.why_unknown(),
    };
    Err(format!("{} could not be read: {}", target.name, unknown.unwrap_or_default()))
}

/// The Service as a whole.
pub(super) fn subject(name: &TargetName) -> Subject {
    Subject::Service { name: name.to_string() }
}

/// A port of the Service, as subjects and sentences call it: `team/web:80`, `team/dns:53 UDP`.
pub(super) fn at_port(name: &TargetName, port: &TargetPort) -> String {
    format!("{name}:{port}")
}

/// What stands in the way where the Service was not made for a family.
pub(super) fn lacks(target: &Target, service: &TargetService, family: IpFamily) -> Option<Blocked> {
    let has = service.is_external() || service.families.contains(&family);
    (!has).then(|| Blocked {
        by: Some("target::cluster_ips"),
        reason: format!("{} is not made for {family}", target.name),
    })
}

/// What stands in the way where the Service has no ready endpoint of a family.
pub(super) fn deserted(target: &Target, family: IpFamily) -> Option<Blocked> {
    target.ready(family).next().is_none().then(|| Blocked {
        by: Some("target::endpoints"),
        reason: format!("{} has no {family} endpoint that is ready", target.name),
    })
}

/// The verdict on whatever went wrong at a Service that was changed meanwhile.
pub(super) fn changed(world: World<'_>, target: &TargetName) -> Option<Verdict> {
    world
        .fixture
        .targets_changed
        .contains(target)
        .then(|| Verdict::inconclusive(format!("{target} was changed during the run; run again")))
}

/// The verdict on a port that nobody here can talk to.
pub(super) fn unspoken(port: &TargetPort) -> Option<Verdict> {
    (!matches!(port.protocol.as_str(), "TCP" | "UDP"))
        .then(|| Verdict::skip(format!("neither image has a client for {}", port.protocol)))
}

/// A probe of a port.
pub(super) fn probe(
    world: World<'_>,
    source: &Source<'_>,
    aim: Aim,
    address: SocketAddr,
    port: &TargetPort,
) -> Probe {
    let once = plan::once(world.suite);
    if port.protocol == "UDP" && port.number == DNS {
        // A DNS server does answer, whatever it says of our name.
        let name = format!("kubernetes.default.svc.{}.", domain::of(world));
        return source.probe(aim, Wire::DnsServer { server: address, name }, once);
    }
    if port.protocol == "UDP" {
        // Silence is all that many servers have for a byte that means nothing, so more is no use.
        let timeout_ms = once.timeout_ms.min(1_200);
        let attempts = Attempts { timeout_ms, patience_ms: timeout_ms, settle_ms: 0, ..once };
        return source.probe(aim, Wire::Udp { address, size: 1 }, attempts);
    }
    source.probe(aim, Wire::Tcp { address }, once)
}

/// Commands that show a Service and its endpoints.
pub(super) fn look(name: &TargetName) -> [String; 2] {
    let TargetName { namespace, name } = name;
    [
        format!("kubectl -n {namespace} get service {name} -o yaml"),
        format!(
            "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name} -o yaml"
        ),
    ]
}
