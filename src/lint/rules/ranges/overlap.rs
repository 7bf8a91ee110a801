//! Ranges that share addresses with what they must not.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    lint::{
        model::{Model, RangeList, read_ranges},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents, init, join},
        },
    },
    net::{RangeRelation, relation},
};

const DOCS: &str = "https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/";
const GOOD: Example = Example::new(documents!(
    init!(name = "node-1", node_ip = "192.168.0.11,fd00:192::11"),
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    )
));

pub(crate) const PODS_OVER_SERVICES: Rule = Rule {
    code: "DS112",
    name: "pods-overlap-services",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The pod range and the Service range overlap.",
    why: "kube-proxy treats a source address in the pod range as a Pod's and doesn't masquerade \
          it. A node that connects to a Service may use such a source address, in IPVS mode even \
          the Service's own, and the reply is lost: workers can't reach the API server's Service. \
          IPAM that only knows the pod range assigns Service addresses to Pods. No installer \
          rejects it. The dual-stack example in kubeadm's own documentation overlaps: \
          2001:db8:42:0::/56 contains 2001:db8:42:1::/112.",
    fix: "Choose ranges that do not overlap.",
    sources: &[
        DOCS,
        "https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/dual-stack-support/",
        "https://github.com/kubernetes/website/issues/30646",
        "https://github.com/kubernetes/kubeadm/issues/3312",
    ],
    enforced_by: &[EnforcedBy::Symptom(
        "workers can't reach Services whose backends are on other nodes",
    )],
    good: &[GOOD],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16,fd00:8:42:0::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:8:42:1::/112"
    ))],
    check: Check::Model(pods_over_services),
};

fn pods_over_services(model: &Model, out: &mut Findings) {
    let mut seen: Vec<(IpNet, IpNet)> = Vec::new();
    for (_, pod, pods) in read_ranges(model.pod_lists()) {
        for (_, service, services) in read_ranges(model.service_lists()) {
            let how = match relation(&pods, &services) {
                RangeRelation::Disjoint => continue,
                RangeRelation::Equal => "is the same as",
                RangeRelation::Contains => "contains",
                RangeRelation::Within => "is within",
            };
            if seen.contains(&(pods, services)) {
                continue;
            }
            seen.push((pods, services));
            let message = format!("the pod range {pods} {how} the Service range {services}");
            let finding = out.at(pod.text.span, message).also(service.text.span, "Service range");
            if !model.asked.live {
                continue;
            }
            // In a live cluster kube-proxy's mode and the nodes' shares show whether it bites.
            let modes = model.proxies.iter().filter_map(|proxy| proxy.mode.as_ref());
            for mode in modes.filter(|mode| mode.value == "ipvs") {
                let why = "in IPVS mode nodes connect to Services from the Services' own addresses";
                finding.level(Level::Error).also(mode.span, why);
            }
            let shares = model
                .node_objects
                .iter()
                .flat_map(|node| node.pod_cidrs.iter().map(move |share| (node, share)));
            for (node, share) in shares {
                if share.range.is_some_and(|range| relation(&range, &services).overlaps()) {
                    let name = &node.name.value;
                    finding.level(Level::Error).also(
                        share.text.span,
                        format!("the pod range of {name} overlaps the Service range"),
                    );
                }
            }
        }
    }
}

/// Reports each list that holds an address of a node, once per range.
fn holds_nodes(model: &Model, lists: Vec<&RangeList>, out: &mut Findings) {
    let nodes = model.node_addresses();
    let mut seen: Vec<IpNet> = Vec::new();
    for (list, entry, range) in read_ranges(lists) {
        let inside = |ip: &IpAddr| range.trunc().contains(ip);
        let mut hit = nodes.iter().filter(|(_, ip, _)| inside(ip));
        let Some((text, ip, what)) = hit.next() else { continue };
        if seen.contains(&range) {
            continue;
        }
        seen.push(range);
        let noun = list.role.noun();
        let message = format!("the {noun} {range} contains a node's address, {ip}");
        let finding = out.at(entry.text.span, message).also(text.span, *what);
        if model.asked.live {
            finding.level(Level::Error);
        }
    }
}

pub(crate) const PODS_AND_NODES: Rule = Rule {
    code: "DS113",
    name: "pods-overlap-nodes",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The pod range contains a node's address.",
    why: "As soon as a node gets the pod range that contains the address, traffic to that address \
          is routed to the Pod network, or not masqueraded.",
    fix: "Choose a pod range outside the nodes' network.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        init!(node_ip = "10.244.0.11,fd00:192::11"),
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )
    ))],
    check: Check::Model(|model, out| holds_nodes(model, model.pod_lists(), out)),
};

pub(crate) const SERVICES_AND_NODES: Rule = Rule {
    code: "DS114",
    name: "services-overlap-nodes",
    area: Area::Ranges,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The Service range contains a node's address.",
    why: "Once a Service gets that address, every node sends traffic for the node to the Service.",
    fix: "Choose a Service range outside the nodes' network.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        join!(node_ip = "10.96.0.11"),
        cluster!("serviceSubnet: 10.96.0.0/16")
    ))],
    check: Check::Model(|model, out| holds_nodes(model, model.service_lists(), out)),
};
