//! Antrea's agent against the cluster.

use crate::{
    lint::{
        model::{AntreaAgent, Model, RangeEntry},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

/// A cluster of both families, and Antrea's ConfigMap with these lines for its agent.
macro_rules! agent {
    ($($line:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: antrea-config\ndata:\n",
                "  antrea-agent.conf: |\n    trafficEncapMode: encap\n",
                $("    ", $line, "\n"),*
            )
        )
    };
}

pub(crate) const SERVICES: Rule = Rule {
    code: "DS644",
    name: "antrea-service-ranges",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Antrea leaves Services to kube-proxy, and doesn't know their range of each family.",
    why: "With AntreaProxy off, the agent sends traffic for serviceCIDR and serviceCIDRv6 to the node, where \
          kube-proxy handles it. serviceCIDRv6 has no default: without it Pods don't reach IPv6 ClusterIPs.",
    fix: "Set serviceCIDR and serviceCIDRv6 to the cluster's Service ranges, or turn AntreaProxy on.",
    sources: &["https://antrea.io/docs/main/docs/dual-stack/"],
    enforced_by: &[EnforcedBy::Symptom("Pods don't reach Services in that family")],
    good: &[
        Example::new(agent!(
            "featureGates: {AntreaProxy: false}",
            "serviceCIDR: 10.96.0.0/16",
            "serviceCIDRv6: fd00:10:96::/112",
        )),
        Example::new(agent!("serviceCIDR: 10.96.0.0/12")),
    ],
    bad: &[
        Example::new(agent!("featureGates: {AntreaProxy: false}", "serviceCIDR: 10.96.0.0/16")),
        Example::new(agent!(
            "antreaProxy: {enable: false}",
            "serviceCIDR: fd00:10:96::/112",
            "serviceCIDRv6: fd00:10:96::/112",
        )),
    ],
    check: Check::Model(|model, out| {
        model.antrea.iter().for_each(|agent| check(model, agent, out));
    }),
};

fn check(model: &Model, agent: &AntreaAgent, out: &mut Findings) {
    let Some(off) = agent.proxy_off else { return };
    let fields = [
        ("serviceCIDR", IpFamily::V4, &agent.services),
        ("serviceCIDRv6", IpFamily::V6, &agent.services_v6),
    ];
    for (field, family, set) in fields {
        let other = set.as_ref().and_then(RangeEntry::family).filter(|own| *own != family);
        match set {
            Some(set) if other.is_some() => {
                out.at(set.text.span, format!("{field} is for {family}"))
                    .also(off, "AntreaProxy is off");
            }
            // serviceCIDR has a default.
            None if family == IpFamily::V6 && model.service_families().contains(&family) => {
                out.at(off, "AntreaProxy is off, and serviceCIDRv6 is not set");
            }
            _ => {}
        }
    }
}
