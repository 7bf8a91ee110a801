//! Nodes of a dual-stack cluster that won't have both families.

use crate::lint::{
    model::{Model, NodeConfiguration, RangeEntry, Tool, Version},
    rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents, join},
    },
};

const DOCS: &str =
    "https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/dual-stack-support/";
const GOOD: Example = Example::new(documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    join!(node_ip = "192.168.0.12,fd00:192::12")
));
const SYMPTOM: &[EnforcedBy] =
    &[EnforcedBy::Symptom("the node has one InternalIP, and its host-network Pods one address")];

/// The nodes whose addresses are the kubelet's to find: a cloud provider knows its machines'.
fn own(model: &Model) -> impl Iterator<Item = &NodeConfiguration> {
    let dual = model.is_dual() == Some(true);
    let cloud = |node: &NodeConfiguration| {
        node.kubelet.get("cloud-provider").is_some_and(|text| !text.value.is_empty())
    };
    // k3s has a rule of its own.
    model.nodes.iter().filter(move |node| dual && !cloud(node) && node.tool != Some(Tool::K3s))
}

pub(crate) const ONE_FAMILY: Rule = Rule {
    code: "DS206",
    name: "node-ip-one-family",
    area: Area::Nodes,
    level: Level::Warning,
    versions: Versions::since(20),
    summary: "The cluster is dual-stack, but node-ip has one family only.",
    why: "The node has no address of the other family: host-network Pods, and everything that uses \
          node addresses (load balancers, CNI plugins), are single-stack there.",
    fix: "Add the node's address of the other family, separated by a comma.",
    sources: &[DOCS],
    enforced_by: SYMPTOM,
    good: &[GOOD],
    bad: &[
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            join!(node_ip = "192.168.0.12")
        )),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            "\
apiVersion: v1
kind: Node
metadata:
  name: node-2
status:
  addresses:
    - type: InternalIP
      address: 192.168.0.12
"
        )),
        // In place of both, which kind gives its nodes.
        Example::new(
            "\
apiVersion: kind.x-k8s.io/v1alpha4
kind: Cluster
networking:
  ipFamily: dual
nodes:
  - role: control-plane
    kubeadmConfigPatches:
      - |
        kind: InitConfiguration
        nodeRegistration:
          kubeletExtraArgs:
            node-ip: 172.18.0.2
",
        ),
    ],
    check: Check::Model(|model, out| {
        for list in own(model).filter_map(|node| node.node_ip.as_ref()) {
            let families: Vec<_> = list.entries.iter().filter_map(|entry| entry.family()).collect();
            let [family] = families[..] else { continue };
            if list.entries.len() == 1 {
                let other = family.other();
                let finding = out.at(list.text.span, format!("this node has no {other} address"));
                if model.version().is_some_and(|version| version < Version::v1(20)) {
                    finding.fix("the kubelet accepts two addresses since 1.20");
                }
            }
        }
        let dual = model.is_dual() == Some(true);
        for subnets in model.node_subnets.iter().filter(|_| dual) {
            let families: Vec<_> = subnets.iter().filter_map(RangeEntry::family).collect();
            if let (Some(family), Some(first)) = (families.first(), subnets.first())
                && families.len() == subnets.len()
                && families.iter().all(|other| other == family)
            {
                let other = family.other();
                out.at(first.text.span, format!("the node gets no {other} address"))
                    .fix(format!("add the nodes' {other} subnet"));
            }
        }
        for node in model.node_objects.iter().filter(|_| dual) {
            let families: Vec<_> = node.internal_ips.iter().filter_map(|ip| ip.family()).collect();
            if let Some(family) = families.first()
                && families.iter().all(|other| other == family)
            {
                let (name, other) = (&node.name.value, family.other());
                out.at(node.name.span, format!("the node {name} has no {other} InternalIP"));
            }
        }
    }),
};

pub(crate) const UNSET: Rule = Rule {
    code: "DS207",
    name: "node-ip-unset",
    area: Area::Nodes,
    level: Level::Note,
    versions: Versions::since(20),
    summary: "The cluster is dual-stack, and a node's node-ip is not set.",
    why: "Without a cloud provider the kubelet detects a single address: IPv4 if the node has one.",
    fix: "Set node-ip to the node's addresses of both families, the primary one first.",
    sources: &[DOCS],
    enforced_by: SYMPTOM,
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        join!(name = "node-2")
    ))],
    check: Check::Model(|model, out| {
        // What Cluster API's providers tell the kubelet is not in its documents, and a command line
        // for kubeadm doesn't hold it.
        let unset = |node: &&NodeConfiguration| {
            node.node_ip.is_none() && node.tool.is_none() && node.api.is_some()
        };
        // kind gives its nodes both addresses.
        for node in own(model).filter(unset).filter(|_| model.kinds.is_empty()) {
            let span = node.registration.unwrap_or(node.at);
            out.at(span, "node-ip is not set: the kubelet detects an address of one family only");
        }
    }),
};
