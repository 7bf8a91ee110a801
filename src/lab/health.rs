//! What the lab's kube-proxies say of their health, and of that of Services.

use super::{Fault, Lab};
use crate::{
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Outcome, Probe, Target},
};

/// What comes of a probe that asks a kube-proxy.
pub(super) fn page(lab: &Lab, probe: &Probe) -> Outcome {
    match &probe.aim {
        Aim::ProxyHealth { node, .. } => of_proxy(lab, node),
        Aim::NodePort { node, service: ServiceRole::HealthCheck } => of_service(lab, probe, node),
        other => panic!("nobody tells of health at {other:?}"),
    }
}

fn of_proxy(lab: &Lab, node: &str) -> Outcome {
    let ill = |family: &IpFamily| {
        lab.faults.iter().any(|fault| {
            matches!(fault, Fault::ProxyUnhealthy { at, family: of } if *at == node && of == family)
        })
    };
    let at = "2026-11-26T10:24:36.876399738Z";
    let halves: Vec<String> = IpFamily::ALL
        .iter()
        .map(|family| {
            format!("\"{family}\":{{\"lastUpdated\":\"{at}\",\"healthy\":{}}}", !ill(family))
        })
        .collect();
    let healthy = !IpFamily::ALL.iter().any(ill);
    Outcome::Health {
        status: if healthy { 200 } else { 503 },
        body: format!(
            "{{\"lastUpdated\":\"{at}\",\"healthy\":{healthy},\"status\":{{{}}}}}",
            halves.join(",")
        ),
    }
}

fn of_service(lab: &Lab, probe: &Probe, node: &str) -> Outcome {
    let Target::Health { wanted, .. } = probe.target else { panic!("nothing else is asked there") };
    let family = probe.family();
    let silent = |fault: &Fault| match fault {
        Fault::UntranslatedDropped { at, family: of } => *at == node && *of == family,
        _ => false,
    };
    let refused = |fault: &Fault| match fault {
        Fault::ProxyUnhealthy { at, family: of } | Fault::NodePortRefused { at, family: of } => {
            *at == node && *of == family
        }
        _ => false,
    };
    if lab.faults.iter().any(silent) {
        return Outcome::TimedOut;
    }
    if lab.faults.iter().any(refused) {
        return Outcome::Refused;
    }
    let everywhere = lab.faults.iter().any(|fault| matches!(fault, Fault::HealthEverywhere));
    let status = if node == "n1" || everywhere { 200 } else { 503 };
    match wanted.filter(|&wanted| wanted != status) {
        Some(wanted) => {
            Outcome::WrongAnswer { detail: format!("HTTP/1.0 {status}, expected {wanted}") }
        }
        None => Outcome::Health { status, body: "{\"localEndpoints\":1}".to_owned() },
    }
}

/// Whether a node says nothing where it must refuse a connection to one of its NodePorts.
pub(super) fn untold(lab: &Lab, probe: &Probe) -> bool {
    let Aim::NodePort { node, .. } = &probe.aim else { return false };
    lab.faults.iter().any(|fault| {
        matches!(fault, Fault::UntranslatedDropped { at, family } if at == node && *family == probe.family())
    })
}
