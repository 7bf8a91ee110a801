use super::*;
use crate::{
    check::REGISTRY,
    facts::TargetName,
    net::IpFamily,
    suite::{FamilyGap, OutsidePolicy, ProbeParameters, Suite},
};

const SMALL: &str = "name: mine\ndescription: Mine.\nfamilies: [IPv4]\nchecks: [node]\n";

fn target() -> TargetName {
    "team/web".parse().unwrap()
}

fn gap() -> FamilyGap {
    FamilyGap::Hundredths(200)
}

fn refused(text: &str) -> String {
    Suite::parse("mine.yaml", text).unwrap_err().to_string()
}

fn with(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from));
    SMALL.replace(from, to)
}

#[test]
fn every_embedded_suite_loads_under_its_own_name() {
    for (name, _) in EMBEDDED {
        let suite = Suite::load(name).unwrap();
        assert_eq!(suite.name, name);
        assert!(suite.description.ends_with('.'), "{name}");
        assert!(!suite.checks().is_empty(), "{name}");
    }
}

#[test]
fn the_full_suites_hold_every_check_but_those_that_only_the_thorough_one_has_time_for() {
    let all: Vec<&str> = REGISTRY.iter().map(|check| check.id()).collect();
    let slow = |id: &&str| ["policy::", "change::"].iter().any(|area| id.starts_with(area));
    let quick: Vec<&str> = all.iter().copied().filter(|id| !slow(id)).collect();
    for (name, _) in EMBEDDED.iter().filter(|(name, _)| *name != "smoke") {
        let suite = Suite::load(name).unwrap().with_targets([target()]);
        let suite = suite.with_family_gap(Some(gap()));
        let held: Vec<&str> = suite.checks().iter().map(|check| check.id()).collect();
        assert_eq!(held, if *name == "thorough" { all.as_slice() } else { &quick }, "{name}");
    }
}

#[test]
fn the_committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/suites/suite.schema.json");
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("DUALSTACK_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(committed == current, "run this test with DUALSTACK_WRITE_SCHEMA=1 to update it");
}

#[test]
fn the_schema_lists_every_check_and_area() {
    let text = serde_json::to_string(&schema()).unwrap();
    for check in REGISTRY.iter() {
        assert!(text.contains(&format!("\"{}\"", check.id())), "{}", check.id());
    }
    assert!(text.contains("\"node_port\""));
}

#[test]
fn a_small_suite_takes_the_defaults() {
    let suite = Suite::parse("mine.yaml", SMALL).unwrap();
    assert_eq!(suite.families, [IpFamily::V4]);
    assert_eq!(suite.probes, ProbeParameters::default());
    assert_eq!((suite.primary, suite.outside), (None, OutsidePolicy::Auto));
}

#[test]
fn a_suite_is_read_from_a_file_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SMALL).unwrap();
    assert_eq!(Suite::load(file.path().to_str().unwrap()).unwrap().name, "mine");
}

#[test]
fn an_unknown_suite_is_answered_with_those_there_are() {
    let error = Suite::load("dualstack").unwrap_err().to_string();
    assert!(error.contains("`dualstack`") && error.contains("dual-stack-ipv6-primary"), "{error}");
}

#[test]
fn a_misspelt_check_is_shown_at_its_place_with_what_was_meant() {
    let error = refused(&with("[node]", "[node, 'node::pod_cidr']"));
    assert!(error.contains("mine.yaml"), "{error}");
    assert!(error.contains("line 4") && error.contains("column 16"), "{error}");
    assert!(error.contains("did you mean `node::pod_cidrs`?"), "{error}");
    assert!(error.contains("dns::records"), "{error}");
}

