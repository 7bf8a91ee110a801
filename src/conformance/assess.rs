//! From a record to a report.

use super::{
    limits,
    model::{
        API_VERSION, Core, Extended, Feature, Grade, Implementation, KIND, Profile, RecordOf,
        Report, Statistics, Tested,
    },
    profiles::{self, PROFILE},
};
use crate::{
    cause::Judged,
    check::{Status, words},
    record::Record,
};

/// The report of a run. `sha256` is the digest of the record's file. Failures that a baseline knows
/// are failures here.
pub(crate) fn assess(record: &Record, implementation: Implementation, sha256: String) -> Report {
    let limitations = limits::limitations(record);
    let (core, extended) = (core(record), extended(record));
    let result = match (core.result, extended.result) {
        (Grade::Failure, _) => Grade::Failure,
        (Grade::Success, Grade::Success) if limitations.is_empty() => Grade::Success,
        _ => Grade::Partial,
    };
    let summary = summary(&core, &extended);
    let facts = &record.facts;
    let unknown = || "not found".to_owned();
    Report {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        date: record.started_at,
        implementation,
        kubernetes_version: facts.server.version.clone(),
        dualstack_version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: record.suite.name.clone(),
        tested: Tested {
            cni: facts.cni.known().map_or_else(unknown, |cni| {
                [Some(cni.name.as_str()), cni.version.as_deref()]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" ")
            }),
            kube_proxy: facts.kube_proxy.known().map_or_else(unknown, |proxy| {
                if proxy.mode.is_empty() { "default".to_owned() } else { proxy.mode.clone() }
            }),
            nodes: record.fixture.as_ref().map_or(0, |fixture| fixture.selected().count()),
        },
        result,
        limitations,
        profiles: vec![Profile { name: PROFILE.to_owned(), core, extended, summary }],
        record: RecordOf { run: record.started.run.clone(), sha256 },
        reproduce: reproduce(record),
    }
}

fn cases<'a>(record: &'a Record, checks: &'a [&str]) -> impl Iterator<Item = &'a Judged> + Clone {
    record.judged.iter().filter(|judged| checks.contains(&judged.case.check.as_str()))
}

fn core(record: &Record) -> Core {
    let core = profiles::core();
    let statistics = Statistics::of(cases(record, &core));
    let failed = |check: &&&str| {
        cases(record, &[check]).any(|judged| judged.verdict.status() == Status::Fail)
    };
    let tested = |check: &&str| {
        cases(record, &[check]).any(|judged| judged.verdict.status() == Status::Pass)
    };
    let result = if statistics.failed > 0 {
        Grade::Failure
    } else if statistics.inconclusive > 0 || !core.iter().all(tested) {
        Grade::Partial
    } else {
        Grade::Success
    };
    let failed_checks = core.iter().filter(failed).map(|&check| check.to_owned()).collect();
    Core { result, statistics, failed_checks }
}

fn extended(record: &Record) -> Extended {
    let mut found = Extended {
        result: Grade::Success,
        statistics: Statistics::default(),
        supported_features: Vec::new(),
        unsupported_features: Vec::new(),
        skipped_features: Vec::new(),
    };
    let features = profiles::extended();
    let all: Vec<&str> = features.iter().flat_map(|feature| &feature.checks).copied().collect();
    found.statistics = Statistics::of(cases(record, &all));
    for feature in &features {
        let of = Statistics::of(cases(record, &feature.checks));
        let total = of.passed + of.failed + of.skipped + of.inconclusive;
        let because = |status: Status, count: usize| {
            let first = cases(record, &feature.checks)
                .find(|judged| judged.verdict.status() == status)
                .map(|judged| format!("{}: {}", judged.case.name(), judged.verdict.detail()));
            let how = match status {
                Status::Fail => "failed",
                Status::Skip => "skipped",
                Status::Inconclusive | Status::Pass => "inconclusive",
            };
            let (first, cases) = (first.unwrap_or_default(), words::count(total, "case"));
            Feature {
                name: feature.name.clone(),
                reason: format!("{count} of {cases} {how}; the first is {first}"),
            }
        };
        if of.failed > 0 {
            found.unsupported_features.push(because(Status::Fail, of.failed));
        } else if of.inconclusive > 0 {
            found.skipped_features.push(because(Status::Inconclusive, of.inconclusive));
        } else if of.skipped > 0 {
            found.skipped_features.push(because(Status::Skip, of.skipped));
        } else if of.passed > 0 {
            found.supported_features.push(feature.name.clone());
        } else {
            let reason = format!("not run: {}", words::list(&feature.checks));
            found.skipped_features.push(Feature { name: feature.name.clone(), reason });
        }
    }
    found.result = match (found.supported_features.len(), found.unsupported_features.len()) {
        (supported, _) if supported == features.len() => Grade::Success,
        (0, 1..) => Grade::Failure,
        _ => Grade::Partial,
    };
    found
}

fn summary(core: &Core, extended: &Extended) -> String {
    let core = match core.result {
        Grade::Success => "Core checks passed.",
        Grade::Partial => "Core checks passed in part.",
        Grade::Failure => "Core checks failed.",
    };
    let (supported, all) = (extended.supported_features.len(), profiles::extended().len());
    format!("{core} {supported} of {all} extended features are supported.")
}

/// How to make such a record, and to hold a report against it.
fn reproduce(record: &Record) -> Vec<String> {
    // A suite of one's own has a name that nobody else's shell should read.
    let suite = limits::built_in(&record.suite.name).map(|suite| suite.name);
    let suite = suite.unwrap_or_else(|| "FILE".to_owned());
    vec![
        format!("dualstack run --suite {suite} --json run.json"),
        "dualstack verify report.yaml run.json".to_owned(),
    ]
}
