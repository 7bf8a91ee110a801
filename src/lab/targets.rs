//! The operator's own Services in the lab.

use std::net::IpAddr;

use super::{
    Fault, Lab, each,
    network::{Step, exchange},
};
use crate::{
    facts::{Fact, Target, TargetEndpoint, TargetPort, TargetService},
    net::IpFamily::{self, V4, V6},
    probe::{Aim, Outcome, Probe, Target as Wire},
};

impl Lab {
    /// The cluster with the Service team/web of the operator's, which is to be tested: two pods, on the
    /// first two nodes.
    #[must_use]
    pub(crate) fn with_target(mut self) -> Self {
        let families: Vec<IpFamily> =
            self.fixture.probes[0].pod_ips.iter().map(|&ip| IpFamily::of(ip)).collect();
        let target = web(&families, self.fixture.nodes.len().min(2));
        self.suite = self.suite.with_targets([target.name.clone()]);
        self.facts.targets = vec![target];
        self
    }

    /// The Service of the operator's.
    pub(crate) fn target(&mut self) -> &mut TargetService {
        match &mut self.facts.targets[0].service {
            Fact::Known { value, .. } => value,
            Fact::Absent { .. } | Fact::Forbidden { .. } => panic!("the lab knows its targets"),
        }
    }

    /// Its endpoints.
    pub(crate) fn endpoints(&mut self) -> &mut Vec<TargetEndpoint> {
        match &mut self.facts.targets[0].endpoints {
            Fact::Known { value, .. } => value,
            Fact::Absent { .. } | Fact::Forbidden { .. } => panic!("the lab knows its targets"),
        }
    }
}

fn known<T>(value: T) -> Fact<T> {
    Fact::Known { value, source: "the lab".to_owned() }
}

fn port(number: u16) -> TargetPort {
    TargetPort { number, protocol: "TCP".to_owned() }
}

fn web(families: &[IpFamily], pods: usize) -> Target {
    let endpoint = |node: usize, address: IpAddr| TargetEndpoint {
        address,
        ready: true,
        pod: Some(format!("web-{node}")),
        node: Some(format!("n{node}")),
        ports: vec![port(8080)],
    };
    let endpoints = (1..=pods).flat_map(|node| {
        let addresses = each(families, |family| match family {
            V4 => format!("10.244.{node}.80"),
            V6 => format!("fd00:10:244:{node}::80"),
        });
        addresses.into_iter().map(move |address| endpoint(node, address))
    });
    Target {
        name: "team/web".parse().unwrap(),
        service: known(TargetService {
            kind: "ClusterIP".to_owned(),
            cluster_ips: each(families, |family| match family {
                V4 => "10.96.77.77".to_owned(),
                V6 => "fd00:10:96::77:77".to_owned(),
            }),
            families: families.to_vec(),
            policy: "PreferDualStack".to_owned(),
            external_name: None,
            has_selector: true,
            ports: vec![port(80)],
        }),
        endpoints: known(endpoints.collect()),
    }
}

/// What comes of connecting to a Service of the operator's, or to one of its endpoints.
pub(super) fn outcome(lab: &Lab, probe: &Probe, from: &str, turn: usize) -> Outcome {
    let target = probe.aim.target().and_then(|name| lab.facts.target(name)).unwrap();
    let family = probe.family();
    let ready: Vec<&TargetEndpoint> = target.ready(family).collect();
    let (endpoint, translated) = match &probe.aim {
        Aim::TargetIp { .. } => {
            (ready.get(turn % ready.len().max(1)).copied(), vec![Step::ClusterIp(from)])
        }
        _ => {
            let at = probe.target.address().unwrap().ip();
            (ready.into_iter().find(|it| it.address == at), Vec::new())
        }
    };
    let Some(endpoint) = endpoint else { return Outcome::Refused };
    let to = endpoint.node.as_deref().unwrap();
    let there: Vec<Step<'_>> =
        translated.into_iter().chain([Step::ToPod { at: from, to }]).collect();
    if let Some(lost) = exchange(lab, probe, &there, &[Step::ToPod { at: to, to: from }]) {
        return lost;
    }
    let deaf = lab.faults.iter().any(|fault| match fault {
        Fault::TargetDeaf { pod, family: of } => {
            *of == family && pod.is_none_or(|pod| endpoint.pod.as_deref() == Some(pod))
        }
        _ => false,
    });
    if matches!(probe.target, Wire::DnsServer { .. }) {
        let detail = "no server answered: Connection refused".to_owned();
        return if deaf { Outcome::DnsFailure { detail } } else { Outcome::Replied };
    }
    match (deaf, probe.target.is_udp()) {
        (true, _) => Outcome::Refused,
        (false, true) => Outcome::TimedOut,
        (false, false) => Outcome::Connected,
    }
}

/// The records of a Service of the operator's of a name.
pub(super) fn records(lab: &Lab, name: &str, family: IpFamily) -> Option<Outcome> {
    let of = |target: &&Target| {
        name.starts_with(&format!("{}.{}.svc.", target.name.name, target.name.namespace))
    };
    let target = lab.facts.targets.iter().find(of)?;
    let service = target.service.known()?;
    let addresses: Vec<IpAddr> = if service.is_headless() {
        target.ready(family).map(|endpoint| endpoint.address).collect()
    } else {
        service.cluster_ip(family).into_iter().collect()
    };
    Some(if addresses.is_empty() { Outcome::NoRecords } else { Outcome::Records { addresses } })
}
