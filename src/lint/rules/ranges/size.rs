//! Ranges that are too small or too large for the components.

use ipnet::IpNet;

use crate::{
    lint::{
        model::{Asked, Model, Owner, RangeList, Tool, Version},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, controller_manager},
        },
    },
    net::IpFamily,
};

const KUBEADM: &str =
    "https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/dual-stack-support/";
const PHASE: &str = "reading its configuration";

/// Host bits of a range: its addresses as a power of two.
fn host_bits(range: &IpNet) -> u8 {
    IpFamily::of_range(range).bits().saturating_sub(range.prefix_len())
}

fn too_small<'a>(lists: impl IntoIterator<Item = &'a RangeList>, minimum: u32, out: &mut Findings) {
    for list in lists.into_iter().filter(|list| list.owner != Owner::ServiceCidr) {
        for (entry, range) in list.ranges() {
            let addresses = 1_u64.checked_shl(host_bits(&range).into()).unwrap_or(u64::MAX);
            if addresses < u64::from(minimum) {
                let noun = list.role.noun();
                let message = format!(
                    "the {noun} {range} has {addresses} addresses; at least {minimum} are needed"
                );
                let longest = IpFamily::of_range(&range).bits() - 4;
                out.at(entry.text.span, message)
                    .fix(format!("the smallest range allowed is a /{longest}"));
            }
        }
    }
}

pub(crate) const SERVICES_TOO_SMALL: Rule = Rule {
    code: "DS103",
    name: "service-range-too-small",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A Service range has fewer than ten addresses.",
    why: "The tenth address is the address of the cluster DNS Service.",
    fix: "Use a /16 for IPv4 and a /112 for IPv6 unless you need other sizes.",
    sources: &[KUBEADM],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "is too small, the minimum is 10",
    }],
    good: &[Example::new(cluster!("serviceSubnet: 10.96.0.0/28"))],
    bad: &[Example::new(cluster!("serviceSubnet: 10.96.0.0/29"))],
    check: Check::Model(|model, out| too_small(model.service_lists(), 10, out)),
};

pub(crate) const PODS_TOO_SMALL: Rule = Rule {
    code: "DS104",
    name: "pod-range-too-small",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A pod range has fewer than 14 addresses, before 1.20 fewer than ten.",
    why: "kubeadm rejects it: there is no room for the Pods of even one node.",
    fix: "Use at least a /16 for IPv4 and a /56 for IPv6: each node gets a /24 and a /64 by \
          default.",
    sources: &[KUBEADM],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "is too small, the minimum is 14",
    }],
    good: &[Example::new(concat!(
        cluster!("podSubnet: 10.244.0.0/27"),
        controller_manager!("node-cidr-mask-size-ipv4" = "28")
    ))],
    bad: &[Example::new(concat!(
        cluster!("podSubnet: 10.244.0.0/29"),
        controller_manager!("node-cidr-mask-size-ipv4" = "30")
    ))],
    check: Check::Model(|model, out| {
        let minimum = if model.version_or_current() < Version::v1(20) { 10 } else { 14 };
        too_small(model.pod_lists(), minimum, out);
    }),
};

pub(crate) const SERVICES_TOO_LARGE: Rule = Rule {
    code: "DS105",
    name: "service-range-too-large",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A Service range has more than 20 host bits (IPv4 /12, IPv6 /108).",
    why: "Service addresses were tracked in a bitmap in etcd. Since 1.34 kube-apiserver itself \
          accepts larger ranges, because the bitmap is gone (MultiCIDRServiceAllocator with \
          DisableAllocatorDualWrite), but kubeadm still rejects them.",
    fix: "Use a /108 or smaller for IPv6, a /12 or smaller for IPv4.",
    sources: &[
        KUBEADM,
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/1880-multiple-service-cidrs",
        "https://github.com/k0sproject/k0s/pull/6874",
    ],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "specified service subnet is too large",
    }],
    good: &[
        Example::new(cluster!("serviceSubnet: 10.96.0.0/12,fd00:10:96::/108")),
        // Not by kubeadm: kube-apiserver itself takes it.
        Example::new(
            "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
    - command:
        - kube-apiserver
        - --advertise-address=192.168.0.11
        - --service-cluster-ip-range=10.96.0.0/12,fd00:10:96::/64
",
        ),
    ],
    bad: &[
        Example::new(cluster!("serviceSubnet: 10.96.0.0/12,fd00:10:96::/64")),
        Example::new(
            "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
    - command:
        - kube-apiserver
        - --advertise-address=192.168.0.11
        - --service-cluster-ip-range=10.96.0.0/12,fd00:10:96::/64
",
        )
        .asked(Asked::kubernetes(33)),
    ],
    check: Check::Model(too_large),
};

fn too_large(model: &Model, out: &mut Findings) {
    let off = |name: &str| {
        model.gates.iter().any(|gate| gate.name.value == name && gate.enabled == Some(false))
    };
    // Both gates are on by default from 1.34.
    let no_bitmap = model.version_or_current() >= Version::v1(34)
        && !off("MultiCIDRServiceAllocator")
        && !off("DisableAllocatorDualWrite");
    let by_kubeadm = !model.clusters.is_empty()
        || model.nodes.iter().any(|node| node.tool == Some(Tool::ClusterApi));
    for list in model.service_lists() {
        let limited = match list.owner {
            Owner::Kubeadm | Owner::Kind | Owner::Tool(Tool::Kubespray | Tool::KubeOne) => true,
            // Where its machines are set up by kubeadm, that gets the range.
            Owner::Tool(Tool::ClusterApi) if by_kubeadm => true,
            // k0s looks itself since its 1.35.
            Owner::Tool(Tool::K0s) if model.version_or_current() >= Version::v1(35) => true,
            Owner::ApiServer => !no_bitmap,
            // Without a version the older limit counts: most clusters are below 1.34 still.
            Owner::Tool(_) => !no_bitmap || model.version().is_none(),
            Owner::ControllerManager | Owner::Proxy | Owner::ServiceCidr => false,
        };
        for (entry, range) in list.ranges().filter(|_| limited) {
            if host_bits(&range) > 20 {
                let shortest = IpFamily::of_range(&range).bits() - 20;
                let message = format!("the Service range {range} is larger than a /{shortest}");
                out.at(entry.text.span, message);
            }
        }
    }
}
