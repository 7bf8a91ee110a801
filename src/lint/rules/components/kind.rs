//! kind's `ipFamily` against its ranges.

use crate::{
    lint::{
        model::{KindCluster, RangeList},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::kind,
        },
    },
    net::IpFamily,
};

pub(crate) const FAMILY: Rule = Rule {
    code: "DS310",
    name: "kind-ip-family",
    area: Area::Components,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "kind's ipFamily is invalid or contradicts its ranges.",
    why: "ipFamily defaults to ipv4; ranges of both families need ipFamily: dual.",
    fix: "Set ipFamily to dual, ipv4 or ipv6 to match the ranges.",
    sources: &["https://kind.sigs.k8s.io/docs/user/configuration/#ip-family"],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kind,
        phase: "reading its configuration",
        text: "invalid",
    }],
    good: &[
        Example::new(kind!(
            "ipFamily: dual",
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(kind!("ipFamily: ipv6")),
    ],
    bad: &[
        Example::new(kind!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(kind!(
            "ipFamily: ipv6",
            "podSubnet: 10.244.0.0/16",
            "serviceSubnet: 10.96.0.0/16"
        )),
        Example::new(kind!("ipFamily: dualstack")),
    ],
    check: Check::Model(|model, out| {
        for kind in &model.kinds {
            check(kind, out);
        }
    }),
};

fn check(kind: &KindCluster, out: &mut Findings) {
    let single = match kind.family.as_ref().map(|family| family.value.as_str()) {
        None | Some("" | "ipv4") => IpFamily::V4,
        Some("ipv6") => IpFamily::V6,
        Some("dual") => return,
        Some(other) => {
            let span = kind.family.as_ref().map_or(kind.at, |family| family.span);
            let message = format!("ipFamily must be ipv4, ipv6 or dual, not \"{other}\"");
            let finding = out.at(span, message);
            let bare = other.to_lowercase().replace(['-', '_'], "");
            let right = match bare.as_str() {
                "ipv4" => "ipv4",
                "ipv6" => "ipv6",
                "dual" | "dualstack" => "dual",
                _ => return,
            };
            if let Some(family) = &kind.family {
                finding.fix(format!("write {right}")).edit(family, right);
            }
            return;
        }
    };
    let wrong = |list: &&RangeList| {
        list.is_sound() && list.families().iter().any(|family| *family != single)
    };
    for list in kind.pods.iter().chain(&kind.services).filter(wrong) {
        let slug = single.slug();
        let (message, right) = if list.is_dual() {
            (format!("two ranges, but ipFamily is {slug}, not dual"), "dual")
        } else {
            let other = single.other();
            (format!("an {other} range, but ipFamily is {slug}"), other.slug())
        };
        let finding = out.at(list.text.span, message);
        match &kind.family {
            Some(family) => finding.also(family.span, "ipFamily"),
            None => finding.fix(format!("set ipFamily: {right}; the default is {slug}")),
        };
    }
}
