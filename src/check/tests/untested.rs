//! Nodes that could not be tested.

use crate::{
    check::{REGISTRY, Stage, Status},
    exit::Exit,
    fixture::{Exclusion, ExclusionKind, SelectedNode},
    lab::Lab,
};

/// A healthy cluster with one more node, which takes no part.
fn lab(kind: ExclusionKind) -> Lab {
    Lab::dual().changed(|lab| {
        let reason = "NotReady: no CNI".to_owned();
        let excluded = Some(Exclusion { reason, kind });
        lab.fixture.nodes.push(SelectedNode { name: "n4".to_owned(), excluded });
    })
}

#[test]
fn a_node_that_nobody_left_out_never_hides_in_a_green() {
    let lab = lab(ExclusionKind::Unavailable).with_target().guarded().with_changes();
    let run = lab.within("1s").run();
    assert_eq!(run.record.exit(), Exit::Inconclusive);
    for check in REGISTRY.iter().filter(|check| check.promise().stage > Stage::Facts) {
        let verdict = &run.case(&format!("{}/n4", check.id())).verdict;
        assert_eq!(verdict.status(), Status::Inconclusive);
        assert_eq!(verdict.detail(), "not tested: NotReady: no CNI");
    }
}

#[test]
fn a_node_that_is_missing_where_all_were_asked_for_is_a_failure() {
    let run = lab(ExclusionKind::Required).run();
    assert_eq!(run.record.exit(), Exit::Failed);
    assert_eq!(run.case("dns::records/n4").verdict.status(), Status::Fail);
}

#[test]
fn a_node_that_was_left_out_on_purpose_is_no_case() {
    let run = lab(ExclusionKind::Deliberate).run();
    assert_eq!(run.record.exit(), Exit::Passed);
    assert_eq!(run.record.judged.len(), Lab::dual().run().record.judged.len());
}
