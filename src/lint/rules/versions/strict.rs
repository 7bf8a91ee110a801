//! How the API server wants addresses to be written.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv6Addr},
};

use crate::lint::{
    model::{Address, Asked, EndpointAddress, Model, RangeEntry},
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Finding, Findings, Level, Reason, Rule, Versions,
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
    why: WHY,
    fix: "Write the address in its usual form, and the network address of a range.",
    sources: SOURCES,
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
        Example::new(
            "\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1}
addressType: IPv4
endpoints:
  - addresses: [\"::ffff:10.0.0.1\"]
",
        ),
    ],
    check: Check::Model(check),
};

const WHY: &str = "From 1.36 on (StrictIPCIDRValidation) the API server rejects leading zeros, IPv4 addresses in \
     IPv6 form (::ffff:10.0.0.1), and ranges with bits set beyond their length, in objects that are \
     created or changed. In a ServiceCIDR, and for IPv6 in an EndpointSlice, it takes an address in \
     its canonical form only.";
const SOURCES: &[&str] = &[
    "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/4858-ip-cidr-validation",
];
/// Of objects that are still to be created.
const CREATED: Reason = Reason {
    why: WHY,
    enforced_by: &[EnforcedBy::Refused {
        by: "kube-apiserver",
        how: "rejects the object when it is created",
    }],
    sources: SOURCES,
};
/// Of objects that the API server has already.
const STORED: Reason = Reason {
    why: "From 1.36 on (StrictIPCIDRValidation) the API server rejects such an address in a new object. \
          One that is stored already keeps it for as long as that field is not changed, and the API \
          server warns of it at each change of the object.",
    enforced_by: &[EnforcedBy::Warns { binary: Binary::ApiServer, text: "non-standard" }],
    sources: SOURCES,
};

fn check(model: &Model, out: &mut Findings) {
    look(model, out);
    if model.asked.live {
        for finding in out.all_mut() {
            finding.level(Level::Warning).reason = Some(&STORED);
        }
    }
}

fn look(model: &Model, out: &mut Findings) {
    for service in &model.services {
        let lists = [&service.cluster_ips, &service.external_ips, &service.load_balancer_ips];
        for address in lists.into_iter().flatten() {
            self::address(address, out);
        }
        for range in &service.source_ranges {
            self::range(range, out);
        }
    }
    for EndpointAddress { address: own, of } in &model.endpoint_addresses {
        let of_v4 = of.as_ref().is_some_and(|of| of.value == "IPv4");
        match own.ip {
            // What an EndpointSlice of IPv6 never takes has a rule of its own.
            Some(IpAddr::V6(ip)) if !of_v4 && ip.to_ipv4_mapped().is_some() => {}
            Some(ip @ IpAddr::V6(_)) if !of_v4 => {
                canonical(&own.text, Some(ip), out).into_iter().for_each(created);
            }
            _ => address(own, out).into_iter().for_each(created),
        }
    }
    for entry in model.service_cidrs.iter().flat_map(|list| &list.entries) {
        let usual = entry.range.map(|range| range.trunc());
        canonical(&entry.text, usual, out).into_iter().for_each(created);
    }
    let native = model.policies.iter().filter(|policy| policy.native);
    for block in native.flat_map(|policy| &policy.peers).flat_map(|peers| &peers.blocks) {
        for entry in [&block.cidr].into_iter().chain(&block.except) {
            range(entry, out).into_iter().for_each(created);
        }
    }
}

/// Of objects that are no Services.
fn created(finding: &mut Finding) {
    finding.reason = Some(&CREATED);
}

/// Ranges of a ServiceCIDR and IPv6 addresses of an EndpointSlice have one form only.
fn canonical<'f>(
    text: &Spanned<String>,
    usual: Option<impl Display>,
    out: &'f mut Findings,
) -> Option<&'f mut Finding> {
    let usual = usual?.to_string();
    (usual != text.value)
        .then(|| report(text, format!("the API server rejects {}", text.value), usual, out))
}

fn address<'f>(address: &Address, out: &'f mut Findings) -> Option<&'f mut Finding> {
    let text = address.text.value.trim();
    let usual = unusual(text, address.ip?)?;
    let message = format!("the API server rejects {text} since 1.36");
    Some(report(&address.text, message, usual.to_string(), out))
}

fn range<'f>(entry: &RangeEntry, out: &'f mut Findings) -> Option<&'f mut Finding> {
    let range = entry.range?;
    let text = entry.text.value.as_str();
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let zeros = length.len() > 1 && length.starts_with('0');
    let strange = range.trunc() != range || zeros || unusual(address, range.addr()).is_some();
    let message = format!("the API server rejects {text} since 1.36");
    strange.then(|| report(&entry.text, message, range.trunc().to_string(), out))
}

fn report<'f>(
    text: &Spanned<String>,
    message: String,
    usual: String,
    out: &'f mut Findings,
) -> &'f mut Finding {
    out.at(text.span, message).fix(format!("write {usual}")).edit(text, usual)
}

/// The usual form of an address that is written with leading zeros, or as an IPv4-mapped one.
fn unusual(text: &str, ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(_) => text.parse::<IpAddr>().is_err().then_some(ip),
        IpAddr::V6(ip) => Ipv6Addr::to_ipv4_mapped(&ip).map(IpAddr::V4),
    }
}
