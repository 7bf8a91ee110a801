//! Cluster IPs that a Service asks for.

use crate::lint::{
    model::read_ranges,
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents, service},
    },
};

const DOCS: &str =
    "https://kubernetes.io/docs/concepts/services-networking/service/#choosing-your-own-ip-address";
const PHASE: &str = "admitting the Service";
const GOOD: Example = Example::new(documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    service!(
        "ipFamilyPolicy: RequireDualStack",
        "ipFamilies: [IPv6, IPv4]",
        "clusterIP: fd00:10:96::80",
        "clusterIPs: [\"fd00:10:96::80\", 10.96.0.80]"
    )
));

pub(crate) const WRONG_FAMILY: Rule = Rule {
    code: "DS508",
    name: "service-address-family",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "A Service's clusterIPs don't match its ipFamilies.",
    why: "The first address must be of the first family, the second of the second.",
    fix: "List addresses and families in the same order.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "as indicated by `ipFamilies",
    }],
    good: &[GOOD],
    bad: &[Example::new(service!("ipFamilies: [IPv6]", "clusterIP: 10.96.0.80"))],
    check: Check::Model(|model, out| {
        for service in model.services_with_families() {
            for (address, family) in service.cluster_ips.iter().zip(&service.families) {
                let Some(own) = address.family() else { continue };
                if matches!(family.value.as_str(), "IPv4" | "IPv6") && own.as_str() != family.value
                {
                    let asked = &family.value;
                    out.at(
                        address.text.span,
                        format!("an {own} address, but ipFamilies says {asked}"),
                    )
                    .also(family.span, "the family of this address");
                }
            }
        }
    }),
};

pub(crate) const SINGULAR: Rule = Rule {
    code: "DS510",
    name: "service-cluster-ip-differs",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "A Service's clusterIPs don't begin with its clusterIP.",
    why: "The two fields say the same twice: the first of clusterIPs is clusterIP. The API server \
          fills in the list from the single field, but never the single field from the list.",
    fix: "Set clusterIP to the first of clusterIPs, or leave clusterIPs out.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "spec.clusterIPs: Invalid value",
    }],
    good: &[GOOD, Example::new(service!("clusterIP: 10.96.0.80"))],
    bad: &[
        Example::new(service!("clusterIP: 10.96.0.80", "clusterIPs: [10.96.0.81]")),
        Example::new(service!("clusterIPs: [10.96.0.80]")),
    ],
    check: Check::Model(|model, out| {
        for service in model.services_with_families() {
            let Some(first) = service.cluster_ips.first() else { continue };
            match &service.cluster_ip {
                None => {
                    let address = &first.text.value;
                    out.at(first.text.span, "clusterIPs is set, but clusterIP is not")
                        .fix(format!("add clusterIP: {address}"));
                }
                Some(own) if own.text.value != first.text.value => {
                    out.at(first.text.span, "this is not the clusterIP")
                        .also(own.text.span, "clusterIP");
                }
                Some(_) => {}
            }
        }
    }),
};

pub(crate) const OUTSIDE: Rule = Rule {
    code: "DS509",
    name: "service-address-outside",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A Service's cluster IP is outside the cluster's Service ranges.",
    why: "The API server rejects the Service.",
    fix: "Use an address in the Service range, or omit it: the API server then chooses one.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: PHASE,
        text: "failed to allocate IP",
    }],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!("serviceSubnet: 10.96.0.0/16"),
        service!("clusterIP: 10.97.0.80")
    ))],
    check: Check::Model(|model, out| {
        let services = read_ranges(model.service_lists());
        let Some((_, first, _)) = services.first() else { return };
        let asked = model.services_with_families().flat_map(|service| &service.cluster_ips);
        for address in asked {
            let Some(ip) = address.ip else { continue };
            if !services.iter().any(|(_, _, range)| range.trunc().contains(&ip)) {
                out.at(address.text.span, format!("{ip} is not in any Service range"))
                    .also(first.text.span, "Service range");
            }
        }
    }),
};
