//! What the lab's kube-proxies say of their health.

use super::{Fault, Lab};
use crate::{
    net::IpFamily,
    probe::{Aim, Outcome, Probe},
};

/// What comes of a probe that asks a kube-proxy.
pub(super) fn page(lab: &Lab, probe: &Probe) -> Outcome {
    let Aim::ProxyHealth { node, .. } = &probe.aim else { panic!("nobody tells of health there") };
    let ill = |family: &IpFamily| {
        lab.faults.iter().any(|fault| {
            matches!(fault, Fault::ProxyUnhealthy { at, family: of } if at == node && of == family)
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
