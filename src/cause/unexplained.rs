//! What tells the most of failures that no cause explains.

use std::collections::{BTreeMap, BTreeSet};

use super::Judged;
use crate::{
    check::{Status, Subject, words},
    net::IpFamily,
};

/// How many facts are told.
const MOST: usize = 3;

/// The facts that tell the most of these failed cases, among all of a run, the most telling first:
/// what they have in common, what works, and what was seen. No more than three; none where
/// nothing failed.
pub fn telling_facts(judged: &[Judged], unexplained: &[&Judged]) -> Vec<String> {
    if unexplained.is_empty() {
        return Vec::new();
    }
    let facts = [
        common_node(judged, unexplained),
        one_family(judged, unexplained),
        works_beside(judged, unexplained),
        seen_most(unexplained),
    ];
    facts.into_iter().flatten().take(MOST).collect()
}

/// The nodes, or other ends, that a case is about.
fn ends(judged: &Judged) -> BTreeSet<&str> {
    match &judged.case.subject {
        Subject::Cluster | Subject::Service { .. } => BTreeSet::new(),
        Subject::Node { name } => [name.as_str()].into(),
        Subject::Pod { node, .. } => [node.as_str()].into(),
        Subject::Path { from, to } => {
            [from, to].map(|end| end.strip_prefix("host network of ").unwrap_or(end)).into()
        }
    }
}

fn common_node(judged: &[Judged], unexplained: &[&Judged]) -> Option<String> {
    let mut all = unexplained.iter().map(|judged| ends(judged));
    let first = all.next()?;
    let common = all.fold(first, |common, ends| &common & &ends);
    let node = common.into_iter().find(|end| !["outside", "DNS"].contains(end))?;
    // Where there is no other node, it says nothing.
    let elsewhere = judged.iter().any(|judged| {
        let ends = ends(judged);
        !ends.is_empty() && !ends.contains(node)
    });
    (elsewhere && unexplained.len() > 1).then(|| format!("all of them have to do with {node}"))
}

fn one_family(judged: &[Judged], unexplained: &[&Judged]) -> Option<String> {
    let families: BTreeSet<Option<IpFamily>> =
        unexplained.iter().map(|judged| judged.case.family).collect();
    let [Some(family)] = families.into_iter().collect::<Vec<_>>()[..] else { return None };
    let checks: BTreeSet<&str> =
        unexplained.iter().map(|judged| judged.case.check.as_str()).collect();
    let mut other = judged.iter().filter(|judged| {
        judged.case.family == Some(family.other()) && checks.contains(judged.case.check.as_str())
    });
    let mut any = false;
    let all_pass = other.all(|judged| {
        any = true;
        judged.verdict.status() == Status::Pass
    });
    Some(if any && all_pass {
        format!("they are all in {family}; over {} the same checks pass", family.other())
    } else {
        format!("they are all in {family}")
    })
}

fn works_beside(judged: &[Judged], unexplained: &[&Judged]) -> Option<String> {
    let families: BTreeSet<Option<IpFamily>> =
        unexplained.iter().map(|judged| judged.case.family).collect();
    let mut checks: BTreeMap<&str, bool> = BTreeMap::new();
    for judged in judged.iter().filter(|judged| families.contains(&judged.case.family)) {
        let passes = judged.verdict.status() == Status::Pass;
        // What nothing is tried for shows nothing of paths.
        if !judged.case.probes.is_empty() {
            *checks.entry(&judged.case.check).or_insert(true) &= passes;
        }
    }
    let passing: Vec<&str> =
        checks.into_iter().filter(|(_, passes)| *passes).map(|(check, _)| check).collect();
    (!passing.is_empty()).then(|| format!("every case of {} passes", words::list(passing)))
}

fn seen_most(unexplained: &[&Judged]) -> Option<String> {
    let mut details: BTreeMap<&str, usize> = BTreeMap::new();
    for judged in unexplained {
        *details.entry(judged.verdict.detail()).or_default() += 1;
    }
    let (detail, count) = details.into_iter().max_by_key(|(_, count)| *count)?;
    Some(format!("{}: {detail}", words::count(count, "case")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lab::{Fault, Lab},
        net::IpFamily::V6,
    };

    #[test]
    fn what_unexplained_failures_have_in_common_is_told_first() {
        let run = Lab::dual().with(Fault::ClusterIpDropped { at: "n2", family: V6 }).run();
        let judged = &run.record.judged;
        let failed: Vec<&Judged> =
            judged.iter().filter(|judged| judged.verdict.status() == Status::Fail).collect();
        let facts = telling_facts(judged, &failed);
        assert_eq!(facts.len(), 3, "{facts:?}");
        assert_eq!(facts[0], "all of them have to do with n2");
        assert_eq!(facts[1], "they are all in IPv6; over IPv4 the same checks pass");
        assert!(facts[2].contains("pod::reachable"), "{facts:?}");
        assert_eq!(telling_facts(judged, &[]), Vec::<String>::new());
    }
}
