//! What changed between two runs: a pure function over two records.
//!
//! Cases are matched by their names, which hold no address. The one random part of a name, the
//! suffix of a DNS pod's, is left out where the pod itself is gone. Times and details are never
//! compared word by word: they differ between any two runs.

mod causes;
mod facts;
mod model;
mod pairs;
#[cfg(test)]
mod tests;
mod times;

pub(crate) use model::{
    CauseChange, Change, Comparison, RemovalReason, RemovedCase, Side, TimeChange,
};

use std::collections::HashSet;

use crate::{
    cause::Judged,
    check::{Status, Subject},
    record::Record,
};
use model::Explained;
use pairs::Pair;

/// What changed from one run to another.
pub(crate) fn compare(old: &Record, new: &Record) -> Comparison {
    let pairs = pairs::pairs(&old.judged, &new.judged);
    let mut found = Comparison {
        old: Side::of(old),
        new: Side::of(new),
        causes: causes::compare(old, new, &pairs),
        regressions: Vec::new(),
        fixed: Vec::new(),
        inconclusive: Vec::new(),
        skipped: Vec::new(),
        gone: Vec::new(),
        still_failing: Vec::new(),
        still_inconclusive: Vec::new(),
        appeared: 0,
        unchanged: 0,
        slower: Vec::new(),
        faster: Vec::new(),
        facts: facts::compare(old, new),
    };
    let explained = (Explained::by(old), Explained::by(new));
    let nodes = Nodes::of(old, new);
    for pair in &pairs {
        match *pair {
            Pair::RemovedCase(before) => {
                found.gone.push(RemovedCase::of(before, why_gone(before, &nodes, new)));
            }
            Pair::Appeared(now) => found.sort_in(None, now, &explained),
            Pair::Both(before, now) => found.sort_in(Some(before), now, &explained),
        }
    }
    (found.slower, found.faster) = times::compare(old, new, &pairs);
    found
}

impl Comparison {
    /// Puts a case where it belongs.
    fn sort_in(
        &mut self,
        before: Option<&Judged>,
        now: &Judged,
        (old, new): &(Explained<'_>, Explained<'_>),
    ) {
        let was = before.map(|judged| judged.verdict.status());
        let change = |by: &Explained<'_>, shown: &Judged| Change::of(shown, was, now, by);
        match (was, now.verdict.status()) {
            (Some(Status::Fail), Status::Fail) => self.still_failing.push(change(new, now)),
            (_, Status::Fail) => self.regressions.push(change(new, now)),
            (Some(Status::Inconclusive), Status::Inconclusive) => {
                self.still_inconclusive.push(change(new, now));
            }
            (_, Status::Inconclusive) => self.inconclusive.push(change(new, now)),
            (Some(Status::Fail), Status::Pass) => {
                self.fixed.push(change(old, before.unwrap_or(now)));
            }
            (Some(Status::Skip), Status::Skip) | (Some(Status::Pass), Status::Pass) => {
                self.unchanged += 1;
            }
            (Some(_), Status::Skip) => self.skipped.push(change(new, now)),
            (None | Some(Status::Skip | Status::Inconclusive), Status::Pass)
            | (None, Status::Skip) => self.appeared += 1,
        }
    }
}

/// The names of both runs' nodes, to be looked up once for each case that is gone.
struct Nodes<'a> {
    /// Those of the old run.
    before: HashSet<&'a str>,
    /// Those of the new run; `None` if it didn't learn them.
    after: Option<HashSet<&'a str>>,
    /// Those that the new run didn't test.
    excluded: HashSet<&'a str>,
}

impl<'a> Nodes<'a> {
    fn of(old: &'a Record, new: &'a Record) -> Self {
        let names = |record: &'a Record| -> Option<HashSet<&'a str>> {
            let nodes = record.facts.nodes.known()?;
            Some(nodes.iter().map(|node| node.name.as_str()).collect())
        };
        let tested = new.fixture.iter().flat_map(|fixture| &fixture.nodes);
        let excluded = tested.filter(|node| node.excluded.is_some());
        Self {
            before: names(old).unwrap_or_default(),
            after: names(new),
            excluded: excluded.map(|node| node.name.as_str()).collect(),
        }
    }
}

/// Why a case of the old run has no counterpart in the new one.
fn why_gone(judged: &Judged, nodes: &Nodes<'_>, new: &Record) -> RemovalReason {
    let case = &judged.case;
    if !new.suite.names(&case.check) {
        return RemovalReason::CheckNotRun;
    }
    let named = nodes_of(&case.subject, nodes);
    let is_there = |name: &str| nodes.after.as_ref().is_none_or(|all| all.contains(name));
    if let Some(node) = named.iter().find(|node| !is_there(node)) {
        return RemovalReason::NodeLeft { node: (*node).to_owned() };
    }
    if let Some(node) = named.iter().find(|node| nodes.excluded.contains(*node)) {
        return RemovalReason::NodeNotTested { node: (*node).to_owned() };
    }
    match &case.subject {
        Subject::Pod { workload, .. } if pairs::is_of_others(workload) => RemovalReason::PodLeft,
        _ => RemovalReason::Unknown,
    }
}

/// The nodes that a subject names: `n1`, `host network of n1`, `backend on n1`.
fn nodes_of<'a>(subject: &'a Subject, nodes: &Nodes<'_>) -> Vec<&'a str> {
    let parts: [Option<&str>; 2] = match subject {
        Subject::Cluster => [None, None],
        Subject::Node { name } | Subject::Service { name } => [Some(name), None],
        Subject::Pod { node, .. } => [Some(node), None],
        Subject::Path { from, to } => [Some(from), Some(to)],
    };
    let is_node = |name: &&str| nodes.before.contains(name);
    parts.into_iter().flatten().filter_map(|part| part.rsplit(' ').next()).filter(is_node).collect()
}
