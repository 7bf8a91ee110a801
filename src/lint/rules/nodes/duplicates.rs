//! Two documents that speak of one node.

use std::{collections::HashMap, net::IpAddr};

use crate::lint::{
    rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{documents, init, join},
    },
    source::Span,
};

const DOCS: &str =
    "https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/dual-stack-support/";
const GOOD: Example = Example::new(documents!(
    init!(name = "node-1", node_ip = "192.168.0.11,fd00:192::11"),
    join!(name = "node-2", node_ip = "192.168.0.12,fd00:192::12")
));

pub(crate) const SAME_NODE_IP: Rule = Rule {
    code: "DS208",
    name: "same-node-ip",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Two nodes have the same node-ip.",
    why: "A join configuration copied from another node claims that node's address: the kubelet \
          can't find it on its interfaces and the node never becomes ready, or two nodes answer \
          for one address.",
    fix: "Give each node its own addresses.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom(
        "the node gets no address: the kubelet doesn't find node-ip on any interface",
    )],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        init!(name = "node-1", node_ip = "192.168.0.11,fd00:192::11"),
        join!(name = "node-2", node_ip = "192.168.0.12,fd00:192::11")
    ))],
    check: Check::Model(|model, out| {
        let mut seen: HashMap<IpAddr, Span> = HashMap::new();
        for list in model.nodes.iter().filter_map(|node| node.node_ip.as_ref()) {
            for entry in &list.entries {
                let Some(ip) = entry.ip.filter(|ip| !ip.is_unspecified()) else { continue };
                match seen.get(&ip) {
                    Some(first) => {
                        out.at(
                            entry.text.span,
                            format!("the node-ip {ip} is already used by another node"),
                        )
                        .also(*first, "first here");
                    }
                    None => {
                        seen.insert(ip, entry.text.span);
                    }
                }
            }
        }
    }),
};

pub(crate) const SAME_NAME: Rule = Rule {
    code: "DS209",
    name: "same-node-name",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Two nodes have the same name.",
    why: "The second kubelet takes over the first one's Node object, with its addresses and \
             its pod ranges.",
    fix: "Give each node its own name.",
    sources: &["https://kubernetes.io/docs/concepts/architecture/nodes/#node-name-uniqueness"],
    enforced_by: &[EnforcedBy::Symptom("both nodes show up as one, with changing addresses")],
    good: &[GOOD],
    bad: &[
        Example::new(documents!(join!(name = "node-2"), join!(name = "node-2"))).also(&["DS406"])
    ],
    check: Check::Model(|model, out| {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for name in model.nodes.iter().filter_map(|node| node.name.as_ref()) {
            match seen.get(name.value.as_str()) {
                Some(first) => {
                    out.at(
                        name.span,
                        format!("the name {} is already used by another node", name.value),
                    )
                    .also(*first, "first here");
                }
                None => {
                    seen.insert(&name.value, name.span);
                }
            }
        }
    }),
};
