//! `service::load_balancer`

use std::net::{IpAddr, SocketAddr};

use super::asked::{self, address, behind, has, port};
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, State, Subject,
        Symptom, Verdict, World, commands, node_port as ports, outcome, plan, remedy, words,
    },
    facts,
    fixture::{Allocation, Balanced, LoadBalancing, Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Probe, Target, Vantage},
    suite::OutsidePolicy,
};

/// How the detail of a case begins whose family got no address.
pub(crate) const NO_ADDRESS: &str = "no address";

/// How the detail of a case begins where this machine gets no answer from an address that pods get
/// answers from.
pub(crate) const UNROUTED: &str = "from outside: ";

const ROLE: ServiceRole = ServiceRole::LoadBalancer;

/// The addresses of load balancers are given, and answer.
#[derive(Debug)]
pub(in crate::check) struct LoadBalancer;

/// An address of a load balancer, and from where it is tried.
#[derive(Debug)]
pub(in crate::check) enum Way {
    /// Whether there is an address of the family at all.
    Address { family: IpFamily, balanced: Balanced },
    /// From a pod.
    Pod { node: String, family: IpFamily, ip: IpAddr },
    /// From this machine.
    Outside { family: IpFamily, ip: IpAddr },
}

impl Check for LoadBalancer {
    type Subject = Way;

    const PROMISE: Promise = Promise {
        id: "service::load_balancer",
        summary: "a Service of type LoadBalancer gets an address of each family, which answers pods on every \
         node and this machine, wherever a ClusterIP and NodePorts do",
        why: "Load balancer providers have separate pools and announcements for each family, so a dual-stack \
         Service may get an address of only one family, or one that is not routed. \
         Dual-stack clients then wait for a time-out, and clients with only that family can't connect.",
        source: "Service field status.loadBalancer.ingress; \
         https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer; KEP-563: a \
         cloud provider's load balancer follows spec.ipFamilies",
        about: About::feature("ServiceLoadBalancer").titled("Load balancers"),
        needs: &[
            Need::Facts(facts::Source::Nodes),
            Need::Facts(facts::Source::LoadBalancer),
            Need::LoadBalancer,
            Need::Exec,
        ],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Way>> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite).filter(|&family| has(world, &ROLE, family)) {
            let subject = || Subject::Service { name: ROLE.to_string() };
            let balanced = match given(world, family) {
                Ok(balanced) => balanced,
                Err(verdict) => {
                    cases.push(Planned::settled(subject(), family, verdict));
                    continue;
                }
            };
            let about = Way::Address { family, balanced: balanced.clone() };
            cases.push(Planned::new(subject(), family, about));
            // Without an address there is nothing to try, and one case says so.
            let Some(ip) = balanced.address(family) else { continue };
            cases.extend(from_pods(world, family, ip));
            cases.push(from_outside(world, family, ip));
        }
        cases
    }

    fn judge(&self, world: World<'_>, way: &Way, readings: &Readings<'_>) -> Verdict {
        match way {
            Way::Address { family, balanced } => address_given(world, *family, balanced),
            Way::Pod { node, family, ip } => judge(world, readings, |reading, symptom| {
                let failure = unproxied(world, node, *family, *ip, reading, symptom);
                Verdict::fail(symptom.detail.clone(), failure)
            }),
            Way::Outside { family, ip } => judge(world, readings, |reading, symptom| {
                let failure = unrouted(world, *family, *ip, reading, symptom);
                Verdict::fail(format!("{UNROUTED}{}", symptom.detail), failure)
            }),
        }
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let fault = crate::lab::Fault::LoadBalancerUnrouted { family: IpFamily::V6 };
        Some(crate::lab::Lab::dual().with(fault))
    }
}

/// What came of the Service, or why there is nothing to say.
fn given(world: World<'_>, family: IpFamily) -> Result<&Balanced, Verdict> {
    let balanced = match &world.fixture.load_balancing {
        LoadBalancing::Off => {
            return Err(Verdict::skip("load balancers are not tested (--load-balancer off)"));
        }
        LoadBalancing::Skipped { reason } => return Err(Verdict::skip(reason)),
        LoadBalancing::Asked(balanced) => balanced,
    };
    let service = world.fixture.service(&ROLE);
    if let Some(Allocation::Refused { message }) = service.map(|service| &service.allocation) {
        let reason = format!("a Service of type LoadBalancer is refused: {message}");
        return Err(if balanced.required {
            Verdict::inconclusive(reason)
        } else {
            Verdict::skip(reason)
        });
    }
    if service.is_none_or(|service| service.cluster_ip(family).is_none()) {
        let reason = format!("the Service {ROLE} has no {family} ClusterIP");
        let by = Some("service::cluster_ips");
        return Err(Blocked { by, reason }.verdict(world.suite));
    }
    if balanced.ingress.is_empty() && !balanced.hostnames.is_empty() {
        return Err(Verdict::inconclusive(format!(
            "the load balancer has the name {} and no address; addresses behind a name are not tested",
            words::list(&balanced.hostnames)
        )));
    }
    if let Some(reason) = balanced.unread.as_ref().filter(|_| balanced.ingress.is_empty()) {
        return Err(Verdict::inconclusive(format!("the Service can't be read: {reason}")));
    }
    Ok(balanced)
}

