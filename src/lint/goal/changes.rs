//! What the files of a cluster must say.

use super::{lacks::Lacks, steps::Change};
use crate::lint::model::Model;

/// What the files must say to give Pods and Services both families.
pub(super) fn changes(model: &Model, lacks: &Lacks<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (missing, lists, new) in [
        (lacks.pods, model.pod_lists(), &lacks.pod_ranges),
        (lacks.services, model.service_lists(), &lacks.service_ranges),
    ] {
        for list in lists.into_iter().filter(|_| missing) {
            let field = list.field.to_owned();
            changes.push(Change { at: list.text.span, field, new: new.clone() });
        }
    }
    for kind in &model.kinds {
        if lacks.pods || lacks.services {
            let at = kind.family.as_ref().map_or(kind.at, |family| family.span);
            changes.push(Change { at, field: "networking.ipFamily".into(), new: "dual".into() });
        }
    }
    let other = lacks.other();
    for list in model.nodes.iter().filter_map(|node| node.node_ip.as_ref()) {
        if list.entries.iter().all(|entry| entry.family() == Some(lacks.first)) {
            let new = format!("{},<{other} of the node>", list.text.value);
            changes.push(Change { at: list.text.span, field: "node-ip".into(), new });
        }
    }
    changes
}
