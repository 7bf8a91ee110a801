//! The controller manager's flags for the size of nodes' pod ranges.

use crate::{
    lint::{
        model::{Asked, ComponentName, Version},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{cluster, controller_manager},
        },
    },
    net::IpFamily,
};

const FLAGS: &str =
    "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/";
const COMMON: &str = "node-cidr-mask-size";
const PHASE: &str = "starting its node IPAM controller";

const fn own(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "node-cidr-mask-size-ipv4",
        IpFamily::V6 => "node-cidr-mask-size-ipv6",
    }
}

pub(crate) const ONE_MASK_FOR_TWO: Rule = Rule {
    code: "DS301",
    name: "one-node-mask-for-two-families",
    area: Area::Components,
    level: Level::Error,
    versions: Versions::since(17),
    summary: "node-cidr-mask-size is set in a dual-stack cluster.",
    why: "One prefix length can't fit both families. kubeadm accepts it, but \
          kube-controller-manager then crash-loops and no node gets a pod range.",
    fix: "Set node-cidr-mask-size-ipv4 and node-cidr-mask-size-ipv6.",
    sources: &[FLAGS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ControllerManager,
        phase: PHASE,
        text: "usage of --node-cidr-mask-size is not allowed with dual-stack clusters",
    }],
    good: &[Example::new(concat!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        controller_manager!("node-cidr-mask-size-ipv4" = "24", "node-cidr-mask-size-ipv6" = "64")
    ))],
    bad: &[Example::new(concat!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        controller_manager!("node-cidr-mask-size" = "24")
    ))],
    check: Check::Model(|model, out| {
        if model.is_dual() != Some(true) || !model.allocates_node_ranges() {
            return;
        }
        for component in model.components(ComponentName::ControllerManager) {
            let Some(flag) = component.args.get(COMMON) else { continue };
            let finding =
                out.at(flag.span, "node-cidr-mask-size is not allowed in a dual-stack cluster");
            if let Some(pods) = model.pods() {
                finding.also(pods.text.span, "two pod ranges");
            }
        }
    }),
};

pub(crate) const OTHER_FAMILYS_MASK: Rule = Rule {
    code: "DS302",
    name: "node-mask-of-absent-family",
    area: Area::Components,
    level: Level::Error,
    versions: Versions::since(17),
    summary: "A node mask is set for a family that the Pods don't have, or the same mask is set \
              twice.",
    why: "kube-controller-manager rejects such flags and exits. Up to 1.22 it rejects the masks of \
          families in every cluster of one family, be it theirs.",
    fix: "Remove the flag, or add a pod range of that family.",
    sources: &[FLAGS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::ControllerManager,
        phase: PHASE,
        text: "is not allowed",
    }],
    good: &[Example::new(concat!(
        cluster!("podSubnet: 10.244.0.0/16"),
        controller_manager!("node-cidr-mask-size" = "24")
    ))],
    bad: &[
        Example::new(concat!(
            cluster!("podSubnet: 10.244.0.0/16"),
            controller_manager!("node-cidr-mask-size-ipv6" = "64")
        )),
        Example::new(concat!(
            cluster!("podSubnet: 10.244.0.0/16"),
            controller_manager!("node-cidr-mask-size" = "24", "node-cidr-mask-size-ipv4" = "24")
        )),
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
networking:
  podSubnet: 10.244.0.0/16
controllerManager:
  extraArgs:
    node-cidr-mask-size-ipv4: \"24\"
",
        )
        .asked(Asked::kubernetes(22)),
    ],
    check: Check::Model(|model, out| {
        let [family] = model.pod_families()[..] else { return };
        let version = model.version_or_current();
        if !model.allocates_node_ranges() {
            return;
        }
        for component in model.components(ComponentName::ControllerManager) {
            let common = component.args.get(COMMON);
            let absent = component.args.get(own(family.other()));
            let same = component.args.get(own(family));
            if let (Some(common), Some(flag)) = (common, absent.or(same)) {
                out.at(
                    flag.span,
                    "a mask for one family can't be combined with node-cidr-mask-size",
                )
                .also(common.span, "mask for all families");
            } else if let Some(flag) = absent {
                let other = family.other();
                out.at(flag.span, format!("a node mask for {other}, which the Pods don't have"));
            } else if let Some(flag) = same.filter(|_| version < Version::v1(23)) {
                let message = format!("{version} takes this in clusters of both families only");
                out.at(flag.span, message).fix(format!("use {COMMON}"));
            }
        }
    }),
};
