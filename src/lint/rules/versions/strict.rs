//! How the API server wants addresses to be written.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv6Addr},
};

use crate::lint::{
    model::{Address, Asked, Model, RangeEntry},
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
        documents::service,
    },
    source::Spanned,
};

pub(crate) const ADDRESSES: Rule = Rule {
    code: "DS409",
    name: "address-not-strict",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions::since(36),
    summary: "An address of an API object is not written as the API server wants it.",
    why: "From 1.36 on (StrictIPCIDRValidation) the API server rejects leading zeros, IPv4 addresses \
          in IPv6 form (::ffff:10.0.0.1), and ranges with bits set beyond their length, in objects \
          that are created or changed. In a ServiceCIDR, and for IPv6 in an EndpointSlice, it takes \
          an address in its canonical form only.",
    fix: "Write the address in its usual form, and the network address of a range.",
    sources: &[
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/4858-ip-cidr-validation",
    ],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ApiServer,
        phase: "admitting the Service",
        text: "must not have",
    }],
    good: &[
        Example::new(service!("type: LoadBalancer", "loadBalancerSourceRanges: [192.168.0.0/24]")),
        Example::new(service!("type: LoadBalancer", "loadBalancerSourceRanges: [192.168.0.1/24]"))
            .asked(Asked::kubernetes(35)),
        Example::new(
            "\
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: more}
spec:
  cidrs: [10.97.0.0/16, \"fd00:97::/112\"]
",
        ),
    ],
    bad: &[
        Example::new(service!("type: LoadBalancer", "loadBalancerSourceRanges: [192.168.0.1/24]")),
        Example::new(service!("externalIPs: [\"192.168.000.080\"]")),
        Example::new(
            "\
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: more}
spec:
  cidrs: [10.97.0.0/16, \"FD00:97::/112\"]
",
        ),
        Example::new(
            "\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1}
addressType: IPv6
endpoints:
  - addresses: [\"fd00:0:0:0::80\"]
",
        ),
    ],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    for service in &model.services {
        let lists = [&service.cluster_ips, &service.external_ips, &service.load_balancer_ips];
        lists.into_iter().flatten().for_each(|address| self::address(address, out));
        service.source_ranges.iter().for_each(|range| self::range(range, out));
    }
    for own in &model.endpoint_addresses {
        match own.ip {
            Some(ip @ IpAddr::V6(_)) => canonical(&own.text, Some(ip), out),
            _ => address(own, out),
        }
    }
    for entry in model.service_cidrs.iter().flat_map(|list| &list.entries) {
        let usual = entry.range.map(|range| range.trunc());
        canonical(&entry.text, usual, out);
    }
    let native = model.policies.iter().filter(|policy| policy.native);
    for block in native.flat_map(|policy| &policy.peers).flat_map(|peers| &peers.blocks) {
        range(&block.cidr, out);
        block.except.iter().for_each(|except| range(except, out));
    }
}

/// Ranges of a ServiceCIDR and IPv6 addresses of an EndpointSlice have one form only.
fn canonical(text: &Spanned<String>, usual: Option<impl Display>, out: &mut Findings) {
    let usual = usual.map(|usual| usual.to_string());
    if let Some(usual) = usual.filter(|usual| *usual != text.value) {
        out.at(text.span, format!("the API server rejects {}", text.value))
            .fix(format!("write {usual}"))
            .edit(text, usual);
    }
}

fn address(address: &Address, out: &mut Findings) {
    let Some(ip) = address.ip else { return };
    let text = address.text.value.trim();
    if let Some(usual) = unusual(text, ip) {
        out.at(address.text.span, format!("the API server rejects {text} since 1.36"))
            .fix(format!("write {usual}"))
            .edit(&address.text, usual.to_string());
    }
}

fn range(entry: &RangeEntry, out: &mut Findings) {
    let Some(range) = entry.range else { return };
    let text = entry.text.value.as_str();
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let zeros = length.len() > 1 && length.starts_with('0');
    if range.trunc() != range || zeros || unusual(address, range.addr()).is_some() {
        out.at(entry.text.span, format!("the API server rejects {text} since 1.36"))
            .fix(format!("write {}", range.trunc()))
            .edit(&entry.text, range.trunc().to_string());
    }
}

/// The usual form of an address that is written with leading zeros, or as an IPv4-mapped one.
fn unusual(text: &str, ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(_) => text.parse::<IpAddr>().is_err().then_some(ip),
        IpAddr::V6(ip) => Ipv6Addr::to_ipv4_mapped(&ip).map(IpAddr::V4),
    }
}
