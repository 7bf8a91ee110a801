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
    let attempts = evidence.probed.iter().flat_map(|probed| probed.reading.attempts);
    let answered: BTreeSet<&str> = attempts
        .filter_map(|attempt| match &attempt.outcome {
            Outcome::Answered(answer) => Some(answer.pod.as_str()),
            _ => None,
        })
        .collect();
    for pod in fixture.backends.iter().chain(&fixture.probes) {
        if let WorkloadState::Failed { reason } = &pod.state
            && such(reason)
            && !pod.pod.as_deref().is_some_and(|pod| answered.contains(pod))
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
