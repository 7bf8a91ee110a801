//! Pod ranges with room for few nodes, though nobody says how many there are to be.

use crate::lint::{
    capacity::{Resource, Room, rooms},
    model::{Model, Owner},
};

use super::{
    Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
    documents::{cluster, documents, init, join, kind},
};

/// Below this many nodes a family that has less room than the other was hardly meant so.
const FEW: u64 = 32;

pub(super) const FEW_NODES: Rule = Rule {
    code: "DS804",
    name: "room-for-few-nodes",
    area: Area::Capacity,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A pod range has room for one node, for fewer than the file lists, or in one family \
              for far fewer than in the other.",
    why: "Each node takes its own range from every pod range, a /24 and a /64 by default. Nodes \
          beyond the room get none in that family, and the smaller family decides how many nodes \
          the cluster can have. Of kind's nodes the workers are counted: Pods on control planes usually share \
          the node's own addresses. Of others all that run a kubelet are: kubeadm's \
          nodes, RKE's and k0sctl's lists, and the replicas of Cluster API.",
    fix: "Choose a larger pod range (an IPv6 /56 has room for 256 nodes of /64), or a longer node \
          mask.",
    sources: &[
        "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/",
    ],
    enforced_by: &[EnforcedBy::Symptom("nodes beyond the room get no pod range")],
    good: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(concat!(
            kind!("ipFamily: dual", "podSubnet: 10.244.0.0/16,fd00:10:244::/64"),
            "nodes:\n  - role: control-plane\n"
        )),
        // The file lists no more.
        Example::new(
            "\
nodes:
  - {address: 192.168.0.11, role: [controlplane, etcd, worker]}
services:
  kube-controller:
    cluster_cidr: 10.42.0.0/24,fd00:42::/64
    service_cluster_ip_range: 10.43.0.0/16,fd00:43::/112
  kube-api: {service_cluster_ip_range: \"10.43.0.0/16,fd00:43::/112\"}
",
        ),
    ],
    bad: &[
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/24,fd00:10:244::/64",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/60",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        )),
        Example::new(concat!(
            kind!("ipFamily: dual", "podSubnet: 10.244.0.0/16,fd00:10:244::/64"),
            "nodes:\n  - role: control-plane\n  - role: worker\n  - role: worker\n"
        )),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/23,fd00:10:244::/63",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            init!(name = "n1", node_ip = "192.168.0.11,fd00:192::11"),
            join!(name = "n2", node_ip = "192.168.0.12,fd00:192::12"),
            join!(name = "n3", node_ip = "192.168.0.13,fd00:192::13")
        ))
        .also(&["DS406"]),
        Example::new(
            "\
apiVersion: cluster.x-k8s.io/v1beta1
kind: Cluster
metadata: {name: edge}
spec:
  clusterNetwork:
    pods: {cidrBlocks: [10.244.0.0/16, \"fd00:10:244::/63\"]}
    services: {cidrBlocks: [10.96.0.0/16, \"fd00:10:96::/112\"]}
---
apiVersion: cluster.x-k8s.io/v1beta1
kind: MachineDeployment
metadata: {name: edge-md-0}
spec:
  clusterName: edge
  replicas: 3
",
        ),
    ],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    // What the user plans is compared elsewhere, and Cilium's own pool is not the controller
    // manager's.
    let own_pool = model.cilium.iter().any(|cilium| !cilium.pools.is_empty());
    if model.asked.nodes.is_some() || model.asked.live || own_pool {
        return;
    }
    let rooms = rooms(model);
    let nodes: Vec<&Room> = rooms.iter().filter(|room| room.resource == Resource::Nodes).collect();
    let workers = model.kinds.iter().find_map(|kind| kind.workers.as_ref());
    let listed = model.node_count();
    for room in &nodes {
        let (family, from, most) = (room.family, &room.from, room.room);
        let other = nodes.iter().find(|other| other.family != family);
        if let Some(workers) = workers {
            if most > 0 && most < workers.value {
                let count = workers.value;
                let noun = if most == 1 { "node" } else { "nodes" };
                let message = format!(
                    "{family} has room for {most} {noun} ({from}), but {count} are workers"
                );
                out.at(room.setting.span, message).also(workers.span, format!("{count} workers"));
            }
        } else if let Some(listed) = listed.as_ref().filter(|listed| most < listed.value) {
            let count = listed.value;
            let noun = if most == 1 { "node" } else { "nodes" };
            let message =
                format!("{family} has room for {most} {noun} ({from}), but {count} are listed");
            out.at(room.setting.span, message).also(listed.span, "nodes");
        } else if most == 1 && listed.as_ref().is_some_and(|listed| listed.value == 1) {
            // It is to be a single node.
        } else if most == 1 && model.pods().is_some_and(|pods| pods.owner != Owner::Kind) {
            out.at(room.setting.span, format!("{family} has room for one node only ({from})"));
        } else if let Some(other) = other
            && (2..FEW).contains(&most)
            && most < other.room
        {
            let more = other.room;
            let more = if more >= FEW { "more".to_owned() } else { more.to_string() };
            let message =
                format!("{family} has room for {most} nodes ({from}), the other family for {more}");
            out.at(room.setting.span, message)
                .level(Level::Note)
                .also(other.setting.span, other.from.clone());
        }
    }
}
