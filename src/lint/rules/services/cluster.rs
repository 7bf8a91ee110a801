//! Services that ask for what the cluster doesn't have.

use crate::lint::{
    model::{Model, Service},
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Level, Rule,
        documents::{cluster, documents, service},
    },
};

const DOCS: &str = "https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services";
const PHASE: &str = "admitting the Service";
const GOOD: Example = Example::new(documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    service!("ipFamilyPolicy: RequireDualStack")
));

fn with_policy<'a>(model: &'a Model, policy: &str) -> Vec<&'a Service> {
    let asks = |service: &&Service| service.policy.as_ref().is_some_and(|p| p.value == policy);
    model.services.iter().filter(asks).collect()
}

pub(crate) const REQUIRE: Rule = Rule {
    code: "DS505",
    name: "service-requires-dual-stack",
    area: Area::Services,
    level: Level::Error,
    summary: "A Service requires dual-stack in a cluster whose Services have one family.",
    reason: "The API server refuses it.",
    fix: "Give the cluster a Service range of each family, or ask for PreferDualStack.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "this cluster is not configured for dual-stack services",
    }],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
        service!("ipFamilyPolicy: RequireDualStack")
    ))],
    check: Check::Model(|model, out| {
        let [family] = model.service_families()[..] else { return };
        for service in with_policy(model, "RequireDualStack") {
            let Some(policy) = &service.policy else { continue };
            let finding = out.at(policy.span, format!("the cluster's Services are {family} only"));
            if let Some(list) = model.services() {
                finding.also(list.text.span, "Service range");
            }
        }
    }),
};

pub(crate) const PREFER: Rule = Rule {
    code: "DS506",
    name: "service-prefers-dual-stack",
    area: Area::Services,
    level: Level::Note,
    summary: "A Service prefers dual-stack in a cluster whose Services have one family.",
    reason: "It is single-stack there, and stays so when the cluster gets a second family.",
    fix: "Nothing, if that is meant.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nobody],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
        service!("ipFamilyPolicy: PreferDualStack")
    ))],
    check: Check::Model(|model, out| {
        let [family] = model.service_families()[..] else { return };
        for service in with_policy(model, "PreferDualStack") {
            if let Some(policy) = &service.policy {
                out.at(policy.span, format!("this Service will be {family} only in this cluster"));
            }
        }
    }),
};

pub(crate) const ABSENT_FAMILY: Rule = Rule {
    code: "DS507",
    name: "service-family-absent",
    area: Area::Services,
    level: Level::Error,
    summary: "A Service asks for a family that the cluster's Services don't have.",
    reason: "The API server refuses it.",
    fix: "Take the family out, or give the cluster a Service range of it.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "not configured on this cluster",
    }],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
        service!("ipFamilies: [IPv6]")
    ))],
    check: Check::Model(|model, out| {
        let [family] = model.service_families()[..] else { return };
        let other = family.other();
        for service in &model.services {
            // One that requires both is told so already.
            if service.policy.as_ref().is_some_and(|p| p.value == "RequireDualStack") {
                continue;
            }
            if let Some(asked) = service.families.iter().find(|f| f.value == other.as_str()) {
                let finding = out.at(asked.span, format!("the cluster's Services have no {other}"));
                if let Some(list) = model.services() {
                    finding.also(list.text.span, "Service range");
                }
            }
        }
    }),
};
