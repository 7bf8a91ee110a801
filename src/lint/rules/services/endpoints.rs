//! Addresses of EndpointSlices.

use std::net::IpAddr;

use crate::{
    lint::{
        model::{EndpointAddress, Model},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
    },
    net::IpFamily,
};

/// An EndpointSlice with a type of addresses and one of them.
macro_rules! slice {
    ($of:literal, $address:literal) => {
        concat!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1}\n",
            "addressType: ",
            $of,
            "\nendpoints:\n  - addresses: [\"",
            $address,
            "\"]\n"
        )
    };
}

pub(crate) const SLICE_FAMILY: Rule = Rule {
    code: "DS513",
    name: "endpoint-slice-family",
    area: Area::Services,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "An EndpointSlice has an address of another family than its addressType.",
    why: "An EndpointSlice is of one family, and the API server rejects others' addresses. An IPv4 \
          address in IPv6's form (::ffff:10.0.0.1) is none of IPv6.",
    fix: "Write an EndpointSlice of its own for each family.",
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#address-types",
    ],
    enforced_by: &[EnforcedBy::Refused {
        by: "kube-apiserver",
        how: "rejects the EndpointSlice when it is created or changed",
    }],
    good: &[
        Example::new(slice!("IPv6", "fd00::80")),
        Example::new(slice!("FQDN", "web.example.com")),
    ],
    bad: &[
        Example::new(slice!("IPv4", "fd00::80")),
        Example::new(slice!("IPv6", "10.0.0.1")),
        Example::new(slice!("IPv6", "::ffff:10.0.0.1")),
    ],
    check: Check::Model(slice_family),
};

fn slice_family(model: &Model, out: &mut Findings) {
    for EndpointAddress { address, of } in &model.endpoint_addresses {
        let Some(of) = of else { continue };
        let Some(wanted) = IpFamily::ALL.into_iter().find(|own| own.as_str() == of.value) else {
            continue;
        };
        let text = address.text.value.trim();
        let message = match (wanted, address.ip) {
            (IpFamily::V6, Some(IpAddr::V4(_))) => format!("{text} is not an IPv6 address"),
            (IpFamily::V6, Some(IpAddr::V6(ip))) if ip.to_ipv4_mapped().is_some() => {
                format!("{text} is an IPv4 address in IPv6's form")
            }
            (IpFamily::V4, Some(IpAddr::V6(ip))) if ip.to_ipv4_mapped().is_none() => {
                format!("{text} is not an IPv4 address")
            }
            _ => continue,
        };
        out.at(address.text.span, message)
            .also(of.span, "type of the addresses")
            .fix(format!("put it into an EndpointSlice of addressType {}", wanted.other()));
    }
}
