//! What a Corefile makes of names in each family.

use crate::{
    lint::{
        model::{Directive, Model, Zones},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

/// A cluster of both families, and a Corefile with these lines in its server block.
macro_rules! corefile {
    ($($line:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coredns\ndata:\n",
                "  Corefile: |\n    .:53 {\n",
                $("        ", $line, "\n",)*
                "    }\n"
            )
        )
    };
}

const GOOD: Example = Example::new(corefile!(
    "errors",
    "kubernetes cluster.local in-addr.arpa ip6.arpa {",
    "    pods insecure",
    "}",
    "forward . /etc/resolv.conf"
));

fn has(model: &Model, family: IpFamily) -> bool {
    model.pod_families().contains(&family) && model.service_families().contains(&family)
}

fn record(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "A",
        IpFamily::V6 => "AAAA",
    }
}

pub(crate) const DROPS: Rule = Rule {
    code: "DS541",
    name: "dns-drops-family",
    area: Area::Dns,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "CoreDNS returns no records for addresses of one family.",
    why: "A template that answers A or AAAA queries with an error code or with nothing, a rewrite of \
          their type, or an acl that filters it, hides a family that the cluster has: clients never \
          use it.",
    fix: "Remove the template, the rewrite or the filter.",
    sources: &[
        "https://coredns.io/plugins/template/",
        "https://coredns.io/plugins/rewrite/",
        "https://coredns.io/plugins/acl/",
    ],
    enforced_by: &[EnforcedBy::Symptom("names resolve in one family only")],
    good: &[
        GOOD,
        Example::new(corefile!(
            "template IN AAAA lab.example {",
            "    answer \"{{ .Name }} 60 IN AAAA fd00:192::1\"",
            "}"
        )),
    ],
    bad: &[
        Example::new(corefile!("template ANY AAAA {", "    rcode NOERROR", "}")),
        Example::new(corefile!("rewrite type AAAA A")),
        Example::new(corefile!("acl {", "    filter type AAAA", "}")),
    ],
    check: Check::Model(|model, out| {
        for family in IpFamily::ALL.into_iter().filter(|family| has(model, *family)) {
            for directive in &model.dns {
                drops(directive, family, out);
            }
        }
    }),
};

fn drops(directive: &Directive, family: IpFamily, out: &mut Findings) {
    let record = record(family);
    let word = |at: usize| directive.words.get(at).map(|word| word.value.as_str());
    let zone = word(3).is_none_or(|zone| zone == ".");
    let hidden = match directive.plugin() {
        "template" => {
            let answers = directive
                .body
                .iter()
                .any(|line| line.first().is_some_and(|word| word.value == "answer"));
            word(2) == Some(record) && zone && !answers
        }
        // For every client: a network of its own is an exception that somebody wants.
        "acl" if word(1).is_none_or(|zone| zone == ".") => directive.body.iter().any(|line| {
            let words: Vec<&str> = line.iter().map(|word| word.value.as_str()).collect();
            matches!(words.first(), Some(&("block" | "filter" | "drop")))
                && words.get(1) == Some(&"type")
                && words.iter().skip(2).any(|word| *word == record)
                && !words.contains(&"net")
        }),
        "rewrite" => {
            let at = if matches!(word(1), Some("stop" | "continue")) { 2 } else { 1 };
            word(at) == Some("type") && word(at + 1) == Some(record)
        }
        _ => false,
    };
    if let Some(span) = directive.span().filter(|_| hidden) {
        out.at(span, format!("{record} queries get no {family} address"));
    }
}

/// The zone that a word of a Corefile names, without a scheme, a port and the last dot.
fn zone_of(word: &str) -> &str {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    let word = word.split(':').next().unwrap_or(word);
    word.trim_end_matches([',', '.'])
}

pub(crate) const REVERSE: Rule = Rule {
    code: "DS542",
    name: "dns-reverse-zone",
    area: Area::Dns,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "CoreDNS or NodeLocal DNSCache serves the reverse zone of one family only.",
    why: "Without ip6.arpa (or in-addr.arpa) among its zones the kubernetes plugin forwards reverse look-ups of \
          that family, and the addresses of Pods and Services have no names. NodeLocal DNSCache asks the cluster's \
          DNS only for the zones that have a block.",
    fix: "List in-addr.arpa and ip6.arpa.",
    sources: &[
        "https://coredns.io/plugins/kubernetes/",
        "https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/dns/nodelocaldns/nodelocaldns.yaml",
    ],
    enforced_by: &[EnforcedBy::Symptom("addresses of one family have no names")],
    good: &[GOOD],
    bad: &[
        Example::new(corefile!("kubernetes cluster.local in-addr.arpa {", "    ttl 30", "}")),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: node-local-dns
data:
  Corefile: |
    cluster.local:53 {
        forward . 10.96.0.10
    }
    in-addr.arpa:53 {
        forward . 10.96.0.10
    }
    .:53 {
        forward . /etc/resolv.conf
    }
"
        )),
    ],
    check: Check::Model(|model, out| {
        for Zones { blocks, served } in &model.zones {
            let block = |zone: &str| blocks.iter().find(|own| zone_of(&own.value) == zone);
            let (v4, v6) = ("in-addr.arpa", "ip6.arpa");
            for (own, missing, family) in [(v4, v6, IpFamily::V6), (v6, v4, IpFamily::V4)] {
                if let Some(own) = block(own)
                    && has(model, family)
                    && block(missing).is_none()
                    && !served.iter().any(|zone| zone_of(zone) == missing)
                {
                    let message =
                        format!("no block is for {missing}: {family} addresses have no names");
                    out.at(own.span, message).fix(format!("add a block for {missing}"));
                }
            }
        }
        for directive in model.dns.iter().filter(|directive| directive.plugin() == "kubernetes") {
            let zones = [("in-addr.arpa", IpFamily::V4), ("ip6.arpa", IpFamily::V6)];
            let words = || directive.words.iter().map(|word| word.value.as_str());
            let listed = |zone: &str| words().any(|word| word == zone);
            for ((zone, family), (other, _)) in zones.into_iter().zip(zones.into_iter().rev()) {
                if has(model, family) && listed(other) && !listed(zone) {
                    let Some(span) = directive.span() else { continue };
                    let message = format!("{zone} is missing: {family} addresses have no names");
                    out.at(span, message).fix(format!("add {zone}"));
                }
            }
        }
    }),
};

pub(crate) const DNS64: Rule = Rule {
    code: "DS543",
    name: "dns64-dual-stack",
    area: Area::Dns,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "CoreDNS synthesizes IPv6 addresses (DNS64) in a cluster that has IPv4.",
    why: "With dns64 names that have only an A record get an IPv6 address that goes through a NAT64 gateway. \
          Pods that have IPv4 prefer that detour, and fail if there is no such gateway.",
    fix: "Remove dns64, unless the Pods' IPv4 has no egress.",
    sources: &["https://coredns.io/plugins/dns64/", "https://www.rfc-editor.org/rfc/rfc6147"],
    enforced_by: &[EnforcedBy::Symptom("connections to IPv4 servers go through NAT64, or fail")],
    good: &[GOOD],
    bad: &[Example::new(corefile!("dns64 64:ff9b::/96"))],
    check: Check::Model(|model, out| {
        let both = IpFamily::ALL.into_iter().all(|family| model.pod_families().contains(&family));
        for directive in model.dns.iter().filter(|directive| directive.plugin() == "dns64") {
            if let (true, Some(span)) = (both, directive.span()) {
                out.at(span, "the Pods have IPv4, and dns64 leads them through NAT64 instead");
            }
        }
    }),
};
