//! Addresses that Services ask load balancers for.

use crate::{
    lint::{
        model::{Extent, Service},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents, service},
        },
        source::Spanned,
    },
    net::IpFamily,
};

/// How Azure's annotations begin that ask for addresses, each for one family.
const AZURE: &str = "service.beta.kubernetes.io/azure-load-balancer-ipv";

/// Addresses of a family that the Service doesn't have.
fn other_family(service: &Service, out: &mut Findings) {
    let Some(first) = service.families.first() else { return };
    // A Service that is to have both gets the second family beside the one that it names.
    if service.policy.as_ref().is_some_and(|policy| policy.value != "SingleStack") {
        return;
    }
    for address in &service.load_balancer_ips {
        let Some(family) = address.family() else { continue };
        if service.families.iter().all(|own| own.value != family.as_str()) {
            out.at(address.text.span, format!("the Service has no {family}"))
                .also(first.span, "families");
        }
    }
}

/// Addresses of a family that a Service doesn't get, which names none, by its policy and the families
/// of the cluster's Services.
fn absent_family(service: &Service, of_cluster: &[IpFamily], out: &mut Findings) {
    let policy = service.policy.as_ref().map(|policy| policy.value.as_str());
    // A part of a Service may have its policy elsewhere.
    let single = match policy {
        Some(policy) => policy == "SingleStack",
        None => service.extent == Extent::Whole,
    };
    let own = match (of_cluster, single) {
        ([family], _) if policy != Some("RequireDualStack") => Some(*family),
        (families, true) => families.first().copied(),
        _ => return,
    };
    if !service.families.is_empty() || !service.cluster_ips.is_empty() {
        return;
    }
    let mut addresses = service.load_balancer_ips.iter().filter_map(|address| {
        let family = address.family()?;
        Some((address, family))
    });
    // Where nobody says which family comes first, two of them are still one too many.
    let own = match (own, addresses.clone().next()) {
        (Some(own), _) | (None, Some((_, own))) => own,
        (None, None) => return,
    };
    if let Some((address, other)) = addresses.find(|(_, family)| *family != own) {
        let message = match of_cluster {
            [_] => {
                format!("the Service gets no {other}, which the cluster's Services don't have")
            }
            _ => format!("the Service has one family, so nothing leads from this {other} address"),
        };
        let finding = out.at(address.text.span, message);
        if of_cluster.len() != 1 {
            if service.load_balancer_ips.len() > 1 {
                finding.fix("set ipFamilyPolicy: RequireDualStack, or ask for one address");
            } else {
                finding
                    .fix(format!("set ipFamilies: [{other}], or ipFamilyPolicy: RequireDualStack"));
            }
        }
    }
}

/// Whether a Service is a load balancer that must have both families.
pub(super) fn requires_both(service: &Service) -> bool {
    is_balancer(service, "RequireDualStack")
}

/// Whether a Service is a load balancer that is to have both families where that is possible.
pub(super) fn prefers_both(service: &Service) -> bool {
    is_balancer(service, "PreferDualStack")
}

fn is_balancer(service: &Service, policy: &str) -> bool {
    let is = |text: &Option<Spanned<String>>, word: &str| {
        text.as_ref().is_some_and(|text| text.value == word)
    };
    is(&service.kind, "LoadBalancer") && is(&service.policy, policy)
}

pub(crate) const ONE_ADDRESS: Rule = Rule {
    code: "DS521",
    name: "load-balancer-one-address",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A load balancer asks for addresses of other families than its Service has.",
    why: "loadBalancerIP holds one address, and an annotation may keep a provider to one family. \
     MetalLB and others don't give a Service part of what it requires: it stays pending, or is reached in one \
     family only.",
    fix: "Ask for an address of each family by the provider's annotation, such as \
          metallb.io/loadBalancerIPs, or for none.",
    sources: &[
        "https://metallb.io/usage/",
        "https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
        "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/",
        "https://github.com/metallb/metallb/issues/1247",
        "https://github.com/kube-vip/kube-vip/issues/933",
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
    bad: &[
        Example::new(service!(
            "type: LoadBalancer",
            "ipFamilyPolicy: RequireDualStack",
            "loadBalancerIP: 192.168.0.80"
        )),
        Example::new(documents!(
            cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
            service!("type: LoadBalancer", "loadBalancerIP: fd00:192::80")
        )),
        // Without a policy a Service is of one family.
        Example::new(
            "\
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    kube-vip.io/loadbalancerIPs: 192.168.0.80,fd00:192::80
spec:
  type: LoadBalancer
  ports:
    - port: 80
",
        ),
        Example::new(service!(
            "type: LoadBalancer",
            "ipFamilies: [IPv4]",
            "loadBalancerIP: fd00:192::80"
        )),
        Example::new(
            "\
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-ip-address-type: ipv4
spec:
  type: LoadBalancer
  ipFamilyPolicy: RequireDualStack
  ports:
    - port: 80
",
        ),
    ],
    check: Check::Model(|model, out| {
        let of_cluster = model.service_families();
        for service in &model.services {
            other_family(service, out);
            absent_family(service, &of_cluster, out);
        }
        for service in model.services.iter().filter(|service| requires_both(service)) {
            if let Some(annotation) = &service.ipv4_only {
                let message = "this gives an IPv4 address only, but both families are required";
                let finding = out.at(annotation.span, message);
                if let Some(policy) = &service.policy {
                    finding.also(policy.span, "policy");
                }
            }
            // Azure finds an address for the family of which none is asked for.
            if service.annotations.iter().any(|own| own.name.value.starts_with(AZURE)) {
                continue;
            }
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
