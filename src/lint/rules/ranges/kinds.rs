//! Ranges that are set apart for something else.

use ipnet::IpNet;

use crate::{
    lint::{
        model::{Model, Owner, parse_range, read_ranges},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::cluster,
        },
    },
    net::relation,
};

const REGISTRY_V6: &str =
    "https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry.xhtml";
const REGISTRY_V4: &str =
    "https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml";
const GOOD: Example = Example::new(cluster!(
    "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
    "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
));

/// Reports each range that shares addresses with one of the table's; a range that is set several
/// times is reported where it is set first.
fn within(model: &Model, table: &[(&str, &str)], out: &mut Findings) {
    let mut seen: Vec<IpNet> = Vec::new();
    for (list, entry, range) in read_ranges(model.range_lists()) {
        if list.owner == Owner::Proxy || seen.contains(&range) {
            continue;
        }
        seen.push(range);
        for (special, what) in table {
            let Some(special) = parse_range(special) else { continue };
            if relation(&range, &special).overlaps() {
                let noun = list.role.noun();
                out.at(entry.text.span, format!("the {noun} {range} overlaps {special}: {what}"));
                break;
            }
        }
    }
}

pub(crate) const SITE_LOCAL: Rule = Rule {
    code: "DS108",
    name: "site-local-range",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A range is in fec0::/10, the deprecated site-local addresses.",
    why: "RFC 3879 deprecated these addresses, and implementations may treat them differently.",
    fix: "Choose a unique local range (fd00::/8 with 40 random bits, RFC 4193).",
    sources: &["https://www.rfc-editor.org/rfc/rfc3879", "https://www.rfc-editor.org/rfc/rfc4193"],
    enforced_by: &[EnforcedBy::Warns {
        binary: Binary::Kubeadm,
        text: "contains IPv6 site-local addresses that belong to fec0::/10",
    }],
    good: &[GOOD],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16,fec0:0:0:100::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    check: Check::Model(|model, out| {
        within(model, &[("fec0::/10", "site-local addresses, deprecated by RFC 3879")], out);
    }),
};

pub(crate) const DOCUMENTATION: Rule = Rule {
    code: "DS110",
    name: "documentation-range",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A range is reserved for documentation.",
    why: "Routers and firewalls often drop these addresses, and the range was most likely copied \
          from an example.",
    fix: "Choose a private IPv4 (RFC 1918) or unique local IPv6 (RFC 4193) range.",
    sources: &["https://www.rfc-editor.org/rfc/rfc3849", REGISTRY_V6, REGISTRY_V4],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16,2001:db8:42:0::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    check: Check::Model(|model, out| {
        let table = [
            ("2001:db8::/32", "reserved for documentation (RFC 3849)"),
            ("3fff::/20", "reserved for documentation (RFC 9637)"),
            ("192.0.2.0/24", "reserved for documentation (RFC 5737)"),
            ("198.51.100.0/24", "reserved for documentation (RFC 5737)"),
            ("203.0.113.0/24", "reserved for documentation (RFC 5737)"),
        ];
        within(model, &table, out);
    }),
};

pub(crate) const RESERVED: Rule = Rule {
    code: "DS111",
    name: "reserved-range",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A range can't be used for Pods or Services: loopback, link-local, multicast …",
    why: "The kernel treats these addresses specially: traffic to them never leaves the node, or \
          doesn't reach a single host.",
    fix: "Choose private IPv4 (RFC 1918) and unique local IPv6 (RFC 4193) ranges.",
    sources: &[REGISTRY_V6, REGISTRY_V4],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,fe80:0:0:100::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(cluster!("serviceSubnet: 224.1.0.0/16")),
    ],
    check: Check::Model(|model, out| {
        let table = [
            ("127.0.0.0/8", "loopback addresses"),
            ("169.254.0.0/16", "link-local addresses"),
            ("224.0.0.0/4", "multicast addresses"),
            ("240.0.0.0/4", "reserved for future use (RFC 1112)"),
            ("0.0.0.0/8", "\"this network\" (RFC 791)"),
            ("::/96", "the unspecified, loopback and IPv4-compatible addresses"),
            ("::ffff:0:0/96", "IPv4-mapped addresses"),
            ("64:ff9b::/96", "NAT64 (RFC 6052)"),
            ("100::/64", "discard-only addresses (RFC 6666)"),
            ("fe80::/10", "link-local addresses"),
            ("ff00::/8", "multicast addresses"),
        ];
        within(model, &table, out);
    }),
};
