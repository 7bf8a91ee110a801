//! Conformance reports of runs in the lab.

use super::{
    profiles::{core, extended},
    *,
};
use crate::{
    baseline::Baseline,
    check::Level,
    check::{REGISTRY, Stage},
    fixture::{Exclusion, ExclusionKind},
    lab::{Fault, Lab},
    net::IpFamily::V6,
    record::{BrokenOff, Record},
    report::conformance::{badge, yaml},
};

fn implementation() -> Implementation {
    Implementation {
        organization: "acme".to_owned(),
        project: "acme-cni".to_owned(),
        url: "https://acme.example/cni".to_owned(),
        version: "v1.2.3".to_owned(),
        contact: vec!["@acme/net".to_owned()],
    }
}

fn of(record: &Record) -> Report {
    assess(record, implementation(), digest(b"the record"))
}

fn healthy() -> Record {
    Lab::dual().with_hosts().guarded().with_changes().run().record
}

#[test]
fn what_a_report_counts_is_every_check_once_and_the_core_holds_what_dual_stack_is() {
    let core = core();
    let features = extended();
    let mut all: Vec<&str> = features.iter().flat_map(|feature| &feature.checks).copied().collect();
    all.extend(&core);
    all.sort_unstable();
    let reported = REGISTRY.iter().filter(|check| check.promise().about.level != Level::Own);
    let mut known: Vec<&str> = reported.map(|check| check.id()).collect();
    known.sort_unstable();
    assert_eq!(all, known);
    for part in ["node::pod_cidrs", "pod::reachable", "service::cluster_ips", "dns::records"] {
        assert!(core.contains(&part), "{part}");
    }
    for feature in features {
        let letters = feature.name.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(
            letters && feature.name.starts_with(|c: char| c.is_ascii_uppercase()),
            "{feature:?}"
        );
    }
}

#[test]
fn the_documentation_lists_the_checks_of_each_part() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reports/README.md");
    let head = "| part | checks |\n|---|---|\n";
    let row = |part: &str, checks: &[&str]| {
        let checks: Vec<String> = checks.iter().map(|check| format!("`{check}`")).collect();
        format!("| {part} | {} |\n", checks.join(", "))
    };
    let features = extended();
    let features = features.iter().map(|it| row(&format!("`{}`", it.name), &it.checks));
    let current: String = std::iter::once(row("core", &core())).chain(features).collect();
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(head).unwrap();
    let (table, after) = rest.split_once("\n\n").unwrap();
    if std::env::var_os("DUALSTACK_WRITE_DOCS").is_some() {
        let text = [before, head, &current, "\n", after].concat();
        return std::fs::write(path, text).unwrap();
    }
    assert_eq!(table.to_owned() + "\n", current, "run this test with DUALSTACK_WRITE_DOCS=1");
}

#[test]
fn a_healthy_cluster_is_a_success_and_its_report_reads_well() {
    let report = of(&healthy());
    assert_eq!(report.result, Grade::Success);
    insta::assert_snapshot!(yaml(&report).unwrap());
}

#[test]
fn a_fault_of_the_core_is_a_failure_that_names_its_checks() {
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    let report = of(&Lab::dual().with_hosts().guarded().with_changes().with(fault).run().record);
    assert_eq!(report.result, Grade::Failure);
    insta::assert_snapshot!(yaml(&report).unwrap());
}

#[test]
fn a_feature_that_fails_is_unsupported_with_its_reason_and_the_core_stands() {
    let report = of(&Lab::dual().with_hosts().with(Fault::HairpinOff { at: "n2" }).run().record);
    let profile = &report.profiles[0];
    assert_eq!((report.result, profile.core.result), (Grade::Partial, Grade::Success));
    let [feature] = &profile.extended.unsupported_features[..] else { panic!("{profile:?}") };
    assert_eq!(feature.name, "ServiceHairpin");
    assert!(feature.reason.starts_with("2 of 6 cases failed; the first is "), "{feature:?}");
}

