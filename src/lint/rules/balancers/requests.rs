//! Addresses that Services ask load balancers for.

use crate::lint::{
    model::Service,
    rules::{Area, Check, EnforcedBy, Example, Level, Rule, Versions, documents::service},
};

/// Whether a Service is a load balancer that must have both families.
pub(super) fn requires_both(service: &Service) -> bool {
    let is = |text: &Option<crate::lint::source::Spanned<String>>, word: &str| {
        text.as_ref().is_some_and(|text| text.value == word)
    };
    is(&service.kind, "LoadBalancer") && is(&service.policy, "RequireDualStack")
}

pub(crate) const ONE_ADDRESS: Rule = Rule {
    code: "DS521",
    name: "load-balancer-one-address",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A load balancer requires both families, but asks for addresses of one.",
    why: "loadBalancerIP holds one address. MetalLB and others don't give a Service part of what it \
          requires: it stays pending, or is reached in one family only.",
    fix: "Ask for an address of each family by the provider's annotation, such as \
          metallb.io/loadBalancerIPs, or for none.",
    sources: &[
        "https://metallb.io/usage/",
        "https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
        "https://github.com/metallb/metallb/issues/1247",
    ],
    enforced_by: &[EnforcedBy::Symptom("the Service stays pending")],
    good: &[
        Example::new(service!("type: LoadBalancer", "loadBalancerIP: 192.168.0.80")),
        Example::new(
            "\
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    metallb.io/loadBalancerIPs: 192.168.0.80,fd00:192::80
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  ports:
    - port: 80
",
        ),
    ],
    bad: &[Example::new(service!(
        "type: LoadBalancer",
        "ipFamilyPolicy: RequireDualStack",
        "loadBalancerIP: 192.168.0.80"
    ))],
    check: Check::Model(|model, out| {
        for service in model.services.iter().filter(|service| requires_both(service)) {
            let families: Vec<_> =
                service.load_balancer_ips.iter().filter_map(|ip| ip.family()).collect();
            let (Some(first), Some(address)) =
                (families.first(), service.load_balancer_ips.first())
            else {
                continue;
            };
            if families.len() == service.load_balancer_ips.len()
                && families.iter().all(|family| family == first)
            {
                let other = first.other();
                let finding = out.at(
                    address.text.span,
                    format!("this asks for no {other} address, but both families are required"),
                );
                if let Some(policy) = &service.policy {
                    finding.also(policy.span, "policy");
                }
            }
        }
    }),
};
