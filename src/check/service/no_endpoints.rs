//! `service::no_endpoints`

use super::{
    asked::{address, has, node_port, without_address},
    udp::tcp,
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, State,
        Subject, Verdict, World, commands, outcome,
        pairs::{Pairs, nearest},
        plan::{self, Source},
        pod, remedy,
    },
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Outcome, Probe, Target},
};

/// Services without endpoints are refused.
#[derive(Debug)]
pub(in crate::check) struct NoEndpoints;

/// A pod that asks a Service without endpoints, in one family.
#[derive(Debug)]
pub(in crate::check) struct Asker {
    node: String,
    family: IpFamily,
}

impl Check for NoEndpoints {
    type Subject = Asker;

    const PROMISE: Promise = Promise {
        id: "service::no_endpoints",
        summary: "from every node, connections to a Service without endpoints are refused at once, at its \
         ClusterIP and at the NodePort of the node",
        why: "A client whose backend is gone must be refused at once, so that it can try the other family or \
              another server. If one family drops the packets instead, every such client hangs for minutes.",
        source: "https://kubernetes.io/docs/reference/networking/virtual-ips/; upstream's test \"should be \
         rejected when no endpoints exist\"",
        about: About::feature("ServiceRejectWithoutEndpoints").titled("Services without endpoints"),
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asker>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                let node = source.pod.node.clone();
                let subject = Subject::Node { name: node.clone() };
                let ways = pairs.pods(&source.pod.node).into_iter();
                let ways = ways.filter_map(|to| pod::tcp(world, &source, to, family));
                let tcp = tcp(world, &source, nearest(world, &node), family);
                let backend = ServiceRole::Backend(nearest(world, &node).to_owned());
                let port = node_port(world, &source, &node, &backend, family);
                let witnesses: Vec<Probe> = tcp.into_iter().chain(port).chain(ways).collect();
                let case = Planned::probing(world, subject, family, || {
                    let mut probes = vec![probe(world, &source, family)?];
                    probes.extend(at_node(world, &source, family));
                    Ok((Asker { node, family }, probes))
                });
                cases.push(case.beside(&witnesses));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asker: &Asker, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        // Without a route for ClusterIPs no proxy sees the packet; the client learns at once all the same.
        if symptom.kind == Kind::Unreachable {
            return Verdict::pass(symptom.detail.clone());
        }
        let (ways, services): (Vec<_>, Vec<_>) =
            readings.witnesses.iter().partition(|it| matches!(it.probe.aim, Aim::Backend { .. }));
        let at_node = matches!(reading.probe.aim, Aim::NodePort { .. });
        let (ports, services): (Vec<_>, Vec<_>) =
            services.into_iter().partition(|it| matches!(it.probe.aim, Aim::NodePort { .. }));
        if ways.iter().any(|way| was_told(way)) {
            return Verdict::inconclusive(format!(
                "{}, but other connections of the pod were rejected, and the kernel limits the rate of such ICMP \
                 errors",
                symptom.detail
            ));
        }
        let beside = if at_node { &ports } else { &services };
        if beside.iter().all(|it| matches!(it.state, State::Unknown(_))) {
            return Verdict::inconclusive(format!(
                "{}, and whether other Services answer there is not known: a kernel sends a pod only about one \
                 ICMP error a second, and may have left this one out",
                symptom.detail
            ));
        }
        if let Some(other) = ports.iter().find_map(|it| it.symptom()).filter(|_| at_node) {
            return Blocked {
                by: Some("node_port::from_pod"),
                reason: format!("no NodePort answers there either ({})", other.detail),
            }
            .verdict(world.suite);
        }
        if let Some(other) = services.iter().find_map(|it| it.symptom()).filter(|_| !at_node) {
            return Blocked {
                by: Some("service::cluster_ip_reachable"),
                reason: format!("no ClusterIP answers either ({})", other.detail),
            }
            .verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), asker.failure(world, reading, &symptom.detail))
    }
}

/// Whether the pod was told that a connection can't be: by ICMP, of which a kernel sends a pod some
/// six at once and then one a second (`icmp_ratelimit`).
fn was_told(reading: &Reading<'_>) -> bool {
    let mut outcomes = reading.attempts.iter().map(|attempt| &attempt.outcome);
    outcomes.any(|outcome| matches!(outcome, Outcome::Unreachable { .. }))
}

fn probe(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Result<Probe, Blocked> {
    source.address(family)?;
    let role = ServiceRole::NoEndpoints;
    let service = world.fixture.service(&role).filter(|_| has(world, &role, family));
    let service = service.ok_or_else(|| without_address(&role, family))?;
    let address = address(service, family)?;
    let aim = Aim::ClusterIp { service: role };
    Ok(source.probe(aim, Target::Closed { address }, plan::once(world.suite)))
}

/// The same at the NodePort of the pod's own node, where it has one in the family.
fn at_node(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Option<Probe> {
    let probe = node_port(world, source, &source.pod.node, &ServiceRole::NoEndpoints, family)?;
    let target = Target::Closed { address: probe.target.address()? };
    Some(Probe { target, attempts: plan::once(world.suite), ..probe })
}

impl Asker {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, detail: &str) -> Failure {
        let Self { node, family } = self;
        let address = reading.probe.target.address().map(|address| address.ip().to_string());
        let address = address.unwrap_or_default();
        let kind = match reading.probe.aim {
            Aim::NodePort { .. } => "NodePort of its node,",
            _ => "ClusterIP",
        };
        Failure::new(format!(
            "A pod on node {node} that connects to a Service without endpoints at the {family} {kind} \
             {address} is not refused: {detail}."
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce(remedy::inspect_rejections(world, *family, node, &address))
        .fix([format!(
            "Check that nothing on {node} drops the ICMP or RST by which the service proxy refuses, and \
             that the proxy has reject rules for {family}."
        )])
        .fix(remedy::service_proxy(world, *family, node))
    }
}
