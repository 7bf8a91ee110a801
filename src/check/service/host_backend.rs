//! `service::host_backend`

use std::net::SocketAddr;

use super::{
    asked::{address, behind, has, node_port},
    udp::tcp,
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, State,
        Subject, Symptom, Verdict, World, commands,
        node_port::without_hosts,
        outcome,
        pairs::Pairs,
        plan::{self, Source},
        pod, remedy,
    },
    facts,
    fixture::{ServiceRole, host_port},
    net::IpFamily,
    probe::{Aim, Probe, Target, Vantage},
};

/// The size of a request that no packet holds.
const LARGE_REQUEST: u32 = 2_000;

/// Services lead to backends in the host network.
#[derive(Debug)]
pub(in crate::check) struct HostBackend;

/// The way to the host-network pod on a node, in one family.
#[derive(Debug)]
pub(in crate::check) struct HostPath {
    /// Where it starts, as the beginning of a sentence.
    place: String,
    /// The node there.
    from: String,
    to: String,
    family: IpFamily,
}

impl Check for HostBackend {
    type Subject = HostPath;

    const PROMISE: Promise = Promise {
        id: "service::host_backend",
        summary: "from pods and the host network of every node, a Service whose backend is in the host network \
         answers over TCP, at its ClusterIP and at the client's node's NodePort, where the backend is on \
         that node and where it is on another",
        why: "The API server, ingress controllers and node agents are backends with their nodes' own addresses. \
              They don't use the pod network: each family needs the node's address of that family in the \
              EndpointSlices, and a path from every pod and node to it.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/; upstream's dual-stack test \
         \"should function for service endpoints using hostNetwork\"",
        about: About::feature("ServiceHostNetworkBackend")
            .titled("Backends in the host network")
            .asserts(&["should function for service endpoints using hostNetwork"]),
        needs: &[Need::Facts(facts::Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<HostPath>> {
        let pairs = Pairs::new(world);
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            if world.fixture.host_probes.is_empty() {
                cases.push(without_hosts(world, family));
                continue;
            }
            for source in plan::pods(world).chain(plan::hosts(world)) {
                for to in own_and_next(&pairs, &source.pod.node) {
                    if !has(world, &role(to), family) {
                        continue;
                    }
                    let subject = Subject::path(&source.label, to);
                    let case = Planned::probing(world, subject, family, || {
                        let probes = probes(world, &source, to, family)?;
                        let (place, from) = (source.place(), source.pod.node.clone());
                        Ok((HostPath { place, from, to: to.to_owned(), family }, probes))
                    });
                    cases.push(case.beside(&witnesses(world, &source, to, family)));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &HostPath, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        let witnesses = Witnesses(readings);
        if witnesses.reached(path.family) {
            return Verdict::fail(symptom.detail.clone(), path.failure(world, reading, symptom));
        }
        if let Some((by, nginx)) = witnesses.nginx() {
            let reason = format!("nor is the nginx on {} reached ({})", path.to, nginx.detail);
            return Blocked { by: Some(by), reason }.verdict(world.suite);
        }
        let direct = witnesses.direct(path.family);
        let Some((direct, symptom)) = direct.and_then(|it| Some((it, it.symptom()?))) else {
            return Verdict::inconclusive(format!(
                "it could not be tested whether the host-network pod on {} is reachable at the node's own address",
                path.to
            ));
        };
        // A firewall may admit nobody to this port of a node. Where it does so in one family alone, that
        // is what this is about.
        if witnesses.reached(path.family.other()) {
            return Verdict::fail(symptom.detail.clone(), path.unreached(world, direct, symptom));
        }
        Verdict::inconclusive(format!(
            "the host-network pod on {} is not reached at the node's own address either ({})",
            path.to, symptom.detail
        ))
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let fault = crate::lab::Fault::ClusterIpDropped { at: "n1", family: IpFamily::V6 };
        Some(crate::lab::Lab::dual().with_hosts().with(fault))
    }
}

fn role(node: &str) -> ServiceRole {
    ServiceRole::HostBackend(node.to_owned())
}

/// A node itself and the one after it, of those with Services that it tries.
fn own_and_next<'a>(pairs: &Pairs<'a>, from: &str) -> Vec<&'a str> {
    let nodes: Vec<&str> =
        pairs.services(from).into_iter().map(|backend| backend.node.as_str()).collect();
    let place = nodes.iter().position(|node| *node == from);
    let own = place.and_then(|place| nodes.get(place));
    let next = nodes.iter().cycle().skip(place.map_or(0, |place| place + 1)).take(nodes.len());
    let next = next.copied().find(|node| *node != from);
    own.copied().into_iter().chain(next).collect()
}

/// By the ClusterIP, and by the NodePort of the client's own node where it has one.
fn probes(
    world: World<'_>,
    source: &Source<'_>,
    to: &str,
    family: IpFamily,
) -> Result<Vec<Probe>, Blocked> {
    source.address(family)?;
    if let Some(pod) = world.fixture.host_probe_on(to) {
        plan::up("the host-network busybox", pod)?;
        if pod.address(family).is_none() {
            return Err(Blocked {
                by: Some("node::internal_ips"),
                reason: format!("the host-network busybox on {to} has no {family} address"),
            });
        }
    }
    if let Some(reason) = &world.fixture.manual_slices_missing {
        let reason = format!("our EndpointSlices could not be created: {reason}");
        return Err(Blocked { by: None, reason });
    }
    let role = role(to);
    let (service, _) = behind(world, &role, family)?;
    let by_cluster_ip = question(source, address(service, family)?);
    let once = plan::once(world.suite);
    let by_cluster_ip = source.probe(Aim::ClusterIp { service: role.clone() }, by_cluster_ip, once);
    let by_node_port = node_port(world, source, &source.pod.node, &role, family);
    let by_node_port = by_node_port.map(|probe| Probe { attempts: once, ..probe });
    Ok([by_cluster_ip].into_iter().chain(by_node_port).collect())
}

/// What a place is asked: by pods with more than a packet holds. busybox's UDP server can't be asked in the
/// host network: it answers from another address than the one that a pod of its node sent to.
const fn question(source: &Source<'_>, address: SocketAddr) -> Target {
    match source.vantage {
        Vantage::Pod { .. } => Target::Request { address, size: LARGE_REQUEST },
        _ => Target::Http { address, payload: 0 },
    }
}

/// The same pod at the node's own addresses, and the nginx on that node.
fn witnesses(world: World<'_>, source: &Source<'_>, to: &str, family: IpFamily) -> Vec<Probe> {
    let direct = |family| {
        let ip = world.fixture.host_probe_on(to)?.address(family)?;
        let address = SocketAddr::new(ip, host_port(&world.fixture.run));
        let aim = Aim::HostBackend { node: to.to_owned() };
        Some(source.probe(aim, question(source, address), plan::once(world.suite)))
    };
    let of_families = plan::families(world.suite).filter_map(direct);
    let nginx = match source.vantage {
        Vantage::Pod { .. } => {
            let backend = world.fixture.backend_on(to);
            backend.and_then(|backend| pod::tcp(world, source, backend, family))
        }
        _ => tcp(world, source, to, family),
    };
    of_families.chain(nginx).collect()
}

/// What was seen beside.
struct Witnesses<'r, 'a>(&'r Readings<'a>);

impl<'r, 'a> Witnesses<'r, 'a> {
    /// What came of the question at the node's own address of a family.
    fn direct(&self, family: IpFamily) -> Option<&'r Reading<'a>> {
        self.0.witnesses.iter().find(|it| {
            matches!(it.probe.aim, Aim::HostBackend { .. }) && it.probe.family() == family
        })
    }

    /// Whether it is answered at the node's own address of a family.
    fn reached(&self, family: IpFamily) -> bool {
        self.direct(family).is_some_and(|it| matches!(it.state, State::Good))
    }

    /// What went wrong on the way to the nginx on the node, and the check that reports it.
    fn nginx(&self) -> Option<(&'static str, &'r Symptom)> {
        self.0.witnesses.iter().find_map(|it| match it.probe.aim {
            Aim::Backend { .. } => Some(("pod::reachable", it.symptom()?)),
            Aim::ClusterIp { .. } => Some(("service::cluster_ip_reachable", it.symptom()?)),
            _ => None,
        })
    }
}

impl HostPath {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { place, from, to, family } = self;
        let address = reading.probe.target.address().map(|address| address.ip().to_string());
        let address = address.unwrap_or_default();
        let by = match reading.probe.aim {
            Aim::NodePort { .. } => "NodePort of its own node",
            _ => "ClusterIP",
        };
        let first = match symptom.kind {
            Kind::WrongAnswer => format!(
                "Somebody else answered: check that the EndpointSlices of addressType {family} name the \
                 node's own address."
            ),
            Kind::Refused => format!(
                "Refused means that {from} has the Service but no {family} endpoint for it: check that its \
                 EndpointSlice of addressType {family} exists and that the service proxy takes it up."
            ),
            _ => format!(
                "Check whether {from} masquerades what its pods send to {to}'s own address by a Service over \
                 {family}, so that the answer comes back the same way."
            ),
        };
        Failure::new(format!(
            "{place} does not reach the host-network pod on node {to} at the {family} {by} \
             {}: {}. At the node's own address it does.",
            reading.probe.target, symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce(remedy::inspect_own(world, *family, from, &address))
        .fix([first])
        .fix(remedy::service_proxy(world, *family, from))
    }

    /// Not even at the node's own address, where the other family gets through.
    fn unreached(&self, world: World<'_>, direct: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { place, to, family, .. } = self;
        let other = family.other();
        Failure::new(format!(
            "{place} does not reach the host-network pod on node {to} at the node's own {family} address \
             {}: {}. At its {other} address it does.",
            direct.probe.target, symptom.detail
        ))
        .reproduce(commands::repeat(world, [direct.probe]))
        .reproduce([commands::rules(to)])
        .fix([
            format!(
                "Let the firewall of {to}, and what filters between the nodes (security groups), admit over \
                 {family} what they admit over {other}: to ports of the node itself, from pods and nodes."
            ),
            format!("Check that {to} routes its {family} answers to pods and nodes back the same way."),
        ])
    }
}
