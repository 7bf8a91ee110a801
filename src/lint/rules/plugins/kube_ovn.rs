//! Kube-OVN's subnets, and what its components are started with.

use crate::{
    lint::{
        model::{Installation, Model, RangeEntry, Subnet, Tool},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
        source::Spanned,
    },
    net::{IpFamily, RangeRelation, relation},
};

const DOCS: &str = "https://kubeovn.github.io/docs/stable/en/guide/dual-stack/";

/// A subnet with these lines in its `spec`.
macro_rules! subnet {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kubeovn.io/v1\nkind: Subnet\nmetadata:\n  name: lab\nspec:\n",
            $("  ", $line, "\n"),*
        )
    };
}

/// The chart's values with these lines in the section `dual_stack`.
macro_rules! values {
    ($($line:literal),* $(,)?) => {
        concat!("networking:\n  NET_STACK: dual_stack\ndual_stack:\n", $("  ", $line, "\n"),*)
    };
}

pub(crate) const SUBNET: Rule = Rule {
    code: "DS642",
    name: "kube-ovn-subnet",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A Kube-OVN subnet lists its families in the wrong order, or a gateway outside its ranges.",
    why: "cidrBlock and gateway of a dual-stack subnet are pairs, IPv4 first; each gateway is an \
          address of its family's range.",
    fix: "Write IPv4 before IPv6, and each gateway inside its range.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Refused {
        by: "Kube-OVN",
        how: "rejects the subnet, or its Pods have no egress",
    }],
    good: &[Example::new(subnet!(
        "cidrBlock: 10.16.0.0/16,fd00:10:16::/64",
        "gateway: 10.16.0.1,fd00:10:16::1",
        "protocol: Dual"
    ))],
    bad: &[
        Example::new(subnet!("cidrBlock: fd00:10:16::/64,10.16.0.0/16")),
        Example::new(subnet!(
            "cidrBlock: 10.16.0.0/16,fd00:10:16::/64",
            "gateway: 10.16.0.1,fd00:10:17::1"
        )),
    ],
    check: Check::Model(|model, out| model.subnets.iter().for_each(|subnet| check(subnet, out))),
};

fn check(subnet: &Subnet, out: &mut Findings) {
    let families: Vec<_> = subnet.ranges.iter().filter_map(RangeEntry::family).collect();
    match families[..] {
        [IpFamily::V6, IpFamily::V4] => {
            out.at(subnet.cidr.span, "Kube-OVN reads the IPv4 range first, then the IPv6 one");
        }
        [first, second] if first == second => {
            out.at(
                subnet.cidr.span,
                format!("two ranges of {first}; a pair has one of each family"),
            );
        }
        _ => {}
    }
    for gateway in &subnet.gateways {
        let Some(ip) = gateway.ip else { continue };
        let ranges = subnet.ranges.iter().filter_map(|entry| entry.range);
        if !ranges.map(|range| range.trunc()).any(|range| range.contains(&ip)) {
            out.at(gateway.text.span, format!("the gateway {ip} is in no range of the subnet"))
                .also(subnet.cidr.span, "cidrBlock");
        }
    }
}

pub(crate) const STACK: Rule = Rule {
    code: "DS643",
    name: "kube-ovn-stack",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Kube-OVN's ranges for Pods, Services and nodes don't have the families of its stack.",
    why: "POD_CIDR, SVC_CIDR and JOIN_CIDR each have a range of every family of NET_STACK. JOIN_CIDR is \
          how nodes reach Pods: without a range of a family they don't reach them in it. It must not \
          overlap the other two.",
    fix: "Give each a range of each family, IPv4 first, without overlaps.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("nodes and Pods don't reach each other in that family")],
    good: &[Example::new(values!(
        "POD_CIDR: 10.16.0.0/16,fd00:10:16::/112",
        "SVC_CIDR: 10.96.0.0/12,fd00:10:96::/112",
        "JOIN_CIDR: 100.64.0.0/16,fd00:100:64::/112"
    ))],
    bad: &[
        Example::new(values!(
            "POD_CIDR: 10.16.0.0/16,fd00:10:16::/112",
            "SVC_CIDR: 10.96.0.0/12,fd00:10:96::/112",
            "JOIN_CIDR: 100.64.0.0/16"
        )),
        Example::new(values!("POD_CIDR: 10.16.0.0/16", "SVC_CIDR: 10.96.0.0/12")),
    ],
    check: Check::Model(|model, out| {
        for install in model.installs.iter().filter(|install| install.tool == Tool::KubeOvn) {
            stack(model, install, out);
        }
    }),
};

fn stack(model: &Model, install: &Installation, out: &mut Findings) {
    let join = install.settings.get("JOIN_CIDR");
    let set = install.settings.get("NET_STACK");
    let wanted: Vec<IpFamily> = match set.map(|text| text.value.as_str()) {
        Some("dual_stack") => IpFamily::ALL.to_vec(),
        Some("ipv6") => vec![IpFamily::V6],
        Some("ipv4") => vec![IpFamily::V4],
        _ => install.pods.as_ref().map(|pods| pods.families()).unwrap_or_default(),
    };
    let lists = [&install.pods, &install.services].into_iter().flatten();
    let mut texts: Vec<(&Spanned<String>, &str)> =
        lists.map(|list| (&list.text, list.field)).collect();
    texts.extend(join.map(|text| (text, "JOIN_CIDR")));
    for (text, field) in texts {
        let parts = text.value.split(',').map(|part| text.with(part.to_owned()));
        let families: Vec<IpFamily> =
            parts.filter_map(|part| RangeEntry::new(part).family()).collect();
        let missing = wanted.iter().find(|family| !families.contains(family));
        if let Some(family) = missing.filter(|_| !families.is_empty()) {
            let finding = out.at(text.span, format!("{field} has no {family} range"));
            if let Some(set) = set {
                finding.also(set.span, "the stack");
            }
        }
    }
    let Some(join) = join else { return };
    for part in join.value.split(',') {
        let Some(range) = RangeEntry::new(join.with(part.to_owned())).range else { continue };
        for list in model.pod_lists().into_iter().chain(model.service_lists()) {
            for (entry, other) in list.ranges() {
                if relation(&range, &other) != RangeRelation::Disjoint {
                    out.at(join.span, format!("{range} overlaps the {}", list.role.noun()))
                        .also(entry.text.span, list.role.noun());
                }
            }
        }
    }
}
