//! External addresses of Services.

use crate::{
    lint::{
        model::{Model, Service},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents, service},
        },
    },
    net::IpFamily,
};

pub(crate) const ADDRESS_FAMILY: Rule = Rule {
    code: "DS512",
    name: "service-external-ip-family",
    area: Area::Services,
    level: Level::Warning,
    versions: Versions::since(20),
    summary: "A Service has an external IP of a family that the Service doesn't have.",
    why: "kube-proxy handles each family of a Service separately, and ignores external IPs of another one. The \
          API server accepts them.",
    fix: "Give the Service both families, or remove the address.",
    sources: &["https://kubernetes.io/docs/concepts/services-networking/service/#external-ips"],
    enforced_by: &[EnforcedBy::Symptom("no node answers for the address")],
    good: &[
        Example::new(service!("ipFamilies: [IPv6]", "externalIPs: [\"fd00:192::80\"]")),
        Example::new(service!(
            "ipFamilyPolicy: PreferDualStack",
            "ipFamilies: [IPv4]",
            "externalIPs: [\"fd00:192::80\"]"
        )),
        // Nothing says which family it gets.
        Example::new(service!("externalIPs: [\"fd00:192::80\"]")),
    ],
    bad: &[
        Example::new(service!("ipFamilies: [IPv4]", "externalIPs: [\"fd00:192::80\"]")),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            service!("externalIPs: [192.168.0.80, \"fd00:192::80\"]")
        )),
    ],
    check: Check::Model(|model, out| {
        for service in model.services_with_families() {
            external_ips(model, service, out);
        }
    }),
};

fn external_ips(model: &Model, service: &Service, out: &mut Findings) {
    let only = match service.policy.as_ref().map(|policy| policy.value.as_str()) {
        None | Some("SingleStack") => single(model, service),
        Some(_) => None,
    };
    let Some(only) = only else { return };
    for address in &service.external_ips {
        if let Some(family) = address.family().filter(|family| *family != only) {
            let finding = out.at(address.text.span, format!("the Service has no {family}"));
            if let Some(first) = service.families.first() {
                finding.also(first.span, "families");
            }
        }
    }
}

/// The family that a Service of one gets: the one that it names, or the cluster's first.
fn single(model: &Model, service: &Service) -> Option<IpFamily> {
    match &service.families[..] {
        [] if service.cluster_ips.is_empty() => model.service_families().first().copied(),
        [] => service.cluster_ips.first()?.family(),
        [own] => IpFamily::ALL.into_iter().find(|family| family.as_str() == own.value),
        _ => None,
    }
}
