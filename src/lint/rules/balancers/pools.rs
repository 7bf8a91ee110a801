//! Pools of addresses for load balancers.

use crate::{
    lint::{
        model::{Model, PoolRange},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{documents, service},
        },
    },
    net::IpFamily,
};

use super::requests::{prefers_both, requires_both};

const DOCS: &str = "https://metallb.io/configuration/";

/// A pool of MetalLB's with these addresses.
macro_rules! address_pool {
    ($($address:literal),* $(,)?) => {
        concat!(
            "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\n  name: edge\n",
            "spec:\n  addresses:\n",
            $("    - ", $address, "\n"),*
        )
    };
}

const GOOD: Example = Example::new(documents!(
    service!("type: LoadBalancer", "ipFamilyPolicy: RequireDualStack"),
    address_pool!("192.168.0.64/27", "fd00:192::64-fd00:192::7f"),
    "\
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata:
  name: edge
spec:
  ipAddressPools: [edge]
"
));

pub(crate) const POOL_FAMILY: Rule = Rule {
    code: "DS522",
    name: "load-balancer-pool-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A load balancer requires both families, but the pools have one.",
    why: "MetalLB takes both addresses from one pool. Without a range of each family there the \
          Service gets no address at all.",
    fix: "Add a range of the other family to the pool, or ask for PreferDualStack, which MetalLB \
          0.14.9 and later serve with one address.",
    sources: &[
        "https://metallb.io/usage/",
        "https://github.com/metallb/metallb/issues/1247",
        "https://github.com/metallb/metallb/pull/2587",
    ],
    enforced_by: &[EnforcedBy::Symptom("the Service stays pending")],
    good: &[GOOD],
    bad: &[
        Example::new(documents!(
            service!("type: LoadBalancer", "ipFamilyPolicy: RequireDualStack"),
            address_pool!("192.168.0.64/27")
        )),
        Example::new(documents!(
            service!("type: LoadBalancer", "ipFamilyPolicy: RequireDualStack"),
            address_pool!("192.168.0.64/27"),
            address_pool!("fd00:192::64-fd00:192::7f")
        )),
    ],
    check: Check::Model(pool_family),
};

fn pool_family(model: &Model, out: &mut Findings) {
    let all = || model.address_pools.iter().flat_map(|pool| &pool.ranges);
    let Some(first) = all().next() else { return };
    let known: Vec<IpFamily> = all().filter_map(PoolRange::family).collect();
    // A range that can't be read may be of any family.
    if known.len() < all().count() {
        return;
    }
    let lacks =
        |families: &[IpFamily]| IpFamily::ALL.into_iter().find(|family| !families.contains(family));
    // Where each Service gets its addresses from one pool, it is each pool that counts.
    let split = model.address_pools.iter().all(|pool| {
        let own: Vec<IpFamily> = pool.ranges.iter().filter_map(PoolRange::family).collect();
        pool.whole && lacks(&own).is_some()
    });
    let message = match lacks(&known) {
        Some(lacking) => format!("no address pool has an {lacking} range"),
        None if split => "no address pool has ranges of both families".to_owned(),
        None => return,
    };
    // Who has pools of both families, each by itself, wants both.
    let both = lacks(&known).is_none() && model.service_families().len() > 1;
    for service in &model.services {
        let Some(policy) = &service.policy else { continue };
        if requires_both(service) {
            out.at(policy.span, message.clone()).also(first.text.span, "pool");
        } else if both && prefers_both(service) {
            let message = format!("{message}, so this Service gets one address");
            out.at(policy.span, message)
                .level(Level::Note)
                .also(first.text.span, "pool")
                .fix("put the ranges of both families into one pool");
        }
    }
}

pub(crate) const INVALID: Rule = Rule {
    code: "DS523",
    name: "address-pool-invalid",
    area: Area::Balancers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "An entry of an address pool is not a range.",
    why: "MetalLB takes address/length or first-last, both of one family and in order. It rejects a \
          pool with another entry.",
    fix: "Write 192.168.0.64/27 or 192.168.0.64-192.168.0.95.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Refused { by: "MetalLB's webhook", how: "rejects the pool" }],
    good: &[GOOD],
    bad: &[
        Example::new(address_pool!("192.168.0.80")),
        Example::new(address_pool!("192.168.0.80-fd00:192::80")),
    ],
    check: Check::Model(|model, out| {
        for range in model.address_pools.iter().flat_map(|pool| &pool.ranges) {
            if range.ends.is_none() {
                let text = &range.text.value;
                out.at(range.text.span, format!("\"{text}\" is not a range of addresses"));
            }
        }
    }),
};

pub(crate) const ADVERTISED: Rule = Rule {
    code: "DS524",
    name: "address-pool-not-advertised",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "MetalLB's advertisements name other pools, and none names this one.",
    why: "An address that is assigned but not announced is unreachable.",
    fix: "Add the pool to an L2Advertisement or BGPAdvertisement.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("the addresses of the pool are not reachable")],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        address_pool!("192.168.0.64/27"),
        "\
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata:
  name: edge
spec:
  ipAddressPools: [edge-v6]
"
    ))],
    check: Check::Model(|model, out| {
        let named: Vec<_> = model.advertisements.iter().flat_map(|a| &a.pools).collect();
        // An advertisement without pools, or with selectors, may be of all.
        if model.advertisements.iter().any(|a| a.pools.is_empty()) {
            return;
        }
        let Some(first) = named.first() else { return };
        for pool in &model.address_pools {
            if !named.iter().any(|name| name.value == pool.name.value) {
                let name = &pool.name.value;
                out.at(pool.name.span, format!("no advertisement names the pool {name}"))
                    .also(first.span, "advertised");
            }
        }
    }),
};
