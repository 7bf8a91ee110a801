//! `service::no_endpoints`

use std::net::SocketAddr;

use super::{
    asked::{has, port},
    udp::tcp,
};
use crate::{
    check::{
        Blocked, Check, Failure, Need, Planned, Reading, Readings, Stage, Subject, Verdict, World,
        commands, outcome,
        pairs::nearest,
        plan::{self, Source},
        remedy,
    },
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Probe, Target},
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

    fn id(&self) -> &'static str {
        "service::no_endpoints"
    }

    fn summary(&self) -> &'static str {
        "from every node, connections to a Service without endpoints are refused at once, at its \
         ClusterIP"
    }

    fn why(&self) -> &'static str {
        "A client whose backend is gone must learn it at once, and may then try the other family or \
         another server. Where one family drops the packets instead, every such client hangs for \
         minutes."
    }

    fn source(&self) -> &'static str {
        "https://kubernetes.io/docs/reference/networking/virtual-ips/; upstream's test \"should be \
         rejected when no endpoints exist\""
    }

    fn stage(&self) -> Stage {
        Stage::Probed
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Exec]
    }

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asker>> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                let node = source.pod.node.clone();
                let subject = Subject::Node { name: node.clone() };
                let witness = tcp(world, &source, nearest(world, &node), family);
                let case = Planned::probing(world, subject, family, || {
                    let probe = probe(world, &source, family)?;
                    Ok((Asker { node, family }, vec![probe]))
                });
                cases.push(case.beside(&witness));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asker: &Asker, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        if let Some(other) = readings.witnesses.iter().find_map(Reading::symptom) {
            return Blocked {
                by: Some("service::cluster_ip_reachable"),
                reason: format!("no ClusterIP answers either ({})", other.detail),
            }
            .verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), asker.failure(world, reading, &symptom.detail))
    }
}

fn probe(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Result<Probe, Blocked> {
    source.address(family)?;
    let role = ServiceRole::NoEndpoints;
    let service = world.fixture.service(&role).filter(|_| has(world, &role, family));
    let address = service
        .and_then(|service| Some(SocketAddr::new(service.cluster_ip(family)?, port(service)?)));
    let address = address.ok_or_else(|| Blocked {
        by: Some("service::cluster_ips"),
        reason: format!("the Service {role} has no {family} ClusterIP"),
    })?;
    let aim = Aim::ClusterIp { service: role };
    Ok(source.probe(aim, Target::Closed { address }, plan::once(world.suite)))
}

impl Asker {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, detail: &str) -> Failure {
        let Self { node, family } = self;
        let address = reading.probe.target.address().map(|address| address.ip().to_string());
        let address = address.unwrap_or_default();
        Failure::new(format!(
            "A pod on node {node} that connects to a Service without endpoints at the {family} \
             ClusterIP {address} is not refused: {detail}."
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce(remedy::inspect_proxy(world, *family, node, &address))
        .fix([format!(
            "See that nothing on {node} drops the ICMP or RST by which the service proxy refuses, and \
             that the proxy has reject rules for {family}."
        )])
        .fix(remedy::service_proxy(world, *family, node))
    }
}
