//! How ranges and the DNS domain are written.

use crate::lint::{
    model::{Model, Owner, RangeEntry, parse_range},
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
        documents::cluster,
    },
};

const DOCS: &str = "https://kubernetes.io/docs/concepts/services-networking/dual-stack/";
const GOOD: Example = Example::new(cluster!(
    "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
    "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112",
    "dnsDomain: cluster.local"
));

pub(crate) const INVALID: Rule = Rule {
    code: "DS101",
    name: "range-invalid",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A range is not in CIDR notation (address/length).",
    why: "Ranges are separated by a comma only: with a space after it, no component can parse the \
          second range.",
    fix: "Write ranges as in 10.244.0.0/16,fd00:10:244::/56.",
    sources: &[DOCS, "https://www.rfc-editor.org/rfc/rfc4291#section-2.3"],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "reading its configuration",
        text: "couldn't parse subnet",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(cluster!("podSubnet: 10.244.0.0/16, fd00:10:244::/56")),
        Example::new(cluster!("serviceSubnet: 10.96.0.0/33")),
        Example::new(cluster!("podSubnet: 10.244.0.0/16 fd00:10:244::/56")),
    ],
    check: Check::Model(invalid),
};

fn invalid(model: &Model, out: &mut Findings) {
    for list in model.range_lists() {
        for entry in list.entries.iter().filter(|entry| entry.range.is_none()) {
            unreadable(entry, out);
        }
    }
}

fn unreadable(entry: &RangeEntry, out: &mut Findings) {
    let text = entry.text.value.as_str();
    let trimmed = text.trim();
    let finding = out.at(entry.text.span, format!("\"{text}\" is not a valid range"));
    if parse_range(trimmed).is_some() {
        finding.fix("remove the space: ranges are separated by a comma only");
        finding.edit(&entry.text, trimmed);
    } else if trimmed.is_empty() {
        finding.fix("remove the comma, or add the missing range");
    } else if trimmed.parse::<std::net::IpAddr>().is_ok() {
        finding.fix("add the prefix length, as in 10.244.0.0/16");
    } else if let Some(ranges) = several(trimmed) {
        if trimmed.contains(',') {
            finding.fix("write each range as a separate entry");
        } else {
            finding.fix("separate the ranges by a comma");
            finding.edit(&entry.text, ranges.join(","));
        }
    } else if let Some((address, length)) = trimmed.split_once('/')
        && address.parse::<std::net::IpAddr>().is_ok()
    {
        let bits = if address.contains(':') { 128 } else { 32 };
        finding.fix(format!("the prefix length must be a number up to {bits}, not \"{length}\""));
    }
}

/// The ranges of a text that holds more than one, whatever stands between them.
fn several(text: &str) -> Option<Vec<&str>> {
    let parts = text.split(|c: char| ",;|".contains(c) || c.is_whitespace());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    (parts.len() > 1 && parts.iter().all(|part| parse_range(part).is_some())).then_some(parts)
}

pub(crate) const PAIR: Rule = Rule {
    code: "DS102",
    name: "range-pair",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "There are more than two ranges, or two of one family.",
    why: "A cluster has one pod range and one Service range, or one of each per family.",
    fix: "Keep one IPv4 and one IPv6 range.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "reading its configuration",
        text: "expected one (IPv4 or IPv6) CIDR or two CIDRs from each family",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,10.245.0.0/16",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(cluster!("serviceSubnet: 10.96.0.0/16,fd00:10:96::/112,fd00:10:97::/112")),
    ],
    check: Check::Model(|model, out| {
        // kube-proxy's list has a rule of its own.
        for list in model.range_lists().into_iter().filter(|list| list.owner != Owner::Proxy) {
            let readable = list.entries.iter().all(|entry| entry.range.is_some());
            if !readable || list.is_sound() {
                continue;
            }
            let message = match list.entries.len() {
                2 => {
                    let family = list.families().first().map_or("", |family| family.as_str());
                    format!("both ranges of {} are {family}", list.field)
                }
                count => format!("{} has {count} ranges; at most two are allowed", list.field),
            };
            out.at(list.text.span, message);
        }
    }),
};

pub(crate) const HOST_BITS: Rule = Rule {
    code: "DS109",
    name: "host-bits",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A range has host bits set.",
    why: "Components drop the host bits and use the network address, so the effective range \
          differs from the file, and comparisons between components fail.",
    fix: "Use the network address.",
    sources: &["https://www.rfc-editor.org/rfc/rfc4291#section-2.3"],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.7.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    check: Check::Model(|model, out| {
        for list in model.range_lists() {
            for (entry, range) in list.ranges() {
                if range.trunc() != range {
                    let message = format!("{range} has host bits set");
                    out.at(entry.text.span, message)
                        .fix(format!("use {}", range.trunc()))
                        .edit(&entry.text, range.trunc().to_string());
                }
            }
        }
    }),
};

pub(crate) const DNS_DOMAIN: Rule = Rule {
    code: "DS117",
    name: "dns-domain",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The cluster's DNS domain is not a domain name.",
    why: "Service names end in it; it must consist of lowercase labels separated by dots.",
    fix: "Use a name such as cluster.local.",
    sources: &["https://www.rfc-editor.org/rfc/rfc1123#page-13"],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "reading its configuration",
        text: "a lowercase RFC 1123 subdomain must consist of",
    }],
    good: &[GOOD],
    bad: &[Example::new(cluster!("dnsDomain: Cluster_Local"))],
    check: Check::Model(|model, out| {
        for domain in model.clusters.iter().filter_map(|cluster| cluster.dns_domain.as_ref()) {
            // An empty one is replaced by the default.
            if !domain.value.is_empty() && !is_subdomain(&domain.value) {
                out.at(domain.span, format!("\"{}\" is not a domain name", domain.value));
            }
        }
    }),
};

fn is_subdomain(name: &str) -> bool {
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        bytes.first().is_some_and(|byte| plain(*byte))
            && bytes.last().is_some_and(|byte| plain(*byte))
            && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
