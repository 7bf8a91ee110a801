//! Ranges too small for what the cluster is to hold.

use crate::lint::{
    capacity::{Resource, max_pods, rooms},
    model::{Asked, Model},
};

use super::{
    Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
    documents::{cluster, documents, kubelet},
};

const DOCS: &str = "https://kubernetes.io/docs/setup/best-practices/cluster-large/";
const SMALL: &str = cluster!(
    "podSubnet: 10.244.0.0/20,fd00:10:244::/60",
    "serviceSubnet: 10.96.0.0/24,fd00:10:96::/112"
);

const fn asked(nodes: Option<u64>, pods_per_node: Option<u64>, services: Option<u64>) -> Asked {
    Asked { nodes, pods_per_node, services, ..Asked::NOTHING }
}

fn check(model: &Model, out: &mut Findings, resource: Resource) {
    for room in rooms(model).iter().filter(|room| room.resource == resource && !room.fits()) {
        let asked = room.asked.unwrap_or_default();
        let (family, from) = (room.family, &room.from);
        let (noun, most) = (resource.as_str(), room.room);
        let message =
            format!("{family} has room for {most} {noun} ({from}), but {asked} are planned");
        out.at(room.setting.span, message);
    }
}

pub(super) const NODES: Rule = Rule {
    code: "DS801",
    name: "too-few-node-ranges",
    area: Area::Capacity,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The pod range has room for fewer nodes than planned.",
    why: "A node without a pod range never becomes ready.",
    fix: "Choose a larger pod range, or a longer node mask.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("nodes stay NotReady once the pod range is used up")],
    good: &[Example::new(SMALL).asked(asked(Some(16), None, None))],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/20,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))
    .asked(asked(Some(17), None, None))],
    check: Check::Model(|model, out| check(model, out, Resource::Nodes)),
};

pub(super) const PODS: Rule = Rule {
    code: "DS802",
    name: "too-few-pod-addresses",
    area: Area::Capacity,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A node's pod range, or maxPods, is too small for the planned number of Pods.",
    why: "Pods beyond the limit stay Pending or in ContainerCreating.",
    fix: "Choose a shorter node mask, and set the kubelet's maxPods (110 by default).",
    sources: &[DOCS, "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"],
    enforced_by: &[EnforcedBy::Symptom(
        "Pods stay in ContainerCreating because no address is left",
    )],
    good: &[Example::new(SMALL).asked(asked(None, Some(110), None))],
    bad: &[
        Example::new(SMALL).asked(asked(None, Some(111), None)),
        Example::new(documents!(cluster!("podSubnet: 10.244.0.0/20"), kubelet!("maxPods: 500"))),
    ],
    check: Check::Model(|model, out| {
        check(model, out, Resource::PodsPerNode);
        let most = max_pods(model);
        let set = model.kubelets.iter().filter_map(|kubelet| kubelet.max_pods.as_ref());
        let rooms = rooms(model);
        let per_node = || rooms.iter().filter(|room| room.resource == Resource::PodsPerNode);
        match model.asked.pods_per_node {
            Some(asked) if asked > most => {
                let message =
                    format!("the kubelet runs at most {most} Pods, but {asked} are planned");
                let set = set.map(|max| max.span).next();
                let first = per_node().next().map(|room| room.setting.span);
                if let Some(span) = set.or(first) {
                    out.at(span, message).fix("set maxPods in the KubeletConfiguration");
                }
            }
            Some(_) => {}
            None => {
                for max in set {
                    for room in per_node().filter(|room| room.room < max.value) {
                        let (family, addresses) = (room.family, room.room);
                        let message = format!(
                            "maxPods is {}, but a node has {addresses} {family} addresses for Pods",
                            max.value
                        );
                        out.at(max.span, message).also(room.setting.span, room.from.clone());
                    }
                }
            }
        }
    }),
};

pub(super) const SERVICES: Rule = Rule {
    code: "DS803",
    name: "too-few-service-addresses",
    area: Area::Capacity,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The Service range has room for fewer Services than planned.",
    why: "The API server rejects new Services once the range is used up.",
    fix: "Choose a larger Service range, or add one with a ServiceCIDR object.",
    sources: &["https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/"],
    enforced_by: &[EnforcedBy::Symptom("new Services are rejected once the range is used up")],
    good: &[Example::new(SMALL).asked(asked(None, None, Some(254)))],
    bad: &[Example::new(SMALL).asked(asked(None, None, Some(255)))],
    check: Check::Model(|model, out| check(model, out, Resource::Services)),
};
