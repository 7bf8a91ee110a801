//! The linter against kubeadm of every version that is there: each example, said to be of that
//! version, is refused by both or by neither.
//!
//! The newest is the testbed's. Others are taken from the directories of `DUALSTACK_COMPONENTS`; the
//! test says which were there.

use dualstack::lint::{
    Options, lint_text,
    model::{Asked, Version},
    rules::{Binary, EnforcedBy, Level, RULES, by_code},
};

use super::{binaries::every, kubeadm};

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
    let mut wrong = Vec::new();
    for (version, binary) in found {
        let mut tried = 0;
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        for example in examples.filter(|example| kubeadm::reads(example.text)) {
            // What names a version of its own is about that one.
            if example.text.contains("kubernetesVersion:") || !kubeadm::knows(version, example.text)
            {
                continue;
            }
            tried += 1;
            let whole = kubeadm::whole_of(example.text, version);
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
