//! What the checks of NodePorts have in common.

use std::net::{IpAddr, SocketAddr};

use crate::{
    check::{Blocked, Reading, World, outcome, plan},
    facts::{Fact, Node},
    fixture::{ServiceRole, Workload},
    net::IpFamily,
    probe::{Aim, Probe, Target, Vantage},
};

/// A node that takes part, from the facts.
pub(in crate::check) fn node<'a>(world: World<'a>, name: &str) -> Result<&'a Node, Blocked> {
    let reason = match &world.facts.nodes {
        Fact::Known { .. } => match world.facts.node(name) {
            Some(node) => return Ok(node),
            None => format!("node {name} is not in the facts"),
        },
        Fact::Absent { reason } => reason.clone(),
        Fact::Forbidden { reason } => format!("missing permission: {reason}"),
    };
    Err(Blocked { by: None, reason })
}

/// A node's own address of a family.
pub(in crate::check) fn internal_ip(node: &Node, family: IpFamily) -> Result<IpAddr, Blocked> {
    node.internal_ips(family).next().ok_or_else(|| Blocked {
        by: Some("node::internal_ips"),
        reason: format!("node {} has no {family} InternalIP", node.name),
    })
}

/// The same as [`probes`], at a node's own address.
pub(super) fn probes_at_node(
    world: World<'_>,
    vantage: &Vantage,
    name: &str,
    family: IpFamily,
    backends: &[&Workload],
) -> Result<Vec<Probe>, Blocked> {
    let node = node(world, name)?;
    probes(world, vantage, node, internal_ip(node, family)?, backends)
}

/// Probes of the NodePort of each of these backends' Services at one address of a node, and one large answer
/// from the backend on the node itself, or else the first; or why there is none.
pub(super) fn probes(
    world: World<'_>,
    vantage: &Vantage,
    node: &Node,
    address: IpAddr,
    backends: &[&Workload],
) -> Result<Vec<Probe>, Blocked> {
    let family = IpFamily::of(address);
    let mut in_the_way = None;
    let mut probes = Vec::new();
    for backend in backends {
        let role = ServiceRole::Backend(backend.node.clone());
        let port = world
            .fixture
            .service(&role)
            .filter(|service| service.cluster_ip(family).is_some())
            .and_then(|service| service.node_port());
        match (port, plan::backend(backend, family)) {
            (Some(port), Ok(_)) => probes.push(Probe {
                vantage: vantage.clone(),
                aim: Aim::NodePort { node: node.name.clone(), service: role },
                target: Target::Http { address: SocketAddr::new(address, port), payload: 0 },
                attempts: plan::single(world.suite),
            }),
            (Some(_), Err(blocked)) => in_the_way = in_the_way.or(Some(blocked)),
            (None, _) => {
                in_the_way = in_the_way.or_else(|| {
                    Some(Blocked {
                        by: Some("service::cluster_ips"),
                        reason: format!("the Service {role} has no {family} NodePort"),
                    })
                });
            }
        }
    }
    if probes.is_empty() {
        return Err(in_the_way.unwrap_or_else(|| Blocked {
            by: None,
            reason: "no nginx pod backs any NodePort".to_owned(),
        }));
    }
    let own = |probe: &&Probe| probe.aim.backend() == Some(&node.name);
    if let Some(small) = probes.iter().find(own).or(probes.first())
        && let Some(large) = large(world, small)
    {
        probes.push(large);
    }
    Ok(probes)
}

/// The same with a large answer, where the suite asks for any.
fn large(world: World<'_>, small: &Probe) -> Option<Probe> {
    let payload = world.suite.probes.payload;
    let address = small.target.address().filter(|_| payload > 0)?;
    let target = Target::Http { address, payload };
    Some(Probe { target, attempts: plan::once(world.suite), ..small.clone() })
}

/// What went wrong with some of the NodePorts at one address, as a short detail: the share and what
/// the first of them saw. `None` where nothing did.
pub(super) fn detail(readings: &[Reading<'_>]) -> Option<String> {
    let is_small = |reading: &Reading<'_>| !reading.probe.target.is_large();
    let small = readings.iter().filter(|reading| is_small(reading)).count();
    let mut bad = outcome::bad(readings).filter(|(reading, _)| is_small(reading));
    match bad.next() {
        Some((_, first)) => Some(outcome::share(1 + bad.count(), small, "backend", &first.detail)),
        None => {
            let (reading, symptom) = outcome::bad(readings).next()?;
            Some(outcome::sized(reading, symptom))
        }
    }
}
