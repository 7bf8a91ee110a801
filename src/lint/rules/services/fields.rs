//! The fields `ipFamilyPolicy` and `ipFamilies`, and the one they replaced.

use crate::lint::{
    model::{Asked, Version},
    rules::{Area, Binary, Check, EnforcedBy, Example, Level, Rule, documents::service},
};

const DOCS: &str = "https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services";
const PHASE: &str = "admitting the Service";
const GOOD: Example =
    Example::new(service!("ipFamilyPolicy: RequireDualStack", "ipFamilies: [IPv6, IPv4]"));

pub(crate) const LEGACY: Rule = Rule {
    code: "DS501",
    name: "service-ip-family-legacy",
    area: Area::Services,
    level: Level::Error,
    summary: "A Service sets ipFamily, which was removed in 1.20.",
    reason: "The API server drops the field, and the Service gets the cluster's first family.",
    fix: "Write ipFamilies with one family, or ipFamilyPolicy.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "unknown field \"spec.ipFamily\"",
    }],
    good: &[GOOD],
    bad: &[Example::new(service!("ipFamily: IPv6"))],
    check: Check::Model(|model, out| {
        if model.version_or_current() < Version::v1(20) {
            return;
        }
        for field in model.services.iter().filter_map(|service| service.legacy_family.as_ref()) {
            out.at(field.span, "`ipFamily` is gone since 1.20; this Service gets the first family")
                .help(format!("write ipFamilies: [{}]", field.value));
        }
    }),
};

pub(crate) const TOO_NEW: Rule = Rule {
    code: "DS502",
    name: "service-families-too-new",
    area: Area::Services,
    level: Level::Error,
    summary: "A Service sets ipFamilies or ipFamilyPolicy, which came with 1.20.",
    reason: "An older API server drops the fields without a word.",
    fix: "Write ipFamily (1.16 to 1.19), or move to a later version.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("the Service is of the cluster's first family")],
    good: &[GOOD],
    bad: &[Example::new(service!("ipFamilies: [IPv6]")).asked(Asked::kubernetes(19))],
    check: Check::Model(|model, out| {
        let Some(version) = model.version().filter(|version| *version < Version::v1(20)) else {
            return;
        };
        for service in &model.services {
            let policy = service.policy.iter();
            if let Some(field) = policy.chain(&service.families).next() {
                out.at(field.span, format!("Kubernetes {version} does not know this field"));
            }
        }
    }),
};

pub(crate) const FAMILIES: Rule = Rule {
    code: "DS503",
    name: "service-families-invalid",
    area: Area::Services,
    level: Level::Error,
    summary: "ipFamilies or ipFamilyPolicy hold what they can't.",
    reason: "Families are spelt IPv4 and IPv6, each once; policies SingleStack, PreferDualStack \
             and RequireDualStack.",
    fix: "Write the values as Kubernetes spells them.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "spec.ipFam",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(service!("ipFamilies: [ipv6]")),
        Example::new(service!("ipFamilyPolicy: DualStack")),
        Example::new(service!("ipFamilyPolicy: PreferDualStack", "ipFamilies: [IPv4, IPv4]")),
    ],
    check: Check::Model(|model, out| {
        for service in &model.services {
            for (at, family) in service.families.iter().enumerate() {
                let text = family.value.as_str();
                if !matches!(text, "IPv4" | "IPv6") {
                    let finding = out.at(family.span, format!("\"{text}\" is no family"));
                    match text.to_lowercase().as_str() {
                        "ipv4" => finding.help("write IPv4"),
                        "ipv6" => finding.help("write IPv6"),
                        _ => finding,
                    };
                } else if service.families[..at].iter().any(|other| other.value == *text) {
                    out.at(family.span, format!("{text} stands here twice"));
                }
            }
            if let Some(policy) = &service.policy {
                let text = policy.value.as_str();
                if !matches!(text, "SingleStack" | "PreferDualStack" | "RequireDualStack") {
                    let finding = out.at(policy.span, format!("\"{text}\" is no policy"));
                    finding.help("write SingleStack, PreferDualStack or RequireDualStack");
                }
            }
        }
    }),
};

pub(crate) const POLICY: Rule = Rule {
    code: "DS504",
    name: "service-policy-families",
    area: Area::Services,
    level: Level::Error,
    summary: "A Service asks for two families or addresses, but its policy is SingleStack.",
    reason: "SingleStack is also what an absent policy means.",
    fix: "Write ipFamilyPolicy: PreferDualStack or RequireDualStack.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "must be 'RequireDualStack' or 'PreferDualStack' when multiple",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(service!("ipFamilies: [IPv4, IPv6]")),
        Example::new(service!("ipFamilyPolicy: SingleStack", "ipFamilies: [IPv6, IPv4]")),
    ],
    check: Check::Model(|model, out| {
        for service in &model.services {
            let single = service.policy.as_ref().is_none_or(|p| p.value == "SingleStack");
            // A headless Service without selector is dual-stack by default; its kind is not
            // known here beyond its cluster IP.
            let headless = service.cluster_ips.iter().any(|ip| ip.text.value == "None");
            let second = service.families.get(1).map(|family| family.span);
            let second = second.or(service.cluster_ips.get(1).map(|ip| ip.text.span));
            let (true, Some(span)) = (single, second) else { continue };
            match &service.policy {
                Some(policy) => {
                    out.at(span, "a second family, but the policy is SingleStack")
                        .also(policy.span, "policy");
                }
                None if headless => {}
                None => {
                    out.at(span, "a second family, but no ipFamilyPolicy: that means SingleStack");
                }
            }
        }
    }),
};
