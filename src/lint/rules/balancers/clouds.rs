//! What Services tell providers' load balancers by annotations, where that contradicts their families.

use crate::{
    lint::{
        model::{Model, Service},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Reason, Rule, Versions},
        source::Spanned,
    },
    net::IpFamily,
};

use super::requests::requires_both;

/// The AWS Load Balancer Controller's type of addresses, and IPv6 addresses.
const AWS_TYPE: &str = "service.beta.kubernetes.io/aws-load-balancer-ip-address-type";
const AWS_ADDRESSES: &str = "service.beta.kubernetes.io/aws-load-balancer-ipv6-addresses";
/// What hands a Service to that controller: a class, or a type with one of these values.
const AWS_CLASS: &str = "service.k8s.aws/nlb";
const AWS_OWNER: &str = "service.beta.kubernetes.io/aws-load-balancer-type";
const AWS_OWNERS: [&str; 2] = ["external", "nlb-ip"];
/// DigitalOcean's two annotations on the network.
const DO_STACK: &str = "service.beta.kubernetes.io/do-loadbalancer-network-stack";
const DO_NETWORK: &str = "service.beta.kubernetes.io/do-loadbalancer-network";
/// Azure's addresses, each of one family.
const AZURE_ADDRESSES: [(&str, IpFamily); 2] = [
    ("service.beta.kubernetes.io/azure-load-balancer-ipv4", IpFamily::V4),
    ("service.beta.kubernetes.io/azure-load-balancer-ipv6", IpFamily::V6),
];
/// Azure's public IPs of IPv6, each beside an annotation for IPv4.
const AZURE_IPV6: [(&str, &str); 2] = [
    ("service.beta.kubernetes.io/azure-pip-name-ipv6", "service.beta.kubernetes.io/azure-pip-name"),
    (
        "service.beta.kubernetes.io/azure-pip-prefix-id-ipv6",
        "service.beta.kubernetes.io/azure-pip-prefix-id",
    ),
];
/// How the names begin that OpenStack's provider reads.
const OPENSTACK_NAMES: [&str; 2] =
    ["loadbalancer.openstack.org/", "service.beta.kubernetes.io/openstack-internal-load-balancer"];

const AWS_PAGE: &str = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/\
                        service/annotations/";
const DO_PAGE: &str = "https://github.com/digitalocean/digitalocean-cloud-controller-manager/blob/\
                       master/docs/controllers/services/annotations.md";
const AZURE_PAGE: &str = "https://github.com/kubernetes-sigs/cloud-provider-azure/blob/master/pkg/\
                          provider/azure_utils.go";
const OPENSTACK_PAGE: &str = "https://github.com/kubernetes/cloud-provider-openstack/blob/master/docs/\
     openstack-cloud-controller-manager/expose-applications-using-loadbalancer-type-service.md";

const AWS: Reason = Reason {
    why: "The AWS Load Balancer Controller makes load balancers of IPv4 unless ip-address-type says \
          dualstack, and makes none of what doesn't fit that.",
    enforced_by: &[EnforcedBy::Refused {
        by: "the AWS Load Balancer Controller",
        how: "makes no load balancer",
    }],
    sources: &[AWS_PAGE],
};
const DIGITALOCEAN: Reason = Reason {
    why: "DigitalOcean's controller takes IPV4 and DUALSTACK, and DUALSTACK for external load balancers \
          alone.",
    enforced_by: &[EnforcedBy::Refused {
        by: "DigitalOcean's controller",
        how: "makes no load balancer",
    }],
    sources: &[DO_PAGE],
};
const AZURE: Reason = Reason {
    why: "For Azure's provider each annotation is about one family, and those for IPv6 are read only \
          where the Service has IPv6.",
    enforced_by: &[EnforcedBy::Symptom("the load balancer lacks the address that was asked for")],
    sources: &[AZURE_PAGE],
};
const OPENSTACK: Reason = Reason {
    why: "OpenStack's provider makes one load balancer, of the first of the Service's families; one of \
          both is not supported yet.",
    enforced_by: &[EnforcedBy::Symptom("the load balancer has one family")],
    sources: &[OPENSTACK_PAGE],
};

