//! The lab's ways to pods in the nodes' own network.

use super::{
    Fault, Lab,
    network::{Step, exchange, published},
    node_ip, policies,
};
use crate::{
    fixture::ServiceRole,
    probe::{Aim, Answer, Outcome, Probe, Vantage},
};

/// The node of the host-network pod that a probe is sent to.
pub(super) fn target(probe: &Probe) -> Option<&str> {
    match (&probe.aim, probe.aim.service()) {
        (Aim::HostBackend { node }, _) | (_, Some(ServiceRole::HostBackend(node))) => Some(node),
        _ => None,
    }
}

/// What comes of it.
pub(super) fn outcome(lab: &Lab, probe: &Probe, from: &str, to: &str) -> Outcome {
    let family = probe.family();
    let pod = matches!(probe.vantage, Vantage::Pod { .. });
    let first = match &probe.aim {
        Aim::ClusterIp { .. } => Some(Step::ClusterIp(from)),
        Aim::NodePort { node, .. } => Some(Step::NodePort { at: node, from: Some(from) }),
        _ => None,
    };
    let by_node_port = matches!(probe.aim, Aim::NodePort { .. });
    for fault in &lab.faults {
        let (cut, of, outcome) = match fault {
            // The answer finds no pod.
            Fault::OwnRoutesMissing { on, family } => {
                (pod && *on == from, family, Outcome::TimedOut)
            }
            // What goes to the node itself isn't forwarded, and what comes by a NodePort is marked.
            Fault::ForwardDropped { on, family } => {
                (pod && *on == from && from != to && !by_node_port, family, Outcome::TimedOut)
            }
            // What the others send there ends elsewhere, answers too.
            Fault::AddressTaken { of, family } => {
                (*of == from && from != to, family, Outcome::TimedOut)
            }
            Fault::NoDefaultRoute { at, family } => {
                let detail = "Network is unreachable".to_owned();
                let by_cluster_ip = matches!(probe.aim, Aim::ClusterIp { .. });
                (!pod && by_cluster_ip && *at == from, family, Outcome::Unreachable { detail })
            }
            Fault::NodeAddressDropped { of, at, family } => {
                let sends = !pod && *of == from && *at == to;
                (sends || (*of == to && *at == from), family, Outcome::TimedOut)
            }
            Fault::OwnAddressDropped { on, family } => {
                (!pod && *on == from && from == to, family, Outcome::TimedOut)
            }
            Fault::HostPortDropped { on, family } => {
                (*on == to && from != to, family, Outcome::TimedOut)
            }
            // Pods ask with more than a packet holds.
            Fault::Narrow { from: at, to: far, family } => {
                (pod && *at == from && *far == to, family, Outcome::TimedOut)
            }
            _ => continue,
        };
        if cut && *of == family {
            return outcome;
        }
    }
    let there: Vec<Step<'_>> =
        first.into_iter().chain([Step::ToNode { from: Some(from), to }]).collect();
    if let Some(lost) = exchange(lab, probe, &there, &[]) {
        return lost;
    }
    let service = probe.aim.service().and_then(|role| lab.fixture.service(role));
    let unserved = service.is_some_and(|service| published(lab, service, family).next().is_none());
    if unserved || policies::unknown(lab, service, probe, Some(from)) {
        return Outcome::Refused;
    }
    let Some(server) = lab.fixture.host_probe_on(to) else { return Outcome::Refused };
    Outcome::Answered(Answer {
        pod: server.pod.clone().unwrap(),
        server: server.address(family).unwrap(),
        client: node_ip(9, family),
        payload: 0,
    })
}
