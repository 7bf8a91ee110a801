//! What the lab's API server reaches, and who reaches it.

use super::{
    Lab,
    filters::{self, Way},
    network::{Step, exchange, published},
    node_ip,
};
use crate::probe::{Aim, Answer, Outcome, Probe};

/// A connection that the API server, on the first node, opens to a pod behind a Service.
pub(super) fn proxied(lab: &Lab, probe: &Probe, turn: usize) -> Outcome {
    let family = probe.family();
    let Aim::Proxied { service: role } = &probe.aim else { panic!("nothing to proxy to") };
    let service = lab.fixture.service(role).unwrap();
    // What ties clients of proxies to some backends ties nobody here.
    let behind: Vec<_> = published(lab, service, family).collect();
    let Some(backend) = behind.get(turn.checked_rem(behind.len()).unwrap_or_default()) else {
        return Outcome::TimedOut;
    };
    let to = backend.node.as_str();
    let way = Way { probe, from: Some("n1"), via: None, to, service: None };
    let there = [Step::ToPod { at: "n1", to }, Step::Nginx(to)];
    let lost = filters::outcome(lab, &way).or_else(|| exchange(lab, probe, &there, &[]));
    lost.unwrap_or_else(|| {
        Outcome::Answered(Answer {
            pod: backend.pod.clone().unwrap(),
            server: backend.address(family).unwrap(),
            client: node_ip(1, family),
            payload: 0,
        })
    })
}

/// A connection to the API server, which is on the first node, by its Service.
pub(super) fn reached(lab: &Lab, probe: &Probe, from: &str) -> Outcome {
    let there = [Step::ClusterIp(from), Step::ToNode { from: Some(from), to: "n1" }];
    let lost = filters::api_server_lost(lab, probe, from);
    lost.or_else(|| exchange(lab, probe, &there, &[])).unwrap_or(Outcome::Connected)
}
