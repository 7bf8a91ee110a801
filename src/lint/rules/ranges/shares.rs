//! Pod ranges of which nothing is left for the nodes.

use crate::{
    lint::{
        capacity::shares_taken,
        model::{Model, read_ranges},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::cluster,
        },
    },
    net::{IpFamily, relation},
};

pub(crate) const NONE_LEFT: Rule = Rule {
    code: "DS118",
    name: "services-take-all-node-ranges",
    area: Area::Ranges,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The Service range leaves no part of the pod range for nodes.",
    why: "kube-controller-manager doesn't allocate node ranges that overlap the Service range. If \
          all of them overlap, no node gets a pod range, and all stay NotReady.",
    fix: "Choose a Service range outside the pod range.",
    sources: &[
        "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/",
        "https://github.com/kubernetes/kubeadm/issues/3312",
    ],
    enforced_by: &[EnforcedBy::Warns {
        binary: Binary::ControllerManager,
        text: "there are no remaining CIDRs left to allocate",
    }],
    good: &[Example::new(cluster!(
        "podSubnet: fd00:10:244::/63",
        "serviceSubnet: fd00:10:96::/108"
    ))],
    bad: &[
        Example::new(cluster!("podSubnet: fd00:10:244::/64", "serviceSubnet: fd00:10:244::/108"))
            .also(&["DS112"]),
        Example::new(cluster!("podSubnet: 10.96.0.0/16", "serviceSubnet: 10.96.0.0/12"))
            .also(&["DS112"]),
    ],
    check: Check::Model(none_left),
};

fn none_left(model: &Model, out: &mut Findings) {
    let Some(services) = model.services().filter(|_| model.allocates_node_ranges()) else { return };
    for (_, entry, range) in read_ranges(model.pods()) {
        let (mask, _) = model.node_mask(IpFamily::of_range(&range));
        let Some(bits) = mask.checked_sub(range.prefix_len()) else { continue };
        let all = 1_u64.checked_shl(bits.into()).unwrap_or(u64::MAX);
        if shares_taken(range, mask, services) < all {
            continue;
        }
        let taker = services.ranges().find(|(_, services)| relation(&range, services).overlaps());
        let Some((taker, services)) = taker else { continue };
        let message = format!("the Service range {services} leaves no room for nodes in {range}");
        out.at(entry.text.span, message).also(taker.text.span, "Service range");
    }
}
