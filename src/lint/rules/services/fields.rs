//! The fields `ipFamilyPolicy` and `ipFamilies`, and the one they replaced.

use crate::lint::{
    model::{Asked, Extent},
    rules::{Area, Binary, Check, EnforcedBy, Example, Level, Rule, Versions, documents::service},
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
    versions: Versions::since(20),
    summary: "A Service sets ipFamily, which was removed in 1.20.",
    why: "The API server ignores the field, and the Service gets the cluster's primary family.",
    fix: "Use ipFamilies with one family, or ipFamilyPolicy.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "unknown field \"spec.ipFamily\"",
    }],
    good: &[GOOD],
    bad: &[Example::new(service!("ipFamily: IPv6"))],
    check: Check::Model(|model, out| {
        for field in model.services.iter().filter_map(|service| service.legacy_family.as_ref()) {
            out.at(
                field.span,
                "`ipFamily` was removed in 1.20; the Service gets the primary family",
            )
            .fix(format!("use ipFamilies: [{}]", field.value));
        }
    }),
};

pub(crate) const TOO_NEW: Rule = Rule {
    code: "DS502",
    name: "service-families-too-new",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::until(19),
    summary: "A Service sets ipFamilies or ipFamilyPolicy, which were added in 1.20.",
    why: "An older API server silently ignores the fields.",
    fix: "Use ipFamily (1.16 to 1.19), or upgrade Kubernetes.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("the Service gets the cluster's primary family")],
    good: &[GOOD],
    bad: &[Example::new(service!("ipFamilies: [IPv6]")).asked(Asked::kubernetes(19))],
    check: Check::Model(|model, out| {
        let version = model.version_or_current();
        for service in &model.services {
            let policy = service.policy.iter();
            if let Some(field) = policy.chain(&service.families).next() {
                out.at(field.span, format!("Kubernetes {version} doesn't have this field"));
            }
        }
    }),
};

pub(crate) const FAMILIES: Rule = Rule {
    code: "DS503",
    name: "service-families-invalid",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "ipFamilies or ipFamilyPolicy has an invalid value.",
    why: "Families are IPv4 and IPv6, each at most once; policies are SingleStack, PreferDualStack \
          and RequireDualStack.",
    fix: "Use the values exactly as Kubernetes spells them.",
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
        for service in model.services_with_families() {
            for (at, family) in service.families.iter().enumerate() {
                let text = family.value.as_str();
                if !matches!(text, "IPv4" | "IPv6") {
                    let finding = out.at(family.span, format!("\"{text}\" is not an IP family"));
                    match text.to_lowercase().as_str() {
                        "ipv4" => finding.fix("use IPv4").edit(family, "IPv4"),
                        "ipv6" => finding.fix("use IPv6").edit(family, "IPv6"),
                        _ => finding,
                    };
                } else if service.families[..at].iter().any(|other| other.value == *text) {
                    out.at(family.span, format!("{text} is listed twice"));
                }
            }
            if let Some(policy) = &service.policy {
                let text = policy.value.as_str();
                if !matches!(text, "SingleStack" | "PreferDualStack" | "RequireDualStack") {
                    let finding =
                        out.at(policy.span, format!("\"{text}\" is not an ipFamilyPolicy"));
                    let known = ["SingleStack", "PreferDualStack", "RequireDualStack"];
                    match known.iter().find(|own| own.eq_ignore_ascii_case(text)) {
                        Some(own) => finding.fix(format!("use {own}")).edit(policy, *own),
                        None => finding.fix("use SingleStack, PreferDualStack or RequireDualStack"),
                    };
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
    versions: Versions::since(20),
    summary: "A Service asks for two families or addresses, but its policy is SingleStack.",
    why: "If no policy is set, SingleStack applies.",
    fix: "Set ipFamilyPolicy to PreferDualStack or RequireDualStack.",
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
        for service in model.services_with_families() {
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
                None if headless || service.extent != Extent::Whole => {}
                None => {
                    out.at(
                        span,
                        "a second family, but without ipFamilyPolicy the Service is SingleStack",
                    );
                }
            }
        }
    }),
};

pub(crate) const EXTERNAL_NAME: Rule = Rule {
    code: "DS511",
    name: "service-external-name-families",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "A Service of type ExternalName sets ipFamilyPolicy, ipFamilies or a cluster IP.",
    why: "Such a Service is another name in DNS: the families are those of the name that it points to. \
          The API server rejects the fields.",
    fix: "Remove the fields.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "may not be set for ExternalName services",
    }],
    good: &[Example::new(service!("type: ExternalName", "externalName: db.example.org"))],
    bad: &[
        Example::new(service!(
            "type: ExternalName",
            "externalName: db.example.org",
            "ipFamilyPolicy: PreferDualStack"
        )),
        Example::new(service!(
            "type: ExternalName",
            "externalName: db.example.org",
            "ipFamilies: [IPv6]"
        )),
        Example::new(service!(
            "type: ExternalName",
            "externalName: db.example.org",
            "clusterIP: None"
        )),
    ],
    check: Check::Model(|model, out| {
        for service in model.services.iter().filter(|service| service.is_external_name()) {
            let policy = service.policy.as_ref().map(|policy| ("ipFamilyPolicy", policy));
            let family = service.families.first().map(|family| ("ipFamilies", family));
            let address = service.cluster_ips.first().map(|ip| ("a cluster IP", &ip.text));
            for (field, text) in [policy, family, address].into_iter().flatten() {
                let message = format!("a Service of type ExternalName can't have {field}");
                if service.extent == Extent::Values {
                    let message =
                        format!("{message}; the API server rejects it if the chart passes it on");
                    out.at(text.span, message).level(Level::Note);
                } else {
                    out.at(text.span, message);
                }
            }
        }
    }),
};
