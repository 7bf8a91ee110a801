//! Families that disagree between Pods, Services and nodes.

use crate::{
    lint::{
        model::{Model, RangeList, Role},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, controller_manager, documents, join, kind},
        },
    },
    net::{IpFamily, summarise},
};

const DOCS: &str = "https://kubernetes.io/docs/concepts/services-networking/dual-stack/";
const GOOD: Example = Example::new(cluster!(
    "podSubnet: fd00:10:244::/56,10.244.0.0/16",
    "serviceSubnet: fd00:10:96::/112,10.96.0.0/16"
));

pub(crate) const PODS_AND_SERVICES: Rule = Rule {
    code: "DS115",
    name: "pods-services-families",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Pods and Services don't have the same families.",
    why: "A Service of a family that the Pods don't have never has endpoints. Pods can't be \
          reached through any Service in a family that the Services don't have.",
    fix: "Use the same families for Pods and Services.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom(
        "Services of one family have no endpoints, or can't be created",
    )],
    good: &[GOOD],
    bad: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16"
        )),
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(kind!(
            "ipFamily: dual",
            "podSubnet: 10.244.0.0/16",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(kind!("ipFamily: dual", "podSubnet: 10.244.0.0/16")),
    ],
    check: Check::Model(|model, out| {
        kind_lists(model, out);
        let (Some(pods), Some(services)) = (model.pods(), model.services()) else { return };
        if !pods.is_sound() || services.entries.iter().any(|entry| entry.range.is_none()) {
            return;
        }
        let (of_pods, of_services) = (model.pod_families(), model.service_families());
        let lacks = |families: &[IpFamily], others: &[IpFamily]| {
            others.iter().copied().find(|family| !families.contains(family))
        };
        let all = |list: &RangeList| {
            summarise(&list.ranges().map(|(_, range)| range).collect::<Vec<_>>())
        };
        if let Some(family) = lacks(&of_services, &of_pods) {
            let assumed = services
                .assumed
                .then(|| format!(": {} is taken where none are given", services.text.value));
            let assumed = assumed.unwrap_or_default();
            out.at(
                services.text.span,
                format!("the Pods are {} but the Services have no {family}{assumed}", all(pods)),
            )
            .also(pods.text.span, "pod range");
        }
        if let Some(family) = lacks(&of_pods, &of_services) {
            out.at(
                pods.text.span,
                format!("the Services are {} but the Pods have no {family}", all(services)),
            )
            .also(services.text.span, "Service range");
        }
    }),
};

/// A list that kind is given in one family only, of a cluster that is to have both: the other list
/// is kind's default then, of both.
fn kind_lists(model: &Model, out: &mut Findings) {
    for kind in &model.kinds {
        let dual = kind.family.as_ref().is_some_and(|family| family.value == "dual");
        let (list, other) = match (&kind.pods, &kind.services) {
            (Some(pods), None) => (pods, "Services"),
            (None, Some(services)) => (services, "Pods"),
            _ => continue,
        };
        if let (true, [family]) = (dual && list.is_sound(), &list.families()[..]) {
            let (noun, lacking) = (list.role.noun(), family.other());
            let message = format!("the {other} have both families, but the {noun} no {lacking}");
            let finding = out.at(list.text.span, message);
            if let Some(family) = &kind.family {
                finding.also(family.span, "both families");
            }
        }
    }
}

pub(crate) const ORDER: Rule = Rule {
    code: "DS116",
    name: "family-order",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The order of the families differs between Pods, Services and nodes.",
    why: "The first family is the primary one: of a Pod's podIP, of a Service that doesn't set \
          ipFamilies, of a node. Where they differ, a client resolves a Service to one family \
          while its server listens on the other by default.",
    fix: "Use the same order of IPv4 and IPv6 everywhere.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: fd00:10:96::/112,10.96.0.0/16"
        )),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            join!(node_ip = "fd00:192::12,192.168.0.12")
        )),
        // Flags of a component are in another order than kubeadm's own ranges.
        Example::new(concat!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            controller_manager!(
                "cluster-cidr" = "fd00:10:244::/56,10.244.0.0/16",
                "service-cluster-ip-range" = "fd00:10:96::/112,10.96.0.0/16"
            )
        )),
    ],
    check: Check::Model(order),
};

fn order(model: &Model, out: &mut Findings) {
    let dual = |list: &&RangeList| list.is_dual();
    let pods = model.pods().filter(dual);
    let services = model.services().filter(dual);
    let Some(reference) = pods.or(services) else { return };
    let Some(first) = reference.families().first().copied() else { return };
    let noun = reference.role.noun();
    for list in model.service_lists().into_iter().chain(model.pod_lists()).filter(dual) {
        let Some(own) = list.families().first().copied() else { continue };
        // A setting is held against the one of its own role that counts, and that against the Pods'.
        let of_role = if list.role == Role::Pods { pods } else { services };
        let differs = |other: &&RangeList| other.families().first() != Some(&own);
        if let Some(other) = of_role.filter(differs) {
            let second = own.other();
            let (mine, theirs) = (list.field, other.field);
            let message = format!("{mine} is {own} first, but {theirs} is {second} first");
            out.at(list.text.span, message).also(other.text.span, format!("{second} first"));
        } else if own != first && of_role.is_some_and(|of_role| std::ptr::eq(of_role, list)) {
            let mine = list.role.noun();
            let message = format!("the {mine} is {own} first, but the {noun} is {first} first");
            out.at(list.text.span, message).also(reference.text.span, format!("{first} first"));
        }
    }
    for list in model.nodes.iter().filter_map(|node| node.node_ip.as_ref()) {
        let families: Vec<_> = list.entries.iter().filter_map(|entry| entry.family()).collect();
        if matches!(families[..], [own, second] if own != first && second == first) {
            let other = first.other();
            let swapped: Vec<&str> =
                list.entries.iter().rev().map(|entry| entry.text.value.trim()).collect();
            out.at(
                list.text.span,
                format!("node-ip is {other} first, but the {noun} is {first} first"),
            )
            .edit(&list.text, swapped.join(","))
            .also(reference.text.span, format!("{first} first"));
        }
    }
}
