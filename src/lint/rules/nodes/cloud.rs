//! Pairs of node-ips and cloud providers.

use crate::lint::{
    model::{Asked, GateReader, Model},
    rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
};

const PAIR_AND_CLOUD: &str = "\
apiVersion: kubeadm.k8s.io/v1beta3
kind: JoinConfiguration
nodeRegistration:
  kubeletExtraArgs:
    cloud-provider: external
    node-ip: 192.168.0.12,fd00:192::12
";

pub(crate) const PAIR: Rule = Rule {
    code: "DS210",
    name: "node-ip-pair-cloud-provider",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::until(28),
    summary: "A pair of node-ips is set together with a cloud provider, before 1.29.",
    why: "Up to 1.28 the kubelet takes a pair of addresses only without a cloud provider, and exits \
          otherwise: \"dual-stack --node-ip not supported when using a cloud provider\". In 1.27 and \
          1.28 the feature gate CloudDualStackNodeIPs lets external ones have both.",
    fix: "Set one node-ip, set the gate CloudDualStackNodeIPs, or move to 1.29 or later.",
    sources: &[
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/3705-cloud-node-ips",
        "https://github.com/kubernetes/cloud-provider-openstack/issues/2322",
    ],
    enforced_by: &[EnforcedBy::Refused { by: "the kubelet", how: "exits at its start" }],
    good: &[Example::new(PAIR_AND_CLOUD).asked(Asked::kubernetes(29))],
    bad: &[Example::new(PAIR_AND_CLOUD).asked(Asked::kubernetes(28))],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    let gate = model.gates.iter().any(|gate| {
        gate.name.value == "CloudDualStackNodeIPs"
            && gate.enabled == Some(true)
            && matches!(gate.reader, GateReader::Kubelet | GateReader::Kind)
    });
    for node in model.nodes.iter().filter(|_| !gate) {
        let cloud = node.kubelet.get("cloud-provider").filter(|cloud| !cloud.value.is_empty());
        let pair = node.node_ip.as_ref().filter(|list| list.entries.len() == 2);
        if let (Some(cloud), Some(pair)) = (cloud, pair) {
            out.at(pair.text.span, "the kubelet rejects two node-ips with a cloud provider")
                .also(cloud.span, "cloud provider");
        }
    }
}
