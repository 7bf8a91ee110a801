//! The guarded pods of the lab, and what becomes of their connections while a policy holds.

use super::{Fault, Lab, each, network::Step, network::breaks};
use crate::{
    fixture::{PolicyRule, Workload},
    net::IpFamily::{self, V4, V6},
    probe::{Outcome, Probe, Target, Vantage},
};

/// One for each node, beside its busybox.
pub(super) fn pods(lab: &Lab) -> Vec<Workload> {
    let probes = lab.fixture.probes.iter().zip(1..);
    probes
        .map(|(probe, i)| {
            let families: Vec<IpFamily> =
                probe.pod_ips.iter().map(|&ip| IpFamily::of(ip)).collect();
            let pod_ips = each(&families, |family| match family {
                V4 => format!("10.{}.{}.12", 244 - i / 256, i % 256),
                V6 => format!("fd00:10:244:{i}::12"),
            });
            Workload {
                pod: Some(format!("guarded-{i}")),
                pod_ip: pod_ips.first().map(ToString::to_string),
                pod_ips,
                ..probe.clone()
            }
        })
        .collect()
}

/// What becomes of a connection to or from the guarded pod on a node.
pub(super) fn outcome(lab: &Lab, probe: &Probe, node: &str, under: PolicyRule) -> Outcome {
    let family = probe.family();
    let way = match &probe.vantage {
        Vantage::Guarded { node } => Step::ToPod { at: node, to: node },
        Vantage::Pod { node: from } => Step::ToPod { at: from, to: node },
        _ => panic!("nobody else connects to guarded pods"),
    };
    let leaves = matches!(probe.vantage, Vantage::Guarded { .. });
    let unguarded = lab.faults.iter().any(|fault| {
        matches!(fault, Fault::Unguarded { on, family: broken } if *on == node && *broken == family)
    });
    let unknown = |block: IpFamily| {
        let is =
            |fault: &Fault| matches!(fault, Fault::BlockUnknown { family } if *family == block);
        lab.faults.iter().any(is)
    };
    let admits = |block: IpFamily| leaves || (block == family && !unknown(block));
    let passes = unguarded
        || match under {
            PolicyRule::Open | PolicyRule::OpenAgain => true,
            PolicyRule::DenyIngress => leaves,
            PolicyRule::DenyEgress => !leaves,
            PolicyRule::AdmitIpv4 => admits(V4),
            PolicyRule::AdmitIpv6 => admits(V6),
        };
    let connected = breaks(lab, way, family).unwrap_or(Outcome::Connected);
    let outcome = if passes { connected } else { Outcome::TimedOut };
    match probe.target {
        Target::Unanswered { .. } => outcome.where_unanswered(),
        _ => outcome,
    }
}
