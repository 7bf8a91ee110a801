//! `service::health_check_node_port`

use std::net::SocketAddr;

use super::asked::{behind, has, node_port};
use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, Subject,
        Symptom, Verdict, World, commands, node_port as ports, outcome,
        pairs::nearest,
        plan::{self, Source},
        remedy,
    },
    facts,
    fixture::{Allocation, ServiceRole},
    net::IpFamily,
    probe::{Aim, HealthPage, Probe, Target},
};

/// Health check node ports tell nodes with a backend from those without.
#[derive(Debug)]
pub(in crate::check) struct HealthCheckNodePort;

/// What a node tells of the backends that it has, in one family.
#[derive(Debug)]
pub(in crate::check) struct NodeHealth {
    node: String,
    family: IpFamily,
    /// Whether the Service's backend is there.
    has_backend: bool,
}

impl Check for HealthCheckNodePort {
    type Subject = NodeHealth;

    const PROMISE: Promise = Promise {
        id: "service::health_check_node_port",
        summary: "the health check node port of a Service of type LoadBalancer with externalTrafficPolicy Local \
                  returns 200 on the node of its backend and 503 on every other",
        why: "Load balancers send only to nodes that report healthy there, and check each family separately. A \
              node that doesn't answer in a family gets no traffic in it; if every node reports a backend, \
              those without one drop what they get.",
        source: "Service field spec.healthCheckNodePort; \
         https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-loadbalancer; \
         upstream's test \"should work for type=LoadBalancer with healthCheckNodePort\"",
        about: About::feature("ServiceHealthCheckNodePort").titled("Health check node ports"),
        needs: &[Need::Facts(facts::Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<NodeHealth>> {
        let role = ServiceRole::HealthCheck;
        let mut cases = Vec::new();
        for family in plan::families(world.suite).filter(|&family| has(world, &role, family)) {
            if let Some(Allocation::Refused { message }) =
                world.fixture.service(&role).map(|service| &service.allocation)
            {
                let reason = format!("a Service of type LoadBalancer is refused: {message}");
                cases.push(Planned::settled(Subject::Cluster, family, Verdict::skip(reason)));
                continue;
            }
            for source in plan::pods(world) {
                let node = source.pod.node.as_str();
                let backend = ServiceRole::Backend(nearest(world, node).to_owned());
                let open = node_port(world, &source, node, &backend, family);
                let subject = Subject::Node { name: node.to_owned() };
                let case = Planned::probing(world, subject, family, || {
                    let (has_backend, probe) = probe(world, &source, family)?;
                    Ok((NodeHealth { node: node.to_owned(), family, has_backend }, vec![probe]))
                });
                cases.push(case.beside(&open));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, told: &NodeHealth, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unknown(&readings.own)
                .unwrap_or_else(|| Verdict::pass(format!("HTTP {}", status(told.has_backend))));
        };
        // What it says is its own; that it says nothing may be what lets no NodePort answer.
        if symptom.kind != Kind::WrongAnswer
            && let Some(port) = readings.witnesses.iter().find_map(Reading::symptom)
        {
            let by = Some("node_port::from_pod");
            let reason = format!("no NodePort answers there either ({})", port.detail);
            return Blocked { by, reason }.verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), told.failure(world, reading, symptom))
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let fault = crate::lab::Fault::UntranslatedDropped { at: "n2", family: IpFamily::V6 };
        Some(crate::lab::Lab::dual().with(fault))
    }
}

const fn status(has_backend: bool) -> u16 {
    if has_backend { 200 } else { 503 }
}

/// The question to the pod's own node, and whether that has the backend.
fn probe(
    world: World<'_>,
    source: &Source<'_>,
    family: IpFamily,
) -> Result<(bool, Probe), Blocked> {
    source.address(family)?;
    let role = ServiceRole::HealthCheck;
    let name = &source.pod.node;
    let (service, backends) = behind(world, &role, family)?;
    let node = ports::node(world, name)?;
    let ip = ports::internal_ip(node, family)?;
    let port = service.health_check_node_port.ok_or_else(|| Blocked {
        by: None,
        reason: "the API server gave the Service no healthCheckNodePort".to_owned(),
    })?;
    let has_backend = backends.iter().any(|backend| backend.node == *name);
    let target = Target::Health {
        address: SocketAddr::new(ip, port),
        page: HealthPage::Service,
        wanted: Some(status(has_backend)),
    };
    let aim = Aim::NodePort { node: name.clone(), service: role };
    Ok((has_backend, source.probe(aim, target, plan::once(world.suite))))
}

impl NodeHealth {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { node, family, has_backend } = self;
        let address = reading.probe.target.address();
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        let with = if *has_backend { "has the Service's backend" } else { "has no backend" };
        let first = match symptom.kind {
            Kind::WrongAnswer => format!(
                "What it says is not what is on {node}: check that its service proxy learns of EndpointSlices \
                 of {family}, and is healthy itself (node::proxy_health)."
            ),
            Kind::Refused => format!(
                "Refused means that nobody listens there in {family}: the service proxy does not write its \
                 rules of the family, or could not open the port (`kubectl get events -A | grep \
                 FailedToStartServiceHealthcheck`)."
            ),
            _ => format!(
                "Let {family} through to the NodePort range in the INPUT chain of {node}'s firewall: \
                 NodePorts are translated and forwarded, and health checks are for the node itself."
            ),
        };
        Failure::new(format!(
            "Node {node}, which {with}, does not say {} at the {family} health check node port {address}: {}.",
            status(*has_backend),
            symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .fix([first])
        .fix(remedy::service_proxy(world, *family, node))
    }
}
