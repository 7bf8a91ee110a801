//! From where load balancers let clients in.

use crate::{
    lint::{
        model::{Model, Service},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions, documents::service,
        },
    },
    net::IpFamily,
};

/// Whether a Service gets both families, as far as the documents say.
fn has_both(service: &Service, model: &Model) -> bool {
    match service.policy.as_ref().map(|policy| policy.value.as_str()) {
        Some("RequireDualStack") => true,
        Some("PreferDualStack") => {
            service.families.len() == 2 || model.service_families().len() == 2
        }
        _ => false,
    }
}

pub(crate) const SOURCE_RANGES: Rule = Rule {
    code: "DS526",
    name: "load-balancer-sources-one-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::since(20),
    summary: "loadBalancerSourceRanges of a dual-stack Service has ranges of one family only.",
    why: "The list restricts only the families that it contains. kube-proxy treats an empty list as no \
          restriction, so clients of the other family are allowed from everywhere; other load balancers may \
          allow none.",
    fix: "List ranges of both families. If a family should have no access at all, make the Service single-stack.",
    sources: &[
        "https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/",
        "https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/proxy/serviceport.go",
    ],
    enforced_by: &[EnforcedBy::Symptom("clients of the other family are not restricted")],
    good: &[
        Example::new(service!(
            "type: LoadBalancer",
            "ipFamilyPolicy: RequireDualStack",
            "loadBalancerSourceRanges: [192.168.0.0/24, \"fd00:192::/64\"]"
        )),
        Example::new(service!("type: LoadBalancer", "loadBalancerSourceRanges: [192.168.0.0/24]")),
    ],
    bad: &[Example::new(service!(
        "type: LoadBalancer",
        "ipFamilyPolicy: RequireDualStack",
        "loadBalancerSourceRanges: [192.168.0.0/24]"
    ))],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    for service in model.services.iter().filter(|service| has_both(service, model)) {
        let Some(first) = service.source_ranges.first() else { continue };
        // A range that can't be read may be of any family, and one of all addresses restricts none.
        let read = |range: &crate::lint::model::RangeEntry| {
            let range = range.range.filter(|range| range.prefix_len() > 0)?;
            Some(IpFamily::of_range(&range))
        };
        let families: Vec<Option<IpFamily>> = service.source_ranges.iter().map(read).collect();
        if let Some(Some(family)) = families.first().copied()
            && families.iter().all(|own| *own == Some(family))
        {
            let other = family.other();
            let message = format!("no {other} range: {other} clients are not restricted");
            let finding = out.at(first.text.span, message);
            if let Some(policy) = &service.policy {
                finding.also(policy.span, "policy");
            }
        }
    }
}
