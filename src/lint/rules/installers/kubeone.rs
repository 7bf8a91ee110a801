//! KubeOne.

use crate::lint::{
    model::{Installation, Tool, is_template},
    rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
};

/// A cluster with these lines in its `clusterNetwork`.
macro_rules! kubeone {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kubeone.k8c.io/v1beta2\nkind: KubeOneCluster\nversions:\n",
            "  kubernetes: 1.33.1\nclusterNetwork:\n",
            $("  ", $line, "\n"),*
        )
    };
}

pub(crate) const FAMILY: Rule = Rule {
    code: "DS360",
    name: "kubeone-family",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A KubeOne cluster has IPv6 ranges without the family, or an unknown ipFamily.",
    why: "ipFamily is IPv4 unless it is set, and the ranges of IPv6 count only where it names IPv6: otherwise the \
         cluster has one family, without any warning.",
    fix: "Set ipFamily to IPv4+IPv6 or IPv6+IPv4, or remove the IPv6 ranges.",
    sources: &["https://docs.kubermatic.com/kubeone/main/guides/dual-stack/"],
    enforced_by: &[EnforcedBy::Refused {
        by: "KubeOne",
        how: "rejects the file, or the cluster has only IPv4",
    }],
    good: &[Example::new(kubeone!(
        "ipFamily: IPv4+IPv6",
        "podSubnet: 10.244.0.0/16",
        "podSubnetIPv6: \"fd00:10:244::/48\""
    ))],
    bad: &[
        Example::new(kubeone!("podSubnetIPv6: \"fd00:10:244::/48\"")),
        Example::new(kubeone!("ipFamily: DualStack")),
    ],
    check: Check::Model(|model, out| {
        for install in model.installs.iter().filter(|install| install.tool == Tool::KubeOne) {
            check(install, out);
        }
    }),
};

fn check(install: &Installation, out: &mut Findings) {
    let get = |name: &str| install.settings.get(name);
    let family = get("ipFamily");
    let known = ["", "IPv4", "IPv6", "IPv4+IPv6", "IPv6+IPv4"];
    if let Some(family) = family {
        let text = family.value.as_str();
        if is_template(text) || text.contains("IPv6") && known.contains(&text) {
            return;
        }
        if !known.contains(&text) {
            out.at(family.span, format!("\"{text}\" is not a valid KubeOne ipFamily"))
                .fix("write IPv4+IPv6");
            return;
        }
    }
    for name in ["podSubnetIPv6", "serviceSubnetIPv6"] {
        if let Some(range) = get(name).filter(|text| !text.value.is_empty()) {
            let finding = out.at(range.span, "without IPv6 in ipFamily this has no effect");
            if let Some(family) = family {
                finding.also(family.span, "ipFamily");
            }
        }
    }
}
