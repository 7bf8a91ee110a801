//! Pod ranges with room for few nodes, though nobody says how many there are to be.

use crate::lint::{
    capacity::{Resource, Room, rooms},
    model::{Model, Owner},
};

use super::{
    Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
    documents::{cluster, kind},
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
    why: "Each node takes a range of its own from every pod range, a /24 and a /64 by default. Nodes \
          beyond the room get none in that family, and the smaller family decides how many nodes \
          the cluster can have. Of kind's nodes the workers are counted: Pods on control planes \
          mostly share the node's own addresses.",
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
