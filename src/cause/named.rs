//! What all rules find together.

use std::collections::HashSet;

use super::{
    Cause, Evidence, Judged, REGISTRY, both_families, diagnostics, distribution,
    open::wants_explanation, rulesets,
};
use crate::{
    check::{World, shell::tidy},
    probe::ProbeTable,
};

/// What lies behind the cases that failed or could not be told, in the order of the rules.
pub fn causes(world: World<'_>, judged: &[Judged], probes: &ProbeTable) -> Vec<Cause> {
    if !judged.iter().any(wants_explanation) {
        return Vec::new();
    }
    let none = ProbeTable::default();
    // What probes met of a workload that was not all there says nothing of the cluster.
    let probes = if world.fixture.removed.is_empty() { probes } else { &none };
    let evidence = Evidence::new(world, judged, probes);
    let mut open = evidence.open();
    let mut causes = Vec::new();
    for rule in REGISTRY {
        let mut of_rule = Vec::new();
        for found in rule.findings(&evidence) {
            let found = rulesets::add(&evidence, rule.id(), found);
            let explains = open.explain(judged, &found);
            if explains.is_empty() {
                continue;
            }
            let cause = Cause {
                id: rule.id().to_owned(),
                what: found.what,
                confidence: found.confidence,
                why: rule.why().to_owned(),
                evidence: once(found.evidence),
                reproduce: tidy(found.reproduce),
                fix: found.fix,
                explains,
            };
            both_families::add(&mut of_rule, cause);
        }
        causes.append(&mut of_rule);
    }
    diagnostics::add(world.facts, &mut causes);
    distribution::add(world.facts, &mut causes);
    causes
}

/// Each line once: two probes of the same way that ended alike are told in the same words.
fn once(mut lines: Vec<String>) -> Vec<String> {
    let mut told = HashSet::new();
    lines.retain(|line| told.insert(line.clone()));
    lines
}