/// Whether the Service has an address of a family.
fn address_given(world: World<'_>, family: IpFamily, balanced: &Balanced) -> Verdict {
    if let Some(ip) = balanced.address(family) {
        return Verdict::pass(ip.to_string());
    }
    let Some(waited) = balanced.waited_seconds else {
        let reason = "the run ended while an address was still waited for";
        return Verdict::inconclusive(reason);
    };
    let said = balanced.events.last();
    let why = said.map(|event| format!(" ({event})")).unwrap_or_default();
    let who = balanced.provider.as_deref().unwrap_or("nobody known");
    if balanced.ingress.is_empty() && !balanced.required {
        return Verdict::inconclusive(format!(
            "{who} gave no address of any family within {waited} s{why}; --load-balancer required makes \
             that a failure"
        ));
    }
    let detail = match balanced.ingress.as_slice() {
        [] => format!("{NO_ADDRESS} of any family within {waited} s"),
        some => format!("{NO_ADDRESS} of {family}, only {}", words::list(some)),
    };
    Verdict::fail(detail, without_address(world, balanced, family))
}

fn without_address(world: World<'_>, balanced: &Balanced, family: IpFamily) -> Failure {
    let namespace = &world.fixture.namespace;
    let who = balanced.provider.as_deref().unwrap_or("The cluster's load balancer provider");
    let has = match balanced.ingress.as_slice() {
        [] => "no address at all".to_owned(),
        some => format!("only {}", words::list(some)),
    };
    let said = balanced.events.iter().map(|event| format!(" Its Events say: {event}."));
    let said: String = said.take(1).collect();
    Failure::new(format!(
        "A Service of type LoadBalancer with ipFamilyPolicy PreferDualStack and ClusterIPs of both \
         families has {has} in status.loadBalancer.ingress, none of {family}, after {} s.{said}",
        balanced.waited_seconds.unwrap_or_default()
    ))
    .reproduce([
        "kubectl get services -A --field-selector spec.type=LoadBalancer -o \
         custom-columns=NAME:.metadata.name,FAMILIES:.spec.ipFamilies,\
         INGRESS:.status.loadBalancer.ingress[*].ip"
            .to_owned(),
        format!("kubectl -n {namespace} get events --field-selector involvedObject.kind=Service"),
    ])
    .fix([format!(
        "Give {who} a pool of {family} addresses (MetalLB: an IPAddressPool with a range of each \
             family), and see in its log why it gives none."
    )])
    .fix([
        "Where a provider serves one family for each Service, make two Services with ipFamilyPolicy \
         SingleStack."
            .to_owned(),
    ])
}

/// The ways from every node's pod.
fn from_pods(world: World<'_>, family: IpFamily, ip: IpAddr) -> Vec<Planned<Way>> {
    let case = |source: plan::Source<'_>| {
        let subject = Subject::path(&source.label, ROLE.to_string());
        let by_cluster_ip = cluster_ip(world, &source, family);
        let case = Planned::probing(world, subject, family, || {
            source.address(family)?;
            let probe = source.probe(aim(), target(world, ip)?, plan::single(world.suite));
            Ok((Way::Pod { node: source.pod.node.clone(), family, ip }, vec![probe]))
        });
        case.beside(&by_cluster_ip)
    };
    plan::pods(world).map(case).collect()
}

/// The way from this machine, beside its ways to every node's NodePort of the same backend.
fn from_outside(world: World<'_>, family: IpFamily, ip: IpAddr) -> Planned<Way> {
    let subject = Subject::path("outside", ROLE.to_string());
    if world.suite.outside == OutsidePolicy::Off {
        let verdict = Verdict::skip("connections from outside are not tested (--outside off)");
        return Planned::settled(subject, family, verdict);
    }
    let probe = |aim, target| {
        let (vantage, attempts) = (Vantage::Outside, plan::single(world.suite));
        Probe { vantage, aim, target, attempts }
    };
    let case = Planned::probing(world, subject, family, || {
        Ok((Way::Outside { family, ip }, vec![probe(aim(), target(world, ip)?)]))
    });
    let role = of_its_backend(world);
    let service = role.as_ref().and_then(|role| world.fixture.service(role));
    let port = service.and_then(Service::node_port);
    let nodes = world.fixture.selected().filter_map(|name| ports::node(world, name).ok());
    let ways: Vec<Probe> = nodes
        .filter_map(|node| {
            let address = SocketAddr::new(node.internal_ips(family).next()?, port?);
            let aim = Aim::NodePort { node: node.name.clone(), service: role.clone()? };
            Some(probe(aim, Target::Http { address, payload: 0 }))
        })
        .collect();
    case.beside(&ways)
}

