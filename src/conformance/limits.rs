//! What keeps a run from being the basis of a whole success, whatever its verdicts.

use crate::{
    check::{Level, REGISTRY, Status, words},
    net::IpFamily,
    record::Record,
    suite::Suite,
};

/// Sentences, one for each limitation.
pub(super) fn limitations(record: &Record) -> Vec<String> {
    let suite = &record.suite;
    let mut limits = Vec::new();
    if let Some(broken_off) = &record.broken_off {
        limits.push(format!("The run stopped early: {}.", broken_off.error.trim_end_matches('.')));
    }
    if suite.families.len() < IpFamily::ALL.len() {
        let families = words::list(&suite.families);
        limits.push(format!("The suite {} expects only {families}.", suite.name));
    }
    let reported = REGISTRY.iter().filter(|check| check.promise().about.level != Level::Own);
    let not_run: Vec<&str> =
        reported.map(|check| check.id()).filter(|id| !suite.names(id)).collect();
    if !not_run.is_empty() {
        limits.push(format!("Not run: {}.", words::list(not_run)));
    }
    limits.extend(other_probes(suite));
    if let Some(fixture) = &record.fixture {
        let left_out: Vec<String> = fixture
            .nodes
            .iter()
            .filter_map(|node| Some(format!("{} ({})", node.name, node.excluded.as_ref()?)))
            .collect();
        if !left_out.is_empty() {
            let (count, all) = (left_out.len(), fixture.nodes.len());
            limits.push(format!(
                "{count} of {} left out: {}.",
                words::count(all, "node"),
                words::list(left_out)
            ));
        }
    }
    let inconclusive =
        record.judged.iter().filter(|judged| judged.verdict.status() == Status::Inconclusive);
    match inconclusive.count() {
        0 => {}
        count => limits.push(format!("{} could not be determined.", words::count(count, "case"))),
    }
    if let Some(baseline) = &record.baseline {
        let entries = baseline.entries.len();
        let entries =
            if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        limits.push(format!("The run had a baseline of {entries}."));
    }
    limits
}

/// Whether probes were tried otherwise than in the built-in suite of the same name.
fn other_probes(suite: &Suite) -> Option<String> {
    let name = &suite.name;
    match built_in(name) {
        None => Some(format!("{name} is not a built-in suite.")),
        Some(known) if known.probes != suite.probes || known.primary != suite.primary => {
            Some(format!("Probes were not made as in the built-in suite {name}."))
        }
        Some(_) => None,
    }
}

/// The built-in suite of a name; never a file.
pub(super) fn built_in(name: &str) -> Option<Suite> {
    let mut known = crate::suites::EMBEDDED.iter();
    known.find(|(known, _)| *known == name).and_then(|(name, text)| Suite::parse(name, text).ok())
}
