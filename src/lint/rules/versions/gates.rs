//! The feature gate IPv6DualStack, where it is gone and where it was needed.

use crate::lint::{
    model::{Asked, GateReader, Tool, Version},
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, proxy},
    },
};

const GATE: &str = "IPv6DualStack";
const GATES: &[&str] = &[
    "https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates-removed/",
    "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/563-dual-stack",
];

pub(crate) const REMOVED: Rule = Rule {
    code: "DS403",
    name: "dual-stack-gate-removed",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions::since(24),
    summary: "The removed feature gate IPv6DualStack is set.",
    why: "Dual-stack is on by default since 1.21 and can't be turned off since 1.23. The gate was \
          removed from kubeadm in 1.24 and from the other components in 1.25; they reject unknown \
          gates.",
    fix: "Remove the gate.",
    sources: GATES,
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "reading its configuration",
        text: "IPv6DualStack is not a valid feature name",
    }],
    good: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
featureGates:
  IPv6DualStack: true
networking:
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112
",
        )
        .asked(Asked::kubernetes(20)),
    ],
    bad: &[Example::new(
        "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
featureGates:
  IPv6DualStack: true
",
    )],
    check: Check::Model(|model, out| {
        let version = model.version_or_current();
        for gate in model.gates.iter().filter(|gate| gate.name.value == GATE) {
            let (who, gone) = match gate.reader {
                GateReader::Kubeadm => ("kubeadm", Version::v1(24)),
                GateReader::Kubelet => ("the kubelet", Version::v1(25)),
                GateReader::Proxy => ("kube-proxy", Version::v1(25)),
                GateReader::ControlPlane => ("the control plane", Version::v1(25)),
                GateReader::Kind => ("every component", Version::v1(25)),
            };
            if version >= gone {
                let message = format!("the feature gate {GATE} was removed from {who} in {gone}");
                out.at(gate.name.span, message);
            }
        }
    }),
};

pub(crate) const NEEDED: Rule = Rule {
    code: "DS404",
    name: "dual-stack-gate-needed",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions::until(20),
    summary: "Two families are configured for a version that needs the gate IPv6DualStack.",
    why: "From 1.16 to 1.20 dual-stack was an alpha feature: without the gate kubeadm and the \
          components, kube-proxy with its clusterCIDR among them, reject a second range. Before \
          1.16 Kubernetes has no dual-stack support.",
    fix: "Set the feature gate IPv6DualStack to true for kubeadm, which passes it to the \
          components, and in a KubeProxyConfiguration of your own, or use 1.21 or later.",
    sources: GATES,
    enforced_by: &[EnforcedBy::Refused {
        by: "kubeadm or kube-proxy before 1.21",
        how: "rejects the second range",
    }],
    good: &[
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: v1.20.0
featureGates:
  IPv6DualStack: true
networking:
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112
",
        ),
        Example::new(
            "\
kube_version: v1.20.7
enable_dual_stack_networks: true
kube_pods_subnet: 10.233.64.0/18
kube_service_addresses: 10.233.0.0/18
",
        ),
    ],
    bad: &[
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: v1.20.0
networking:
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112
",
        ),
        Example::new(proxy!("clusterCIDR: 10.244.0.0/16,fd00:10:244::/56"))
            .asked(Asked::kubernetes(19)),
    ],
    check: Check::Model(|model, out| {
        let version = model.version_or_current();
        let on =
            |gate: &crate::lint::model::Gate| gate.name.value == GATE && gate.enabled == Some(true);
        // kubespray sets the gate itself where it is told to have both families.
        let kubespray = model.installs.iter().any(|install| install.tool == Tool::Kubespray);
        if version >= Version::v1(16) && (kubespray || model.gates.iter().any(on)) {
            return;
        }
        let lists = [model.pods(), model.services(), model.proxy_lists().first().copied()];
        let Some(list) = lists.into_iter().flatten().find(|list| list.is_dual()) else { return };
        let message = if version < Version::v1(16) {
            format!("Kubernetes {version} has no dual-stack support; it was added in 1.16")
        } else {
            format!("Kubernetes {version} accepts a second range only with {GATE}=true")
        };
        out.at(list.text.span, message);
    }),
};
