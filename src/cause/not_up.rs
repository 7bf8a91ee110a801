//! Pods of the run's own that did not come up, and what could not be told for that.

use std::collections::{BTreeMap, BTreeSet};

use super::Evidence;
use crate::{check::Status, fixture::WorkloadState, probe::Outcome};

/// The nodes on which pods did not come up for such a reason, each with the reasons, where pods did on
/// others. Those that answered later came up after all: nothing keeps their nodes from it.
pub(super) fn by_node<'a>(
    evidence: &Evidence<'a>,
    such: impl Fn(&str) -> bool,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let fixture = evidence.world.fixture;
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let answered = |pod: &str| {
        let attempts = evidence.probed.iter().flat_map(|probed| probed.reading.attempts);
        attempts.into_iter().any(
            |attempt| matches!(&attempt.outcome, Outcome::Answered(answer) if answer.pod == pod),
        )
    };
    for pod in fixture.backends.iter().chain(&fixture.probes) {
        if let WorkloadState::Failed { reason } = &pod.state
            && such(reason)
            && !pod.pod.as_deref().is_some_and(answered)
        {
            found.entry(&pod.node).or_default().push(reason);
        }
    }
    found
}

/// The cases that could not be told since pods on a node did not come up.
pub(super) fn cases(evidence: &Evidence<'_>, node: &str) -> BTreeSet<usize> {
    let because = format!("on {node} did not come up: ");
    (0..evidence.judged.len())
        .filter(|&place| {
            let verdict = &evidence.judged[place].verdict;
            verdict.status() == Status::Inconclusive && verdict.detail().contains(&because)
        })
        .collect()
}
