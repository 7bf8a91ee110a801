//! What Services of each role ask for, and what backs them.

use std::net::SocketAddr;

use crate::{
    check::{
        Blocked, World,
        plan::{self, Source},
        primary as first,
    },
    fixture::{Allocation, Service, ServiceRole, Workload},
    net::IpFamily,
    probe::{Aim, Probe, Target, Vantage},
    suite::Suite,
};

/// What the API server must make of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Refuse it, for it asks for a family that the cluster must not have.
    Refusal,
    /// Accept it with these families, in this order.
    Families(Vec<IpFamily>),
}

/// What the API server must make of a Service of a role, where `primary` is the family of Services
/// that don't ask for one. `None` where that isn't known.
pub(super) fn expected(
    suite: &Suite,
    role: &ServiceRole,
    primary: Option<IpFamily>,
) -> Option<Expected> {
    let asked = role.requested_families();
    if asked.iter().any(|family| !suite.families.contains(family)) {
        return Some(Expected::Refusal);
    }
    if !asked.is_empty() {
        return Some(Expected::Families(asked.to_vec()));
    }
    let primary = primary?;
    let both = !matches!(role, ServiceRole::Default) && suite.families.len() > 1;
    Some(Expected::Families(if both { vec![primary, primary.other()] } else { vec![primary] }))
}

/// Whether the suite gives a Service of this role a family.
pub(super) fn has(world: World<'_>, role: &ServiceRole, family: IpFamily) -> bool {
    matches!(
        expected(world.suite, role, primary(world)),
        Some(Expected::Families(families)) if families.contains(&family)
    )
}

/// The Service of a role and the backends that stand behind it in a family, or what stands in the
/// way.
pub(super) fn behind<'a>(
    world: World<'a>,
    role: &ServiceRole,
    family: IpFamily,
) -> Result<(&'a Service, Vec<&'a Workload>), Blocked> {
    let found = world.fixture.service(role);
    let Some(service) = found.filter(|service| service.cluster_ip(family).is_some()) else {
        let reason = format!("the Service {role} has no {family} ClusterIP");
        return Err(Blocked { by: Some("service::cluster_ips"), reason });
    };
    let endpoints: Vec<_> = world.fixture.backends_of(service, family).collect();
    if endpoints.is_empty() {
        if let ServiceRole::Probe(node) = role
            && let Some(pod) = world.fixture.probe_on(node)
        {
            plan::up("busybox", pod)?;
        }
        let behind = |node: &str| match role {
            ServiceRole::Backend(only) => node == only,
            _ => true,
        };
        let backends = world.fixture.backends.iter().filter(|backend| behind(&backend.node));
        let blocked = backends.filter_map(|backend| plan::backend(backend, family).err()).next();
        return Err(blocked.unwrap_or_else(|| Blocked {
            by: None,
            reason: format!("no nginx pod backs the Service {role}"),
        }));
    }
    Ok((service, endpoints))
}

/// The check that tries the same way as a probe to a Service for its own sake.
pub(super) const fn tried_by(probe: &Probe) -> &'static str {
    match (&probe.aim, probe.target.is_udp()) {
        (Aim::NodePort { .. }, true) => "node_port::udp",
        (Aim::NodePort { .. }, false) => match probe.vantage {
            Vantage::Outside => "node_port::from_outside",
            _ => "node_port::from_pod",
        },
        (_, true) => "service::udp",
        (_, false) => "service::cluster_ip_reachable",
    }
}

/// A Service's NodePort at a node, as a pod reaches it.
pub(super) fn node_port(
    world: World<'_>,
    source: &Source<'_>,
    entry: &str,
    role: &ServiceRole,
    family: IpFamily,
) -> Option<Probe> {
    let known = world.facts.node(entry)?;
    let ip = known.internal_ips(family).next()?;
    let port = world.fixture.service(role)?.node_port()?;
    let aim = Aim::NodePort { node: entry.to_owned(), service: role.clone() };
    let target = Target::Http { address: SocketAddr::new(ip, port), payload: 0 };
    Some(source.probe(aim, target, plan::single(world.suite)))
}

/// The same by a small datagram.
pub(super) fn udp_node_port(
    world: World<'_>,
    source: &Source<'_>,
    entry: &str,
    role: &ServiceRole,
    family: IpFamily,
) -> Option<Probe> {
    let Probe { aim, target, .. } = node_port(world, source, entry, role, family)?;
    let port = world.fixture.service(role)?.udp_node_port()?;
    let target = Target::Udp { address: SocketAddr::new(target.address()?.ip(), port), size: 1 };
    // UDP promises no delivery: one answer is enough.
    Some(source.probe(aim, target, plan::once(world.suite)))
}

/// The TCP port of a Service's ClusterIPs.
pub(super) fn port(service: &Service) -> Option<u16> {
    match &service.allocation {
        Allocation::Accepted { port, .. } => Some(*port),
        Allocation::Refused { .. } => None,
    }
}

/// Where a Service answers over TCP in a family, or that it doesn't.
pub(super) fn address(service: &Service, family: IpFamily) -> Result<SocketAddr, Blocked> {
    let address = service.cluster_ip(family).zip(port(service)).map(SocketAddr::from);
    address.ok_or_else(|| without_address(&service.role, family))
}

/// That a Service can't be asked in a family.
pub(super) fn without_address(role: &ServiceRole, family: IpFamily) -> Blocked {
    let reason = format!("the Service {role} has no {family} ClusterIP or port");
    Blocked { by: Some("service::cluster_ips"), reason }
}

/// That an admission policy changed what a Service asks for, in one of these fields.
pub(super) fn changed(
    world: World<'_>,
    role: &ServiceRole,
    is: impl Fn(&str) -> bool,
) -> Option<String> {
    let changed = world.fixture.service(role)?.changed_settings();
    let (field, asked, is) = changed.into_iter().find(|(field, ..)| is(field))?;
    Some(format!("an admission policy changed the {field} of the Service from {asked} to {is}"))
}

/// The family of Services that don't ask for one: as the suite says, or else as most of them have.
pub(super) fn primary(world: World<'_>) -> Option<IpFamily> {
    if let [only] = world.suite.families.as_slice() {
        return Some(*only);
    }
    let unasked = world
        .fixture
        .services
        .iter()
        .filter(|service| service.role.requested_families().is_empty())
        .filter_map(|service| match &service.allocation {
            Allocation::Accepted { cluster_ips, .. } => cluster_ips.first().copied(),
            Allocation::Refused { .. } => None,
        });
    first::expected(world.suite, unasked.map(IpFamily::of))
}
