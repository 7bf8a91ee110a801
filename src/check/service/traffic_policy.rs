//! `service::traffic_policy`

mod judge;

pub(crate) use judge::SOURCE_LOST;
use judge::{Client, Origin};

use std::{collections::HashMap, net::SocketAddr};

use super::{
    asked::{address, behind, changed, has, node_port},
    udp::tcp,
};
use crate::{
    check::{
        About, Blocked, Check, Need, Planned, Promise, Readings, Subject, Verdict, World,
        node_port as ports,
        pairs::Pairs,
        plan::{self, Source},
    },
    facts,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Attempts, Probe, Target, Vantage},
    suite::OutsidePolicy,
};

/// Services with local traffic policies stay on the node, and keep their clients' addresses.
#[derive(Debug)]
pub(in crate::check) struct TrafficPolicy;

impl Check for TrafficPolicy {
    type Subject = Client;

    const PROMISE: Promise = Promise {
        id: "service::traffic_policy",
        summary: "a Service with internalTrafficPolicy and externalTrafficPolicy Local is answered on the node \
         of its backend, with the client's address kept at its NodePort there, and not on other nodes",
        why: "Ingress controllers and load balancers use externalTrafficPolicy Local to see the client's \
         address: allow lists, rate limits and audit logs depend on it, and if one family is masqueraded, every \
         client looks like a node. internalTrafficPolicy Local keeps logs and metrics on \
         their node; a proxy that ignores it in one family sends them across the cluster.",
        source: "Service fields spec.internalTrafficPolicy and spec.externalTrafficPolicy; \
         https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-policies; \
         https://kubernetes.io/docs/tutorials/services/source-ip/",
        about: About::feature("ServiceTrafficPolicies").titled("Traffic policies"),
        needs: &[Need::Facts(facts::Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Client>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        let places: HashMap<&str, usize> = world.fixture.selected().zip(0..).collect();
        for family in plan::families(world.suite) {
            let is_local =
                |node: &str| world.fixture.mesh.serves(node) && has(world, &role(node), family);
            for source in plan::pods(world) {
                let node = source.pod.node.as_str();
                if is_local(node) {
                    cases.push(own(world, &source, family));
                }
                if let Some(owner) = next(&pairs, &places, node) {
                    cases.push(elsewhere(world, &source, owner, family));
                }
            }
            for node in world.fixture.selected().filter(|node| is_local(node)) {
                cases.push(outside(world, node, next(&pairs, &places, node), family));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, client: &Client, readings: &Readings<'_>) -> Verdict {
        judge::verdict(world, client, readings)
    }
}

fn role(owner: &str) -> ServiceRole {
    ServiceRole::Local(owner.to_owned())
}

/// The next node, in a circle, among those with Services that a node tries.
fn next<'a>(pairs: &Pairs<'a>, places: &HashMap<&str, usize>, node: &str) -> Option<&'a str> {
    let others = pairs.services(node).into_iter().map(|backend| backend.node.as_str());
    let others: Vec<&str> = others.filter(|other| *other != node).collect();
    let place = |node: &str| places.get(node).copied().unwrap_or_default();
    let after = others.iter().find(|other| place(other) > place(node));
    after.or(others.first()).copied()
}

/// A case of the Service of a node, unless an admission policy gave that other policies.
fn case(
    world: World<'_>,
    from: Origin,
    owner: &str,
    family: IpFamily,
    probes: impl FnOnce() -> Result<Vec<Probe>, Blocked>,
) -> Planned<Client> {
    let label = match &from {
        Origin::Pod(node) => node.clone(),
        Origin::Outside => "outside".to_owned(),
    };
    let subject = Subject::path(label, role(owner).to_string());
    if let Some(reason) = changed(world, &role(owner), |field| field.ends_with("TrafficPolicy")) {
        return Planned::settled(subject, family, Verdict::skip(reason));
    }
    Planned::probing(world, subject, family, || {
        Ok((Client { from, owner: owner.to_owned(), family }, probes()?))
    })
}

/// A pod on the node of the backend.
fn own(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Planned<Client> {
    let node = source.pod.node.as_str();
    let from = Origin::Pod(node.to_owned());
    let case = case(world, from, node, family, || {
        let address = cluster_ip(world, source, node, family)?;
        let aim = Aim::ClusterIp { service: role(node) };
        let target = Target::Http { address, payload: 0 };
        Ok(vec![source.probe(aim, target, plan::single(world.suite))])
    });
    case.beside(&tcp(world, source, node, family))
}

/// A pod on another node: not answered at the ClusterIP, and answered at the NodePort of the backend's
/// node.
fn elsewhere(
    world: World<'_>,
    source: &Source<'_>,
    owner: &str,
    family: IpFamily,
) -> Planned<Client> {
    let from = Origin::Pod(source.pod.node.clone());
    let open = node_port(world, source, owner, &ServiceRole::Backend(owner.to_owned()), family);
    let witnesses: Vec<Probe> = tcp(world, source, owner, family).into_iter().chain(open).collect();
    let case = case(world, from, owner, family, || {
        let address = cluster_ip(world, source, owner, family)?;
        let aim = Aim::ClusterIp { service: role(owner) };
        let silent = plan::unanswered(world.suite);
        let silent = source.probe(aim, Target::Unanswered { address }, silent);
        let open = node_port(world, source, owner, &role(owner), family);
        Ok(vec![silent, open.ok_or_else(|| without_address(owner, family))?])
    });
    case.beside(&witnesses)
}

/// This machine: answered at the backend's node, and not at another.
fn outside(
    world: World<'_>,
    owner: &str,
    other: Option<&str>,
    family: IpFamily,
) -> Planned<Client> {
    if world.suite.outside == OutsidePolicy::Off {
        let verdict = Verdict::skip("connections from outside are not tested (--outside off)");
        let subject = Subject::path("outside", role(owner).to_string());
        return Planned::settled(subject, family, verdict);
    }
    let single = plan::single(world.suite);
    let open = |address| Target::Http { address, payload: 0 };
    let backend = |node: &str| ServiceRole::Backend(node.to_owned());
    let mut witnesses = from_outside(world, owner, &backend(owner), family, single, open);
    if let Some(other) = other {
        witnesses.extend(from_outside(world, other, &backend(owner), family, single, open));
        // What it sees as the client tells whether this machine is the node itself.
        if behind(world, &role(other), family).is_ok() {
            witnesses.extend(from_outside(world, other, &role(other), family, single, open));
        }
    }
    let case = case(world, Origin::Outside, owner, family, || {
        behind(world, &role(owner), family)?;
        let mut probes = from_outside(world, owner, &role(owner), family, single, open);
        if probes.is_empty() {
            return Err(without_address(owner, family));
        }
        let silent = |address| Target::Unanswered { address };
        let once = plan::unanswered(world.suite);
        probes.extend(
            other
                .into_iter()
                .flat_map(|other| from_outside(world, other, &role(owner), family, once, silent)),
        );
        Ok(probes)
    });
    case.beside(&witnesses)
}

/// Half of what is promised can't be seen at such a node.
fn without_address(node: &str, family: IpFamily) -> Blocked {
    Blocked {
        by: Some("node::internal_ips"),
        reason: format!("node {node} has no {family} address"),
    }
}

/// A Service's NodePort at each address of a node, from this machine.
fn from_outside(
    world: World<'_>,
    entry: &str,
    role: &ServiceRole,
    family: IpFamily,
    attempts: Attempts,
    target: impl Fn(SocketAddr) -> Target,
) -> Vec<Probe> {
    let node = ports::node(world, entry).ok();
    let port = world.fixture.service(role).and_then(|service| service.node_port());
    let (Some(node), Some(port)) = (node, port) else { return Vec::new() };
    ports::addresses(node, family)
        .map(|ip| Probe {
            vantage: Vantage::Outside,
            aim: Aim::NodePort { node: entry.to_owned(), service: role.clone() },
            target: target(SocketAddr::new(ip, port)),
            attempts,
        })
        .collect()
}

/// The ClusterIP of the Service of a node.
fn cluster_ip(
    world: World<'_>,
    source: &Source<'_>,
    owner: &str,
    family: IpFamily,
) -> Result<SocketAddr, Blocked> {
    source.address(family)?;
    let role = role(owner);
    let (service, _) = behind(world, &role, family)?;
    address(service, family)
}
