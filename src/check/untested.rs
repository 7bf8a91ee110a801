//! The cases of nodes that could not be tested: what is left out must not hide in a green.

use super::{Failure, Judge, PlannedCase, Subject, Verdict, World};
use crate::fixture::{Exclusion, ExclusionKind};

/// One case for each node that takes no part although nobody left it out: no check that needs the
/// fixture can say anything about such a node.
pub(crate) fn untested(world: World<'_>) -> Vec<PlannedCase> {
    let nodes = world.fixture.untested();
    nodes
        .map(|(name, exclusion)| PlannedCase {
            subject: Subject::Node { name: name.to_owned() },
            family: None,
            probes: Vec::new(),
            witnesses: Vec::new(),
            judge: Judge::settled(verdict(name, exclusion)),
        })
        .collect()
}

fn verdict(node: &str, exclusion: &Exclusion) -> Verdict {
    // Without the node's name: of many nodes the same is said once.
    let detail = format!("not tested: {exclusion}");
    if exclusion.kind != ExclusionKind::Required {
        return Verdict::inconclusive(detail);
    }
    let reason = exclusion.reason.trim_end_matches('.');
    let failure = Failure::new(format!(
        "Node {node} was not tested, although all nodes were requested: {reason}."
    ))
    .reproduce([format!("kubectl describe node {node}")])
    .fix([
        format!("Make {node} ready, and run again."),
        format!("If it should be left out, cordon it (`kubectl cordon {node}`) or choose the nodes with --nodes."),
    ]);
    Verdict::fail(detail, failure)
}
