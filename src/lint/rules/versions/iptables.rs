//! kube-proxy's iptables mode before it knew two families.

use crate::lint::{
    model::{Model, Version},
    rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
};

use super::deprecated::modes;

/// A dual-stack cluster of a version with the alpha feature.
macro_rules! alpha {
    ($version:literal) => {
        concat!(
            "apiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration\nkubernetesVersion: ",
            $version,
            "\nfeatureGates:\n  IPv6DualStack: true\nnetworking:\n",
            "  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n",
            "  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112\n"
        )
    };
}

pub(crate) const DUAL_STACK: Rule = Rule {
    code: "DS410",
    name: "iptables-dual-stack",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions { since: Some(Version::v1(16)), until: Some(Version::v1(17)) },
    summary: "A dual-stack cluster before 1.18 needs kube-proxy's IPVS mode.",
    why: "Dual-stack was added in 1.16 for the IPVS mode only, and in 1.18 for iptables.",
    fix: "Set kube-proxy's mode to ipvs, or move to a later version.",
    sources: &[
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/563-dual-stack",
    ],
    enforced_by: &[EnforcedBy::Symptom("Services work in one family only")],
    good: &[Example::new(alpha!("v1.18.0"))],
    bad: &[Example::new(alpha!("v1.17.0"))],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    if model.is_dual() != Some(true) {
        return;
    }
    let set: Vec<_> = modes(model).filter(|mode| !mode.value.is_empty()).collect();
    let message = "dual-stack before 1.18 needs kube-proxy's IPVS mode";
    match (set.iter().find(|mode| mode.value != "ipvs"), model.pods()) {
        (Some(mode), _) => {
            out.at(mode.span, message);
        }
        (None, Some(pods)) if set.is_empty() => {
            out.at(pods.text.span, format!("{message}, and no mode is set"));
        }
        _ => {}
    }
}
