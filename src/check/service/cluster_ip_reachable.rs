//! `service::cluster_ip_reachable`

use std::net::{IpAddr, SocketAddr};

use super::asked::{behind, has, port};
use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, State,
        Subject, Symptom, Verdict, World, commands, outcome,
        pairs::Pairs,
        plan::{self, Source},
        pod, remedy, words,
    },
    fixture::{Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Attempts, Outcome, Probe, Target, Vantage},
};

/// Services are reached at their ClusterIPs.
#[derive(Debug)]
pub(in crate::check) struct ClusterIpReachable;

/// A way from a pod to a Service, in one family.
#[derive(Debug)]
pub(in crate::check) struct ServicePath {
    /// Where it starts, as the case's subject calls it, and the node there.
    from: String,
    node: String,
    role: ServiceRole,
    /// The Service's name.
    service: String,
    family: IpFamily,
    address: SocketAddr,
}

impl Check for ClusterIpReachable {
    type Subject = ServicePath;

    const PROMISE: Promise = Promise {
        id: "service::cluster_ip_reachable",
        summary: "from every node, the ClusterIPs of a Service for each backend, and of Services that all \
         backends share, are answered by the right backends, which see pods at their own addresses",
        why: "This is what applications use. Every node translates ClusterIPs separately, with separate rules \
              for each family, so one node can lose one family while all others work. With a Service for each \
              backend, every path is certain to be tested; the shared ones, of every ipFamilyPolicy, are tried \
              until all their backends have answered.",
        source: "Service field spec.clusterIPs; \
         https://kubernetes.io/docs/reference/networking/virtual-ips/; KEP-563 IPv4/IPv6 dual-stack",
        about: About::core().titled("ClusterIP").asserts(&[
            "should function for pod-Service: http",
            "should function for node-Service: http",
        ]),
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<ServicePath>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for source in plan::pods(world).chain(plan::hosts(world)) {
                for backend in pairs.services(&source.pod.node) {
                    let role = ServiceRole::Backend(backend.node.clone());
                    let case = case(world, &source, role, backend.node.clone(), family);
                    let is_pod = matches!(source.vantage, Vantage::Pod { .. });
                    let directly = pod::tcp(world, &source, backend, family);
                    cases.push(case.beside(&directly.filter(|_| is_pod)));
                }
                for role in ServiceRole::SHARED.into_iter().filter(|role| has(world, role, family))
                {
                    let to = role.to_string();
                    cases.push(case(world, &source, role, to, family));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &ServicePath, readings: &Readings<'_>) -> Verdict {
        if let Some((reading, symptom)) = outcome::bad(&readings.own).next() {
            let detail = outcome::sized(reading, symptom);
            return Verdict::fail(detail, path.failure(world, reading, symptom));
        }
        if let Some(seen) = path.masqueraded(world, readings) {
            return outcome::unknown(&readings.own)
                .unwrap_or_else(|| path.judge(world, readings, seen));
        }
        match readings.own.as_slice() {
            [reading] if reading.answered.len() > 1 => {
                let answered = words::count(reading.answered.len(), "backend");
                let in_attempts = words::count(reading.attempts.len(), "connection");
                outcome::unknown(&readings.own).unwrap_or_else(|| {
                    Verdict::pass(format!("{answered} answered in {in_attempts}"))
                })
            }
            readings => outcome::unless_unknown(readings),
        }
    }
}

/// Whether a Service may go on sending a client to the same backends.
fn keeps_to_some(service: &Service) -> bool {
    service.actual.session_affinity != "None" || !service.actual.traffic_distribution.is_empty()
}

/// The way to a Service of every backend, as this check tries it: it goes wrong where any of them is
/// not reached.
pub(super) fn shared(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Option<Probe> {
    let role = ServiceRole::PreferDualStack;
    let (service, endpoints) = behind(world, &role, family).ok()?;
    let address = SocketAddr::new(service.cluster_ip(family)?, port(service)?);
    let attempts = at_all(world, service, endpoints.len());
    let aim = Aim::ClusterIp { service: role };
    source.address(family).ok()?;
    Some(source.probe(aim, Target::Http { address, payload: 0 }, attempts))
}

/// Attempts at a Service that all of so many backends share.
pub(super) fn at_all(world: World<'_>, service: &Service, backends: usize) -> Attempts {
    // An admission policy may have tied each client to one backend, or to those nearby.
    if keeps_to_some(service) {
        plan::single(world.suite)
    } else {
        plan::sampled(world.suite, backends)
    }
}

/// The case of a way to the Service of a role.
fn case(
    world: World<'_>,
    source: &Source<'_>,
    role: ServiceRole,
    to: String,
    family: IpFamily,
) -> Planned<ServicePath> {
    Planned::probing(world, Subject::path(&source.label, to), family, || {
        source.address(family)?;
        let (service, endpoints) = behind(world, &role, family)?;
        let (Some(ip), Some(port)) = (service.cluster_ip(family), port(service)) else {
            let reason = format!("the Service {role} has no port");
            return Err(Blocked { by: Some("service::cluster_ips"), reason });
        };
        let attempts = match role {
            ServiceRole::Backend(_) => plan::single(world.suite),
            _ => at_all(world, service, endpoints.len()),
        };
        let address = SocketAddr::new(ip, port);
        let aim = Aim::ClusterIp { service: role.clone() };
        let probe = |payload, attempts| {
            source.probe(aim.clone(), Target::Http { address, payload }, attempts)
        };
        // One large answer for each pair of nodes: from a pod, and to a certain backend.
        let one = matches!(role, ServiceRole::Backend(_));
        let payload = Some(world.suite.probes.payload)
            .filter(|&payload| payload > 0 && one && matches!(source.vantage, Vantage::Pod { .. }));
        let large = payload.map(|payload| probe(payload, plan::once(world.suite)));
        let probes = std::iter::once(probe(0, attempts)).chain(large).collect();
        let path = ServicePath {
            from: source.place(),
            node: source.pod.node.clone(),
            role,
            service: service.name.clone(),
            family,
            address,
        };
        Ok((path, probes))
    })
}

impl ServicePath {
    /// The pod's address.
    fn client(&self, world: World<'_>) -> Option<IpAddr> {
        world.fixture.probe_on(&self.node)?.address(self.family)
    }

    /// The address that a backend saw in place of the pod's, where it sees the pod's own without the
    /// Service.
    fn masqueraded(&self, world: World<'_>, readings: &Readings<'_>) -> Option<IpAddr> {
        let directly = readings.witnesses.first()?;
        let client = self.client(world).filter(|_| directly.state == State::Good)?;
        let attempts = readings.own.iter().flat_map(|reading| reading.attempts);
        let mut seen = attempts.filter_map(|attempt| match &attempt.outcome {
            Outcome::Answered(answer) => Some(answer.client),
            _ => None,
        });
        seen.find(|seen| *seen != client)
    }

    /// The verdict where the backend saw another address than the pod's: kube-proxy may be told to.
    fn judge(&self, world: World<'_>, readings: &Readings<'_>, seen: IpAddr) -> Verdict {
        let Self { from, node, service, family, .. } = self;
        let promised = self.client(world).filter(|&client| {
            world.facts.kube_proxy.known().is_some_and(|proxy| proxy.keeps_address(client))
        });
        let Some(client) = promised else {
            return Verdict::pass(format!(
                "answered; nginx saw {seen} as the client (masqueraded)"
            ));
        };
        let what = format!(
            "{from} reaches the Service {service} over {family}, whose backend sees {seen} \
             as the client, not the pod's own address {client}: something masquerades traffic to ClusterIPs."
        );
        let failure = Failure::new(what)
            .reproduce(commands::repeat(world, readings.own.iter().map(|it| it.probe).take(1)))
            .reproduce(remedy::inspect_own(world, *family, node, &self.address.ip().to_string()))
            .fix([
                format!(
                    "kube-proxy is not told to masquerade (clusterCIDR holds the pod, and masqueradeAll is \
                     false): check that it runs with that configuration on {node}, and look for rules of \
                     others: `{}`.",
                    commands::rules(node)
                ),
                "NetworkPolicies that admit pods by label or address don't know such clients: until it \
                 is fixed, they drop what comes by Services."
                    .to_owned(),
            ]);
        Verdict::fail(format!("nginx saw {seen} as the client, not {client}"), failure)
    }

    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { from, node, role, service, family, address } = self;
        let family = *family;
        let behind = match role {
            ServiceRole::Backend(backend) => format!("whose only backend is on node {backend}"),
            _ => "which all backends share".to_owned(),
        };
        let large = reading.probe.target.is_large();
        let what = if large {
            format!(
                "{from} gets small answers from the Service {service}, {behind}, at its \
                 {family} ClusterIP {address}, but not large ones: {}.",
                symptom.detail
            )
        } else {
            format!(
                "{from} does not reach the Service {service}, {behind}, at its {family} \
                 ClusterIP {address}: {}.",
                symptom.detail
            )
        };
        let namespace = &world.fixture.namespace;
        let mut reproduce = commands::repeat(world, [reading.probe]);
        reproduce.extend(remedy::inspect_own(world, family, node, &address.ip().to_string()));
        reproduce.push(format!(
            "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={}  # only after run --keep",
            service
        ));
        let first = match symptom.kind {
            _ if large => format!(
                "Full-sized packets are lost: if pod::reachable reports the same from {node}, set the pod \
                 network's MTU; if not, the service proxy on {node} translates them wrongly."
            ),
            _ if symptom.intermittent || symptom.kind == Kind::Unanswered => format!(
                "Some of its backends answer and some don't: the cases of pod::reachable from {node} tell \
                 whether the pod network or the service proxy loses them."
            ),
            Kind::Refused => format!(
                "Refused means that {node} knows no {family} endpoint for it: check that the EndpointSlice \
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
}