#[test]
fn nothing_that_was_left_out_or_could_not_be_told_is_a_success() {
    let partial = |record: &Record, said: &str| {
        let report = of(record);
        assert_eq!(report.result, Grade::Partial, "{said}");
        let limits = report.limitations.join("\n");
        assert!(limits.contains(said), "`{said}` is not in: {limits}");
    };
    let excluded = Lab::dual().with_hosts().changed(|lab| {
        let kind = ExclusionKind::Deliberate;
        lab.fixture.nodes[2].excluded = Some(Exclusion { kind, reason: "cordoned".to_owned() });
    });
    partial(&excluded.run().record, "1 of 3 nodes left out: n3 (");
    let without_policies = of(&Lab::dual().with_hosts().run().record);
    assert_eq!(
        without_policies.limitations,
        ["Not run: policy::both_families and change::endpoints."]
    );
    let filtered = Lab::dual()
        .with_hosts()
        .guarded()
        .with_changes()
        .changed(|lab| lab.suite.checks.retain(|check| !check.starts_with("dns")));
    partial(
        &filtered.run().record,
        "Not run: dns::servers, dns::records, dns::headless, dns::short_names and dns::reverse.",
    );
    partial(&Lab::dual().with_hosts().without_exec().record, "could not be determined");
    let why = BrokenOff { error: "interrupted".to_owned(), exit: None };
    partial(
        &Lab::dual().with_hosts().broken_off(Stage::Probed, "n3", why).record,
        "stopped early: interrupted.",
    );
    let hurried = Lab::dual().with_hosts().changed(|lab| lab.suite.probes.settle_ms += 1);
    partial(&hurried.run().record, "Probes were not made as in");
    let own = Lab::dual().with_hosts().changed(|lab| lab.suite.name = "./mine.yaml".to_owned());
    partial(&own.run().record, "./mine.yaml is not a built-in suite.");
    let text = "known:\n- {case: dns, reason: x, owner: y, until: 2027-01-31}\n";
    let baseline = Baseline::parse("known.yaml", text, "2026-11-25".parse().unwrap()).unwrap();
    partial(&Record { baseline: Some(baseline), ..healthy() }, "a baseline of 1 entry.");
}

#[test]
fn a_known_failure_is_a_failure_of_the_core_all_the_same() {
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    let text = "known:\n- {case: '*', reason: x, owner: y, until: 2027-01-31}\n";
    let baseline = Baseline::parse("known.yaml", text, "2026-11-25".parse().unwrap()).unwrap();
    let record =
        Record { baseline: Some(baseline), ..Lab::dual().with_hosts().with(fault).run().record };
    assert_eq!(of(&record).result, Grade::Failure);
}

#[test]
fn a_report_is_verified_by_its_record_and_by_no_other() {
    let record = healthy();
    let sha256 = digest(b"the record");
    let report: Report = serde_saphyr::from_str(&yaml(&of(&record)).unwrap()).unwrap();
    assert_eq!(verify(&report, &record, &sha256), Vec::<String>::new());
    let mut turned = report.clone();
    turned.profiles[0].extended.supported_features.reverse();
    assert_eq!(verify(&turned, &record, &sha256), Vec::<String>::new(), "in another order");
    let found = verify(&report, &record, &digest(b"another"));
    assert!(found[0].starts_with("The report is of another record: "), "{found:?}");
    let broken = Lab::dual().with_hosts().with(Fault::HairpinOff { at: "n2" }).run().record;
    let found = verify(&report, &broken, &sha256).join("\n");
    let said = "result: the report says \"success\", and the record \"partial\".";
    assert!(found.contains(said), "{found}");
    assert!(found.contains("profiles[0].extended.statistics.Failed: the report says 0"), "{found}");
    let mut nobody = report;
    nobody.implementation.project = " ".to_owned();
    assert_eq!(verify(&nobody, &record, &sha256), ["implementation.project is empty."]);
}

#[test]
fn the_digest_is_that_of_sha256sum() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest(b""), empty);
}

#[test]
fn the_committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reports/report.schema.json");
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("DUALSTACK_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(committed == current, "run this test with DUALSTACK_WRITE_SCHEMA=1 to update it");
}

#[test]
fn reports_are_valid_by_the_schema_and_nonsense_is_not() {
    let validator = jsonschema::validator_for(schema().as_value()).unwrap();
    let fault = Fault::NoRoute { at: "n2", to: "n1", family: V6 };
    for record in [healthy(), Lab::dual().with_hosts().with(fault).run().record] {
        // As another program reads it: from the YAML.
        let text = yaml(&of(&record)).unwrap();
        let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert!(validator.is_valid(&value), "{:?}", validator.iter_errors(&value).next());
        let mut other = value;
        other["record"]["sha256"] = "no digest".into();
        assert!(!validator.is_valid(&other));
    }
}

#[test]
fn hostile_names_stay_words_in_the_report_and_the_badge() {
    let mut record = healthy();
    let evil = "v1\u{1b}[2J\n- x: </title><script>alert('1')</script>: &a *b # c";
    record.facts.server.version = evil.to_owned();
    let text = yaml(&of(&record)).unwrap();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    let back: Report = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(back.kubernetes_version, evil, "and nothing but words");
    let image = badge(Grade::Partial, evil);
    assert!(!image.contains("<script") && !image.contains('\u{1b}'), "{image}");
    assert!(image.contains("&lt;script&gt;"), "{image}");
}

#[test]
fn a_badge_says_its_result_in_words_and_needs_nothing_else() {
    let image = badge(Grade::Success, "v1.36.3");
    assert!(image.contains("aria-label=\"dual-stack conformance: success, Kubernetes v1.36.3\""));
    // The namespace is the only address in it.
    assert_eq!(image.matches("http").count(), 1, "{image}");
    insta::assert_snapshot!(image);
}
