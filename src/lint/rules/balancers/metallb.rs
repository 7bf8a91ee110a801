//! What Services ask MetalLB for by its annotations.

use crate::{
    lint::{
        model::{AddressPool, Model, PoolRange, Service},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions, documents::documents,
        },
        source::Spanned,
    },
    net::IpFamily,
};

use super::{
    clouds::annotated,
    requests::{prefers_both, requires_both},
};

const ADDRESSES: [&str; 2] = ["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"];
const POOL: [&str; 2] = ["metallb.io/address-pool", "metallb.universe.tf/address-pool"];

pub(crate) const REQUEST: Rule = Rule {
    code: "DS538",
    name: "metallb-request-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A Service asks MetalLB for what its families or its pool don't allow.",
    why: "MetalLB gives a Service addresses of exactly its families: of those that are asked for, or \
          from the one pool that is named. Otherwise it gives none. Beside its annotation it refuses \
          spec.loadBalancerIP.",
    fix: "Ask for an address of each of the Service's families, from a pool that has them.",
    sources: &[
        "https://metallb.io/usage/#ipv6-and-dual-stack-services",
        "https://github.com/metallb/metallb/blob/main/controller/service.go",
    ],
    enforced_by: &[EnforcedBy::Symptom("the Service stays pending")],
    good: &[Example::new(concat!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations:\n    \
         metallb.io/address-pool: edge\nspec:\n  type: LoadBalancer\n  ipFamilyPolicy: \
         RequireDualStack\n  ports:\n    - port: 80\n---\n",
        "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: v4\nspec:\n  \
         addresses: [192.168.0.64/27]\n---\n",
        "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: edge\nspec:\n  \
         addresses: [192.168.0.96/27, \"fd00:192::64-fd00:192::7f\"]\n---\n",
        "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata:\n  name: all\n"
    ))],
    bad: &[
        Example::new(annotated!(
            "metallb.io/loadBalancerIPs" = "192.168.0.80";
            "ipFamilyPolicy: PreferDualStack",
            "ipFamilies: [IPv4, IPv6]"
        )),
        Example::new(annotated!(
            "metallb.io/loadBalancerIPs" = "\"fd00:192::80\"";
            "ipFamilyPolicy: RequireDualStack",
            "loadBalancerIP: 192.168.0.80"
        )),
        Example::new(documents!(
            annotated!("metallb.io/address-pool" = "v4"; "ipFamilyPolicy: RequireDualStack"),
            "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: v4\nspec:\n  \
             addresses: [192.168.0.64/27]\n",
            "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: edge\nspec:\n  \
             addresses: [192.168.0.96/27, \"fd00:192::64-fd00:192::7f\"]\n",
            "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata:\n  name: all\n"
        )),
        Example::new(documents!(
            annotated!("metallb.io/address-pool" = "v4"; "ipFamilies: [IPv6]"),
            "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: v4\nspec:\n  \
             addresses: [192.168.0.64/27]\n",
            "apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata:\n  name: all\n"
        )),
    ],
    check: Check::Model(|model, out| {
        for service in &model.services {
            addresses(model, service, out);
            pool(model, service, out);
        }
    }),
};

/// The first of some annotations.
fn first<'s>(service: &'s Service, names: &[&str]) -> Option<&'s Spanned<String>> {
    names.iter().find_map(|name| service.annotation(name))
}

fn addresses(model: &Model, service: &Service, out: &mut Findings) {
    let Some(asked) = first(service, &ADDRESSES) else { return };
    let inside = |span: crate::lint::source::Span| {
        span.source == asked.span.source
            && span.start >= asked.span.start
            && span.end <= asked.span.end
    };
    let other = service.load_balancer_ips.iter().find(|own| !inside(own.text.span));
    if let Some(other) = other {
        out.at(other.text.span, "MetalLB refuses spec.loadBalancerIP beside its own annotation")
            .also(asked.span, "annotation")
            .fix("ask for both addresses in the annotation");
        return;
    }
    // What requires both is told with the addresses that Services ask for.
    let listed = service.families.len() > 1;
    let gets_both = prefers_both(service) && (listed || model.service_families().len() > 1);
    let families: Vec<_> = service.load_balancer_ips.iter().map(|own| own.family()).collect();
    if let [Some(family)] = families[..]
        && gets_both
    {
        let message =
            format!("the Service has both families, and MetalLB is asked for {family} alone");
        let finding = out.at(asked.span, message);
        if let Some(policy) = &service.policy {
            finding.also(policy.span, "policy");
        }
    }
}

fn pool(model: &Model, service: &Service, out: &mut Findings) {
    let Some(named) = first(service, &POOL) else { return };
    let own = |pool: &&AddressPool| pool.whole && pool.name.value == named.value;
    let Some(pool) = model.address_pools.iter().find(own) else { return };
    let known: Vec<_> = pool.ranges.iter().filter_map(PoolRange::family).collect();
    // A range that can't be read may be of any family.
    if known.is_empty() || known.len() < pool.ranges.len() {
        return;
    }
    let single = service.policy.as_ref().is_none_or(|policy| policy.value == "SingleStack");
    let wanted: Vec<IpFamily> = if requires_both(service) {
        IpFamily::ALL.to_vec()
    } else {
        let listed = service.families.iter().filter(|_| single);
        listed
            .filter_map(|own| IpFamily::ALL.into_iter().find(|f| f.as_str() == own.value))
            .collect()
    };
    if let Some(lacking) = wanted.into_iter().find(|family| !known.contains(family)) {
        // Where no pool has it, another rule says so of all of them.
        let elsewhere = model.address_pools.iter().flat_map(|pool| &pool.ranges);
        let elsewhere = elsewhere.filter_map(PoolRange::family).any(|family| family == lacking);
        if elsewhere || !requires_both(service) {
            let message = format!("the pool {} has no {lacking}", named.value);
            out.at(named.span, message).also(pool.name.span, "pool");
        }
    }
}