/// What is wrong with a way that others beside it don't have: where those are dead as well, they are
/// what is to be looked at.
fn judge(
    world: World<'_>,
    readings: &Readings<'_>,
    fail: impl FnOnce(&Reading<'_>, &Symptom) -> Verdict,
) -> Verdict {
    let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
        return outcome::unless_unknown(&readings.own);
    };
    if let Some((witness, seen)) = outcome::bad(&readings.witnesses).next() {
        let reason = format!("{} is not reached either ({})", witness.probe.target, seen.detail);
        return Blocked { by: Some(asked::tried_by(witness.probe)), reason }.verdict(world.suite);
    }
    if let Some(reason) = asked::changed(world, &ROLE, |field| field.contains("TrafficPolicy")) {
        return Verdict::inconclusive(format!("{}, and {reason}", symptom.detail));
    }
    let is_good = |witness: &Reading<'_>| witness.state == State::Good;
    if !readings.witnesses.iter().any(is_good) {
        return Verdict::inconclusive(format!(
            "{}, and nothing shows that its backend is reached otherwise",
            symptom.detail
        ));
    }
    fail(reading, symptom)
}

const fn aim() -> Aim {
    Aim::LoadBalancer { service: ROLE }
}

fn target(world: World<'_>, ip: IpAddr) -> Result<Target, Blocked> {
    let (service, _) = behind(world, &ROLE, IpFamily::of(ip))?;
    let port = port(service).ok_or_else(|| Blocked {
        by: Some("service::cluster_ips"),
        reason: format!("the Service {ROLE} has no port"),
    })?;
    Ok(Target::Http { address: SocketAddr::new(ip, port), payload: 0 })
}

/// The Service for the same backend alone.
fn of_its_backend(world: World<'_>) -> Option<ServiceRole> {
    let node = world.fixture.backends.first().map(|backend| backend.node.clone());
    node.filter(|node| world.fixture.mesh.serves(node)).map(ServiceRole::Backend)
}

/// The way from a pod to the ClusterIP of the Service for the same backend.
fn cluster_ip(world: World<'_>, source: &plan::Source<'_>, family: IpFamily) -> Option<Probe> {
    let role = of_its_backend(world)?;
    let address = address(world.fixture.service(&role)?, family).ok()?;
    source.address(family).ok()?;
    let aim = Aim::ClusterIp { service: role };
    Some(source.probe(aim, Target::Http { address, payload: 0 }, plan::single(world.suite)))
}

fn unproxied(
    world: World<'_>,
    node: &str,
    family: IpFamily,
    ip: IpAddr,
    reading: &Reading<'_>,
    symptom: &Symptom,
) -> Failure {
    Failure::new(format!(
        "A pod on node {node} gets no answer from {ip}, the {family} address of a load balancer, while \
         the ClusterIP of a Service for the same backend answers it: {}.",
        symptom.detail
    ))
    .reproduce(commands::repeat(world, [reading.probe]))
    .reproduce(remedy::inspect_own(world, family, node, &ip.to_string()))
    .fix([format!(
        "The service proxy on {node} translates addresses of load balancers itself, unless the provider \
         sets ipMode Proxy: then packets go to the load balancer, which must let in what comes from pods."
    )])
    .fix(remedy::service_proxy(world, family, node))
}

fn unrouted(
    world: World<'_>,
    family: IpFamily,
    ip: IpAddr,
    reading: &Reading<'_>,
    symptom: &Symptom,
) -> Failure {
    let balanced = world.fixture.load_balancing.asked();
    let who = balanced.and_then(|it| it.provider.as_deref());
    let who = who.unwrap_or("the cluster's load balancer provider");
    Failure::new(format!(
        "This machine gets no answer from {ip}, the {family} address of a load balancer, while the \
         NodePorts of its backend answer it at every node: {}.",
        symptom.detail
    ))
    .reproduce(commands::repeat(world, [reading.probe]))
    .reproduce([format!("ip {} route get {ip}", commands::flag(family))])
    .fix([
        format!(
            "Check that {who} announces {ip} (MetalLB: an L2Advertisement or BGPAdvertisement for the pool; \
             ARP speaks for IPv4 and neighbour discovery for IPv6), and that routers have a route to it."
        ),
        format!("Let {family} through to {ip} in firewalls and security groups before the cluster."),
    ])
}
