//! The rules: what each looks for, why it matters, how to fix it, and which component enforces it.
//!
//! A rule is a pure function over the [`Model`]. What it says of Kubernetes' components is
//! declared ([`EnforcedBy`]) and tried on the real ones by the tests.

mod balancers;
mod calico;
mod capacity;
mod components;
mod dns;
mod documents;
mod drift;
mod file;
mod host;
mod installers;
mod meshes;
mod nodes;
mod plugins;
mod policies;
mod ranges;
mod registry;
mod room;
mod rule;
mod services;
mod versions;

pub use registry::{RULES, by_code};
pub use rule::{Area, Binary, Check, EnforcedBy, Example, Finding, Findings, Level, Reason, Rule};

use super::model::{Model, Versions};

/// The rules that hold for the version of a cluster.
fn applicable(model: &Model) -> impl Iterator<Item = &'static Rule> {
    let version = model.version_or_current();
    RULES.iter().filter(move |rule| rule.versions.contains(version))
}

/// Applies every rule to one cluster's documents.
pub fn check(model: &Model) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in applicable(model) {
        if let Check::Model(check) = rule.check {
            let mut findings = Findings::of(rule);
            check(model, &mut findings);
            found.extend(findings.into_all());
        }
    }
    found
}

/// Compares files with the live cluster.
pub fn drift(files: &Model, live: &Model) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in applicable(live) {
        if let Check::Drift(check) = rule.check {
            let mut findings = Findings::of(rule);
            check(files, live, &mut findings);
            found.extend(findings.into_all());
        }
    }
    found
}
