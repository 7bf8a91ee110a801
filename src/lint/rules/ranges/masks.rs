//! The pod range against the range that each node gets of it.

use crate::{
    lint::{
        model::{Asked, Model, Owner, read_ranges},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::cluster,
        },
    },
    net::IpFamily,
};

const FLAGS: &str =
    "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/";
const PHASE: &str = "reading its configuration";

/// Calls back for every pod range with its length, the node mask and its family.
fn masks(model: &Model, out: &mut Findings, wrong: impl Fn(u8, u8) -> Option<String>) {
    if !model.allocates_node_ranges() {
        return;
    }
    for (list, entry, range) in read_ranges(model.pod_lists()) {
        let family = IpFamily::of_range(&range);
        let (mask, flag) = model.node_mask(family);
        let Some(message) = wrong(range.prefix_len(), mask) else { continue };
        let finding = out.at(entry.text.span, message);
        match flag {
            Some(flag) => {
                finding.also(flag.span, format!("each node gets a /{mask}"));
            }
            None if list.owner != Owner::ControllerManager => {
                let name = family.slug();
                finding.fix(format!(
                    "each node gets a /{mask} by default; set the controller manager's \
                     --node-cidr-mask-size-{name} to change that"
                ));
            }
            None => {}
        }
    }
}

pub(crate) const NODE_MASK_TOO_SHORT: Rule = Rule {
    code: "DS106",
    name: "pod-range-below-node-mask",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The pod range is smaller than the range that each node gets from it.",
    why: "No node gets a pod range. kubeadm 1.20 and later rejects the configuration.",
    fix: "Choose a larger pod range, or a longer node mask.",
    sources: &[FLAGS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "is smaller than the size of node subnet with mask",
    }],
    good: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/23,fd00:10:244::/63",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        // Before 1.20 kubeadm derived the mask from the range: each node got a /120 of this one.
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
featureGates:
  IPv6DualStack: true
networking:
  podSubnet: 10.10.0.0/16,2019:20::/112
  serviceSubnet: 10.20.0.0/16,2019:30::/112
",
        )
        .asked(Asked::kubernetes(19)),
    ],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/112",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    check: Check::Model(|model, out| {
        masks(model, out, |length, mask| {
            (length > mask).then(|| {
                format!("a pod range of /{length} is smaller than the /{mask} that each node gets")
            })
        });
    }),
};

pub(crate) const NODE_MASK_TOO_FAR: Rule = Rule {
    code: "DS107",
    name: "pod-range-far-above-node-mask",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "The node mask is more than 16 bits longer than the pod range's.",
    why: "kube-controller-manager tracks the nodes' ranges in a bitmap of at most 65,536 entries.",
    fix: "Choose a smaller pod range (for IPv6 at most a /48 with a /64 per node), or a shorter \
          node mask.",
    sources: &[FLAGS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: PHASE,
        text: "difference is greater than 16",
    }],
    good: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/48",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16,fd00::/32",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))],
    check: Check::Model(|model, out| {
        masks(model, out, |length, mask| {
            let difference = mask.saturating_sub(length);
            (difference > 16).then(|| {
                format!(
                    "the nodes' /{mask} is {difference} bits longer than the pod range's \
                     /{length}; at most 16 are allowed"
                )
            })
        });
    }),
};
