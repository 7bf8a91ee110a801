//! For every fault: exactly which cases go red, as the topology says, and which cause is named.

mod addresses;
mod agents;
mod answer_times;
mod dns;
mod filters;
mod hosts;
mod own_node;
pub(crate) mod pages;
mod paths;
mod policies;
mod promises;
mod proofs;
mod providers;
mod rulesets;
mod services;
mod targets;

use std::collections::BTreeSet;

use super::{Cause, REGISTRY};
use crate::{
    check::{Status, Subject},
    lab::{Lab, Run},
    net::IpFamily,
};

/// A case, as a test's topology speaks of it.
struct Path<'a> {
    check: &'a str,
    family: Option<IpFamily>,
    from: &'a str,
    to: &'a str,
}

impl Path<'_> {
    /// Whether it is this check, from here to there, in this family.
    fn is(&self, check: &str, family: IpFamily, from: &str, to: &str) -> bool {
        self.check == check && self.family == Some(family) && self.from == from && self.to == to
    }

    /// Whether it ends at a Service that all backends share.
    fn is_shared(&self) -> bool {
        self.check == "service::cluster_ip_reachable" && !is_node(self.to)
    }
}

fn is_node(name: &str) -> bool {
    name.starts_with('n') && name[1..].chars().all(|c| c.is_ascii_digit())
}

/// Runs the lab; asserts that the red cases are those that `broken` says and no others, and that
/// every one of them is explained by some cause.
fn assert_red(lab: &Lab, broken: impl Fn(&Path<'_>) -> bool) -> Run {
    let run = lab.run();
    let mut wrong = Vec::new();
    for judged in &run.record.judged {
        let (from, to) = match &judged.case.subject {
            Subject::Cluster => ("", "cluster"),
            Subject::Node { name } | Subject::Service { name } => ("", name.as_str()),
            Subject::Pod { workload, node } => (workload.as_str(), node.as_str()),
            Subject::Path { from, to } => (from.as_str(), to.as_str()),
        };
        let path = Path { check: &judged.case.check, family: judged.case.family, from, to };
        let red = judged.verdict.status() == Status::Fail;
        // What TCP can't reach is not tried to the end by these: they say so, and aren't red.
        let beside_tcp = ["service::udp", "node_port::udp", "service::hairpin"];
        let told = judged.verdict.detail().starts_with("blocked by")
            && beside_tcp.contains(&judged.case.check.as_str());
        if red != (broken(&path) && !told) {
            let said = if red { "is red" } else { "is not red" };
            wrong.push(format!("{} {said}: {}", judged.case.name(), judged.verdict.detail()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_explained(&run);
    run
}

/// Asserts that something is red, and that every red case is explained by some cause.
fn assert_explained(run: &Run) {
    let explained: BTreeSet<&String> =
        run.record.causes.iter().flat_map(|cause| &cause.explains).collect();
    let unexplained: Vec<String> =
        run.names(Status::Fail).into_iter().filter(|name| !explained.contains(name)).collect();
    assert!(unexplained.is_empty(), "no cause for {unexplained:#?}");
}

/// Runs the lab; asserts that something is red and that one cause alone explains all of it, found by
/// this rule and in words that hold these.
fn assert_one(lab: &Lab, rule: &str, words: &[&str]) -> Cause {
    let run = lab.run();
    assert!(!run.names(Status::Fail).is_empty(), "nothing is red");
    assert_explained(&run);
    assert_cause(&run, rule, words).clone()
}

/// Asserts that one cause alone was named, by this rule and in words that hold these.
fn assert_cause<'a>(run: &'a Run, rule: &str, words: &[&str]) -> &'a Cause {
    assert_eq!(run.rules(), [rule], "{:#?}", run.record.causes);
    let cause = &run.record.causes[0];
    for word in words {
        assert!(cause.what.contains(word), "`{word}` is not in `{}`", cause.what);
    }
    cause
}

#[test]
fn every_rule_has_an_id_of_its_own_and_says_why_it_matters() {
    let ids: BTreeSet<&str> = REGISTRY.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), REGISTRY.len());
    for rule in REGISTRY {
        assert!(rule.id().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", rule.id());
        assert!(rule.why().ends_with('.'), "{}", rule.id());
    }
}
