//! Gardener's Shoots.

use crate::{
    lint::{
        model::{Installation, RangeEntry, Tool, is_template},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
    },
    net::{IpFamily, RangeRelation, relation},
};

const DOCS: &str = "https://gardener.cloud/docs/gardener/networking/shoot_networking/";

/// A Shoot with these lines in its `spec.networking`.
macro_rules! shoot {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: core.gardener.cloud/v1beta1\nkind: Shoot\nmetadata:\n  name: lab\n",
            "spec:\n  kubernetes:\n    version: 1.33.1\n  networking:\n    type: calico\n",
            $("    ", $line, "\n"),*
        )
    };
}

pub(crate) const NETWORKING: Rule = Rule {
    code: "DS357",
    name: "gardener-networking",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A Shoot's ipFamilies are invalid, or its ranges don't fit them or each other.",
    why: "A Shoot has one or two different families. pods, nodes and services take one range each: in \
          a dual-stack Shoot that of the other family comes from the infrastructure, and in one of one \
          family it must be of that family. No two of the ranges may overlap.",
    fix: "List IPv4, IPv6 or both in ipFamilies, and give each range once, without overlaps.",
    sources: &[
        DOCS,
        "https://gardener.cloud/docs/gardener/networking/dual-stack-networking-migration/",
    ],
    enforced_by: &[EnforcedBy::Refused { by: "Gardener", how: "rejects the Shoot" }],
    good: &[
        Example::new(shoot!(
            "ipFamilies: [IPv4, IPv6]",
            "pods: 100.96.0.0/11",
            "nodes: 10.250.0.0/16",
            "services: 100.64.0.0/13"
        )),
        Example::new(shoot!("pods: 100.96.0.0/11", "nodes: 10.250.0.0/16")),
    ],
    bad: &[
        Example::new(shoot!("ipFamilies: [IPv4, DualStack]", "nodes: 10.250.0.0/16")),
        Example::new(shoot!("ipFamilies: [IPv6]", "pods: 100.96.0.0/11")),
        Example::new(shoot!(
            "ipFamilies: [IPv4, IPv6]",
            "pods: 100.96.0.0/11",
            "nodes: 100.96.0.0/16"
        )),
    ],
    check: Check::Model(|model, out| {
        for install in model.installs.iter().filter(|install| install.tool == Tool::Gardener) {
            families(install, out);
            ranges(install, out);
        }
    }),
};

fn families(install: &Installation, out: &mut Findings) {
    let listed = install.settings.list.iter().filter(|arg| arg.name.value == "ipFamilies");
    let mut seen: Vec<&str> = Vec::new();
    for value in listed.map(|arg| &arg.value) {
        let text = value.value.as_str();
        if is_template(text) {
            continue;
        }
        if !matches!(text, "IPv4" | "IPv6") {
            let finding = out.at(value.span, format!("a family is IPv4 or IPv6, not \"{text}\""));
            if let Some(right) = ["IPv4", "IPv6"].iter().find(|own| own.eq_ignore_ascii_case(text))
            {
                finding.fix(format!("write {right}")).edit(value, *right);
            }
        } else if seen.contains(&text) {
            out.at(value.span, format!("{text} is listed twice"));
        }
        seen.push(text);
    }
}

fn ranges(install: &Installation, out: &mut Findings) {
    let listed = install.settings.list.iter().filter(|arg| arg.name.value == "ipFamilies");
    let listed: Vec<&str> = listed.map(|arg| arg.value.value.as_str()).collect();
    let only = match listed[..] {
        [] | ["IPv4"] => Some(IpFamily::V4),
        ["IPv6"] => Some(IpFamily::V6),
        _ => None,
    };
    let entry =
        |field: &'static str| Some((field, RangeEntry::new(install.settings.get(field)?.clone())));
    let entries: Vec<_> = ["pods", "services", "nodes"].into_iter().filter_map(entry).collect();
    for (at, (field, entry)) in entries.iter().enumerate() {
        if entry.text.value.contains(',') {
            out.at(entry.text.span, format!("{field} takes one range, and not a list"));
        }
        if let (Some(family), Some(only)) = (entry.family(), only)
            && family != only
        {
            let message = format!("this range is {family}, but the Shoot's only family is {only}");
            out.at(entry.text.span, message);
        }
        for (other, before) in &entries[..at] {
            // Pods and Services of one family are compared elsewhere.
            let compared = only.is_some() && *field == "services";
            let (Some(range), Some(against)) = (entry.range, before.range) else { continue };
            if !compared && relation(&range, &against) != RangeRelation::Disjoint {
                out.at(entry.text.span, format!("{field} overlaps {other}"))
                    .also(before.text.span, *other);
            }
        }
    }
}