/// A Service of type LoadBalancer with an annotation and lines of its `spec`.
macro_rules! annotated {
    ($($name:literal = $value:literal),+; $($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations:\n",
            $("    ", $name, ": ", $value, "\n",)+
            "spec:\n  type: LoadBalancer\n  ports:\n    - port: 80\n",
            $("  ", $line, "\n"),*
        )
    };
}
pub(super) use annotated;

pub(crate) const ANNOTATIONS: Rule = Rule {
    code: "DS537",
    name: "provider-annotation-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A provider's annotation contradicts the families of its Service.",
    why: "A provider makes no load balancer of what it takes for a contradiction, or one of fewer \
          families than the Service has.",
    fix: "Give the annotation the value that fits the Service's families.",
    sources: &[AWS_PAGE, DO_PAGE, AZURE_PAGE, OPENSTACK_PAGE],
    enforced_by: &[EnforcedBy::Symptom("the load balancer is not created, or lacks a family")],
    good: &[
        Example::new(annotated!(
            "service.beta.kubernetes.io/aws-load-balancer-type" = "external",
            "service.beta.kubernetes.io/aws-load-balancer-ip-address-type" = "dualstack";
            "ipFamilyPolicy: RequireDualStack"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/do-loadbalancer-network-stack" = "DUALSTACK";
            "ipFamilyPolicy: RequireDualStack"
        )),
        // Azure finds an address of the family for which none is named.
        Example::new(annotated!(
            "service.beta.kubernetes.io/azure-load-balancer-ipv4" = "192.0.2.80";
            "ipFamilyPolicy: RequireDualStack"
        )),
        Example::new(annotated!(
            "loadbalancer.openstack.org/keep-floatingip" = "\"true\"";
            "ipFamilyPolicy: PreferDualStack"
        )),
    ],
    bad: &[
        Example::new(annotated!(
            "service.beta.kubernetes.io/aws-load-balancer-ip-address-type" = "dual-stack";
            "ipFamilyPolicy: RequireDualStack"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/aws-load-balancer-type" = "external";
            "ipFamilyPolicy: RequireDualStack"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/aws-load-balancer-ip-address-type" = "ipv4";
            "ipFamilies: [IPv6]"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/aws-load-balancer-type" = "external",
            "service.beta.kubernetes.io/aws-load-balancer-ipv6-addresses" = "\"fd00::1\"";
            "ipFamilies: [IPv4]"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/do-loadbalancer-network-stack" = "dualstack";
            "ipFamilyPolicy: RequireDualStack"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/do-loadbalancer-network" = "INTERNAL",
            "service.beta.kubernetes.io/do-loadbalancer-network-stack" = "DUALSTACK";
            "ipFamilyPolicy: PreferDualStack"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/azure-load-balancer-ipv6" = "192.0.2.80";
            "ipFamilyPolicy: PreferDualStack"
        )),
        Example::new(annotated!(
            "service.beta.kubernetes.io/azure-pip-name" = "web-4",
            "service.beta.kubernetes.io/azure-pip-name-ipv6" = "web-6";
            "externalTrafficPolicy: Local"
        )),
        Example::new(annotated!(
            "loadbalancer.openstack.org/keep-floatingip" = "\"true\"";
            "ipFamilyPolicy: RequireDualStack"
        )),
    ],
    check: Check::Model(|model, out| {
        for service in &model.services {
            said(&AWS, out, |out| aws(service, out));
            said(&DIGITALOCEAN, out, |out| digitalocean(service, out));
            said(&AZURE, out, |out| azure(model, service, out));
            said(&OPENSTACK, out, |out| openstack(service, out));
        }
    }),
};

/// Looks at what one provider reads, and says of it what that provider does.
fn said(reason: &'static Reason, out: &mut Findings, look: impl FnOnce(&mut Findings)) {
    let before = out.all_mut().len();
    look(out);
    out.all_mut().iter_mut().skip(before).for_each(|finding| finding.reason = Some(reason));
}

/// Where a Service says that it has IPv6: among its families, or by requiring both.
fn ipv6(service: &Service) -> Option<&Spanned<String>> {
    let listed = service.families.iter().find(|family| family.value == "IPv6");
    listed.or_else(|| service.policy.as_ref().filter(|_| requires_both(service)))
}

