//! The linter against kubeadm of every version that is there: each example, said to be of that
//! version, is refused by both or by neither.
//!
//! The newest is the testbed's. Others are those that `ci/older-kubernetes` builds, or the ones in
//! the directories of `DUALSTACK_COMPONENTS`; the test says which were there.

use dualstack::lint::{
    Options, lint_text,
    model::{Asked, Version},
    rules::{Binary, EnforcedBy, Level, RULES, by_code},
};

use serde_json::{Map, Value, json};

use super::{binaries::every, examples::documents, kubeadm};

/// The first version whose kubeadm takes lists of flags, in its API v1beta4.
const LISTS: Version = Version::v1(31);
/// The first version whose kubeadm has `config validate`.
const VALIDATES: Version = Version::v1(26);

/// A whole file as kubeadm of a version reads it: in the API of its time, whose flags are a mapping.
/// Nothing where the file is about API versions itself, or is no YAML.
fn of_its_time(whole: &str, version: Version) -> Option<String> {
    if version >= LISTS {
        return kubeadm::knows(version, whole).then(|| whole.to_owned());
    }
    let mut texts = Vec::new();
    for mut document in documents(whole) {
        let named = document["apiVersion"].as_str()?.to_owned();
        if named.starts_with("kubeadm.k8s.io/") {
            let later = ["ResetConfiguration", "UpgradeConfiguration"];
            let kind = document["kind"].as_str()?;
            if !named.ends_with("/v1beta4") || later.contains(&kind) {
                return None;
            }
            document["apiVersion"] = json!("kubeadm.k8s.io/v1beta3");
            map_flags(&mut document)?;
        }
        texts.push(document.to_string());
    }
    (!texts.is_empty()).then(|| texts.join("\n---\n"))
}

/// Turns lists of flags into mappings; nothing where one is no list already.
fn map_flags(value: &mut Value) -> Option<()> {
    if let Value::Object(fields) = value {
        for (key, value) in fields {
            if key != "extraArgs" && key != "kubeletExtraArgs" {
                map_flags(value)?;
                continue;
            }
            let mut flags = Map::new();
            for flag in value.as_array()? {
                let name = flag["name"].as_str()?.to_owned();
                if flags.insert(name, flag["value"].clone()).is_some() {
                    return None;
                }
            }
            *value = Value::Object(flags);
        }
    }
    Some(())
}

/// Whether the linter says that kubeadm of a version refuses a text, and by which rules.
fn refusals(text: &str, version: Version) -> Vec<&'static str> {
    let asked = Asked { version: Some(version), ..Asked::default() };
    let options = Options { asked, ..Options::default() };
    let report = lint_text("kubeadm.yaml", text.into(), None, &options);
    let by_kubeadm = |code: &str| {
        let rule = by_code(code).map_or(&[] as &[EnforcedBy], |rule| rule.enforced_by);
        let rejects =
            |by: &EnforcedBy| matches!(by, EnforcedBy::Rejects { binary: Binary::Kubeadm, .. });
        rule.iter().any(rejects)
    };
    let errors = report.findings.iter().filter(|finding| finding.level == Level::Error);
    errors.map(|finding| finding.code).filter(|code| by_kubeadm(code)).collect()
}

#[test]
fn the_linter_and_kubeadm_of_each_version_refuse_the_same_examples() {
    let found = every("kubeadm");
    if found.is_empty() {
        return;
    }
    let versions: Vec<String> = found.iter().map(|(version, _)| version.to_string()).collect();
    eprintln!("kubeadm of {}", versions.join(", "));
    let mut wrong = Vec::new();
    for (version, binary) in found {
        if version < VALIDATES {
            eprintln!("SKIPPED: kubeadm {version} has no `config validate`");
            continue;
        }
        let mut tried = 0;
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        for example in examples.filter(|example| kubeadm::reads(example.text)) {
            // What names a version of its own is about that one.
            if example.text.contains("kubernetesVersion:") {
                continue;
            }
            let whole = kubeadm::whole_of(example.text, version);
            let Some(whole) = of_its_time(&whole, version) else { continue };
            tried += 1;
            let (accepted, said) = kubeadm::validate_whole(&binary, &whole);
            let codes = refusals(&whole, version);
            if accepted != codes.is_empty() {
                wrong.push(format!(
                    "{version}: accepted: {accepted}, we: {codes:?}\n{said}\n{whole}"
                ));
            }
        }
        eprintln!("kubeadm {version}: {tried} examples");
        assert!(tried > 30, "only {tried} examples were tried with kubeadm {version}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