#[test]
fn a_misspelt_field_is_shown_at_its_place() {
    let error = refused(&format!("{SMALL}outsid: auto\n"));
    assert!(error.contains("outsid") && error.contains("line 5"), "{error}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (text, word) in [
        (with("[IPv4]", "[]"), "families is empty"),
        (with("[IPv4]", "[IPv4, IPv4]"), "more than once"),
        (with("[IPv4]", "[IPv5]"), "IPv5"),
        (with("[node]", "[]"), "checks is empty"),
        (format!("{SMALL}primary: IPv6\n"), "primary is IPv6"),
        (
            format!("{SMALL}node_groups: [{{name: a, labels: {{}}, families: [IPv4]}}]\n"),
            "has no labels",
        ),
        (
            format!("{SMALL}node_groups: [{{name: a, labels: {{b: c}}, families: [IPv6]}}]\n"),
            "node group a has IPv6, which is not one of the families",
        ),
        (
            format!("{SMALL}node_groups: [{{name: a, labels: {{b: c}}, families: []}}]\n"),
            "families is empty",
        ),
        (
            format!(
                "{SMALL}node_groups: [{{name: a, labels: {{b: c}}, families: [IPv4]}}, {{name: b, \
                 labels: {{b: c, d: e}}, families: [IPv4]}}]\n"
            ),
            "no node can belong to node group b",
        ),
        (format!("{SMALL}max_family_gap: 2x\n"), "IPv4 is the only one"),
        (format!("{SMALL}max_family_gap: soon\n"), "invalid max_family_gap soon: expected a"),
        (format!("{SMALL}probes:\n  timeout_ms: 1\n"), "timeout_ms is 1"),
        (format!("{SMALL}probes:\n  sample_bound: 0\n"), "sample_bound is 0"),
        (String::new(), "mine.yaml"),
        ("{".to_owned(), "mine.yaml"),
    ] {
        let error = refused(&text);
        assert!(error.contains(word), "{word} is not in: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_selection_follows_the_registry_and_takes_areas() {
    let suite = Suite::load("thorough").unwrap().with_targets([target()]);
    let suite = suite.with_family_gap(Some(gap()));
    let ids = |only: &[&str], skip: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let checks = suite.select(&owned(only), &owned(skip)).unwrap();
        checks.iter().map(|check| check.id()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[], &[]).len(), REGISTRY.len());
    let of = |areas: &[&str]| {
        let all = REGISTRY.iter().map(|check| check.id());
        all.filter(|id| areas.contains(&id.split("::").next().unwrap())).collect::<Vec<_>>()
    };
    let two = ids(&["dns", "node"], &[]);
    assert_eq!(two, of(&["node", "dns"]));
    assert!(two.first().unwrap().starts_with("node::"), "in the registry's order");
    assert_eq!(ids(&["node"], &["node::pod_cidrs"]), of(&["node"])[1..]);
    assert_eq!(ids(&["node"], &["node"]), [""; 0]);
}

#[test]
fn a_selection_of_nothing_known_says_so() {
    let suite = Suite::load("smoke").unwrap();
    let select = |name: &str| suite.select(&[name.to_owned()], &[]).unwrap_err().to_string();
    assert!(select("dns::record").contains("did you mean `dns::records`?"));
    assert!(select("node_port").contains("suite smoke does not include node_port"));
}

#[test]
fn checks_of_the_operators_services_are_in_a_suite_that_names_some() {
    let area = |suite: &Suite| suite.checks().iter().any(|it| it.id().starts_with("target::"));
    for name in ["dual-stack", "smoke"] {
        let suite = Suite::load(name).unwrap();
        assert!(!area(&suite), "{name}");
        let error = suite.select(&["target".to_owned()], &[]).unwrap_err().to_string();
        assert!(error.contains("--target NAMESPACE/NAME"), "{error}");
        assert!(area(&suite.with_targets([target(), target()])), "{name}");
    }
    let mine =
        Suite::parse("mine.yaml", &format!("{SMALL}targets: [team/web, team/web]\n")).unwrap();
    let mine = mine.with_targets([target()]);
    assert!(area(&mine));
    assert_eq!(mine.targets, [target()]);
    let node = mine.select(&["node".to_owned()], &[]).unwrap();
    assert_eq!(mine.narrowed(&node).targets, []);
    let error = refused(&format!("{SMALL}targets: [web]\n"));
    assert!(error.contains("NAMESPACE/NAME") && error.contains("line 5"), "{error}");
}

#[test]
fn the_families_times_are_compared_where_a_limit_is_given() {
    let area = |suite: &Suite| suite.checks().iter().any(|it| it.id().starts_with("parity::"));
    let suite = Suite::load("dual-stack").unwrap();
    assert!(!area(&suite));
    let error = suite.select(&["parity".to_owned()], &[]).unwrap_err().to_string();
    assert!(error.contains("--max-family-gap"), "{error}");
    let suite = suite.with_family_gap(Some(gap()));
    assert!(area(&suite));
    let node = suite.select(&["node".to_owned()], &[]).unwrap();
    assert_eq!(suite.narrowed(&node).max_family_gap, None);
    let mine = format!("{}max_family_gap: 2x\n", with("[IPv4]", "[IPv4, IPv6]"));
    let mine = Suite::parse("mine.yaml", &mine).unwrap().with_family_gap(None);
    assert!(area(&mine) && mine.max_family_gap == Some(gap()));
}

#[test]
fn a_narrowed_suite_knows_what_it_no_longer_runs() {
    let suite = Suite::load("dual-stack").unwrap();
    let checks = suite.select(&["pod::reachable".to_owned()], &[]).unwrap();
    let suite = suite.narrowed(&checks);
    assert!(suite.names("pod::reachable") && !suite.names("pod::pod_ips"));
}