fn aws(service: &Service, out: &mut Findings) {
    let set = service.annotation(AWS_TYPE);
    let addresses = service.annotation(AWS_ADDRESSES);
    let owner = service.annotation(AWS_OWNER);
    let owned = owner.is_some_and(|own| AWS_OWNERS.contains(&own.value.as_str()))
        || service.class.as_ref().is_some_and(|class| class.value == AWS_CLASS);
    let dual = set.is_some_and(|set| set.value == "dualstack");
    if let Some(set) = set.filter(|set| !["ipv4", "dualstack"].contains(&set.value.as_str())) {
        let message =
            format!("`{}` is none of the types of addresses: ipv4 and dualstack", set.value);
        let finding = out.at(set.span, message);
        if ipv6(service).is_some() {
            finding.fix("write dualstack");
        }
        return;
    }
    if let Some(own) = ipv6(service).filter(|_| !dual) {
        match set {
            // What requires both is told with the addresses that Services ask for.
            Some(_) if requires_both(service) => {}
            Some(set) => {
                let message = "a load balancer of IPv4, but the Service has IPv6";
                out.at(set.span, message).also(own.span, "IPv6").fix("write dualstack");
            }
            None if owned => {
                let message = "the load balancer is of IPv4 as no ip-address-type says otherwise, and \
                               the AWS Load Balancer Controller refuses IPv6 for it";
                out.at(own.span, message).fix(format!("add the annotation {AWS_TYPE}: dualstack"));
            }
            None => {}
        }
    }
    if let Some(addresses) = addresses.filter(|_| !dual) {
        out.at(addresses.span, "IPv6 addresses are for load balancers of type dualstack")
            .fix(format!("add the annotation {AWS_TYPE}: dualstack"));
    }
}

fn digitalocean(service: &Service, out: &mut Findings) {
    let Some(stack) = service.annotation(DO_STACK) else { return };
    if !["IPV4", "DUALSTACK"].contains(&stack.value.as_str()) {
        let message =
            format!("`{}` is none of the network stacks: IPV4 and DUALSTACK", stack.value);
        out.at(stack.span, message);
        return;
    }
    let internal = service.annotation(DO_NETWORK).filter(|own| own.value == "INTERNAL");
    if let Some(internal) = internal.filter(|_| stack.value == "DUALSTACK") {
        out.at(stack.span, "an internal load balancer has no IPv6 at DigitalOcean")
            .also(internal.span, "internal");
    }
}

fn azure(model: &Model, service: &Service, out: &mut Findings) {
    for (name, family) in AZURE_ADDRESSES {
        let Some(set) = service.annotation(name) else { continue };
        let own = service.load_balancer_ips.iter().find(|address| address.text.span == set.span);
        if let Some(other) = own.and_then(|own| own.family()).filter(|own| *own != family) {
            out.at(set.span, format!("an {other} address in the annotation for {family}"));
        }
    }
    let policy = service.policy.as_ref().map_or("SingleStack", |policy| policy.value.as_str());
    if policy != "SingleStack" || !service.cluster_ips.is_empty() {
        return;
    }
    for (name, of_v4) in AZURE_IPV6 {
        let Some(set) = service.annotation(name) else { continue };
        let listed = &service.families;
        let first = model.service_families().first().copied();
        let lacks = match (listed.is_empty(), service.annotation(of_v4)) {
            (false, _) => listed.iter().all(|family| family.value != "IPv6"),
            (true, Some(_)) => true,
            (true, None) => first == Some(IpFamily::V4),
        };
        if lacks {
            let message = match listed.is_empty() && service.annotation(of_v4).is_some() {
                true => "the Service has one family, so that one of the two public IPs is not used",
                false => "the Service has no IPv6, so that this is not used",
            };
            out.at(set.span, message).fix("set ipFamilyPolicy: RequireDualStack, or leave it out");
        }
    }
}

fn openstack(service: &Service, out: &mut Findings) {
    let own = service
        .annotations
        .iter()
        .find(|own| OPENSTACK_NAMES.iter().any(|beginning| own.name.value.starts_with(beginning)));
    let (Some(own), Some(policy)) = (own, service.policy.as_ref()) else { return };
    if requires_both(service) {
        let message = "OpenStack's provider makes a load balancer of the first family alone";
        out.at(policy.span, message)
            .also(own.name.span, "for OpenStack")
            .fix("write a Service of its own for each family");
    }
}
