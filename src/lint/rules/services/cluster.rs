//! Services that ask for what the cluster doesn't have.

use crate::lint::{
    model::{Model, Service},
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Level, Rule, Versions,
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
    model.services_with_families().filter(asks).collect()
}

pub(crate) const REQUIRE: Rule = Rule {
    code: "DS505",
    name: "service-requires-dual-stack",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "A Service requires dual-stack in a cluster whose Services have one family.",
    why: "The API server rejects the Service.",
    fix: "Give the cluster a Service range of each family, or use PreferDualStack.",
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
            let finding = out.at(policy.span, format!("this cluster's Services are {family} only"));
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
    versions: Versions::since(20),
    summary: "A Service prefers dual-stack in a cluster whose Services have one family.",
    why: "The Service is single-stack there, and stays so even if the cluster gets a second family \
          later.",
    fix: "Nothing, if this is intended.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
        service!("ipFamilyPolicy: PreferDualStack")
    ))],
    check: Check::Model(|model, out| {
        let [family] = model.service_families()[..] else { return };
        for service in with_policy(model, "PreferDualStack") {
            // One that names the other family is rejected, which is said elsewhere.
            let rejected = service.families.iter().any(|asked| asked.value != family.as_str());
            if let Some(policy) = service.policy.as_ref().filter(|_| !rejected) {
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
    versions: Versions::since(20),
    summary: "A Service asks for a family that the cluster's Services don't have.",
    why: "The API server rejects the Service.",
    fix: "Remove the family, or give the cluster a Service range of it.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "not configured on this cluster",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(documents!(
            cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
            service!("ipFamilies: [IPv6]")
        )),
        Example::new(documents!(
            cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
            service!("ipFamilyPolicy: PreferDualStack", "ipFamilies: [IPv4, IPv6]")
        )),
    ],
    check: Check::Model(|model, out| {
        let [family] = model.service_families()[..] else { return };
        let other = family.other();
        for service in model.services_with_families() {
            // One that requires both has a finding already.
            if service.policy.as_ref().is_some_and(|p| p.value == "RequireDualStack") {
                continue;
            }
            if let Some(asked) = service.families.iter().find(|f| f.value == other.as_str()) {
                let finding =
                    out.at(asked.span, format!("this cluster's Services have no {other}"));
                if let Some(list) = model.services() {
                    finding.also(list.text.span, "Service range");
                }
            }
        }
    }),
};
