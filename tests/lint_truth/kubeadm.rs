//! `kubeadm config validate`, with the version and the advertise address pinned, so that it asks
//! neither the network nor the machine.

use std::{fs, path::Path, process::Command};

use dualstack::lint::{
    Options, lint_text,
    model::{CURRENT, Version},
    rules::Binary,
};

use super::{
    binaries::{component, text},
    examples::{cases, silent},
};

/// Whether kubeadm takes a document: its own, and those of the components that it configures.
fn own(document: &str) -> bool {
    ["kubeadm.k8s.io", "kubelet.config", "kubeproxy.config"]
        .iter()
        .any(|group| document.contains(&format!("apiVersion: {group}")))
}

/// The example as a file that kubeadm takes by itself: what it would ask the network or the
/// machine for is put in, and what a join needs.
fn whole(example: &str) -> String {
    whole_of(example, CURRENT)
}

/// The same for a version of kubeadm.
pub(crate) fn whole_of(example: &str, version: Version) -> String {
    let named = format!("kubernetesVersion: v{version}.0\n");
    let after_kind = |document: &str, kind: &str, lines: &str| {
        let kind = format!("kind: {kind}\n");
        document.replacen(&kind, &format!("{kind}{lines}"), 1)
    };
    let documents = example.split("---\n").filter(|document| own(document)).map(|document| {
        let lacks = |field: &str| !document.contains(field);
        if document.contains("kind: ClusterConfiguration") && lacks("kubernetesVersion:") {
            after_kind(document, "ClusterConfiguration", &named)
        } else if document.contains("kind: JoinConfiguration") && lacks("discovery:") {
            let discovery = "discovery:\n  bootstrapToken:\n    apiServerEndpoint: \
                             192.168.0.1:6443\n    token: abcdef.0123456789abcdef\n    \
                             unsafeSkipCAVerification: true\n";
            after_kind(document, "JoinConfiguration", discovery)
        } else if document.contains("kind: InitConfiguration") && lacks("advertiseAddress:") {
            let endpoint = "localAPIEndpoint:\n  advertiseAddress: 192.168.0.11\n";
            after_kind(document, "InitConfiguration", endpoint)
        } else {
            document.to_owned()
        }
    });
    let mut whole = documents.collect::<Vec<_>>().join("---\n");
    if !whole.contains("kind: InitConfiguration") && !whole.contains("kind: JoinConfiguration") {
        let versions = ["v1beta2", "v1beta3", "v1beta4"];
        let api = versions.into_iter().find(|version| example.contains(version));
        let api = api.unwrap_or("v1beta4");
        whole.push_str(&format!(
            "---\napiVersion: kubeadm.k8s.io/{api}\nkind: InitConfiguration\n\
             localAPIEndpoint:\n  advertiseAddress: 192.168.0.11\n"
        ));
    }
    whole
}

/// Whether kubeadm accepts an example, and what it says of it.
fn validate(kubeadm: &Path, example: &str) -> (bool, String) {
    validate_whole(kubeadm, CURRENT, &whole(example))
}

/// Whether kubeadm knows the API versions that an example names.
pub(crate) fn knows(version: Version, example: &str) -> bool {
    let named = |api: &str| example.contains(&format!("kubeadm.k8s.io/{api}"));
    let later = named("v1beta4") && version < Version::v1(31);
    !later && !named("v1beta2")
}

/// The first version whose kubeadm has `config validate`.
const VALIDATES: Version = Version::v1(26);

/// Whether kubeadm accepts a whole file, and what it says of it. Before it could validate, it did so
/// on the way to migrate a file; of fields that it doesn't know it only warned, and left them out.
pub(crate) fn validate_whole(kubeadm: &Path, version: Version, whole: &str) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kubeadm.yaml");
    fs::write(&file, whole).unwrap();
    let arguments = match version < VALIDATES {
        true => ["config", "migrate", "--old-config"],
        false => ["config", "validate", "--config"],
    };
    let output = Command::new(kubeadm).args(arguments).arg(&file).output().unwrap();
    let said = text(&output);
    let left_out = version < VALIDATES && said.contains("error unmarshaling configuration");
    (output.status.success() && !left_out, said)
}

#[test]
fn kubeadm_does_what_each_rule_declares() {
    let Some(kubeadm) = component("kubeadm") else { return };
    let wrong: Vec<_> = cases(Binary::Kubeadm)
        .iter()
        .filter_map(|case| {
            let (accepted, said) = validate(&kubeadm, case.example);
            case.judge(accepted, &said)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

#[test]
fn kubeadm_accepts_what_no_rule_says_it_refuses() {
    let Some(kubeadm) = component("kubeadm") else { return };
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (rule, example) in silent(Binary::Kubeadm) {
        // An API version of its own time, which the example's rule does not speak of.
        if example.contains("v1beta2") {
            continue;
        }
        tried += 1;
        let (accepted, said) = validate(&kubeadm, example);
        if !accepted {
            wrong.push(format!("{}: {said}\n{example}", rule.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
    assert!(tried > 50, "only {tried} examples were tried");
}

#[test]
fn kubeadm_refuses_the_argument_of_join_where_a_rule_says_so() {
    let Some(kubeadm) = component("kubeadm") else { return };
    let endpoints = [
        ("[fd00:192::10]:6443", true),
        ("api.example.org:6443", true),
        ("192.168.0.10:6443", true),
        ("fd00:192::10:6443", false),
        ("fd00:192:0:1:2:3:4:10:6443", false),
        ("fd00:192::10", false),
        ("[fd00:192::10]", false),
    ];
    for (endpoint, right) in endpoints {
        // kubeadm asks the network only once it takes all arguments, and no such token.
        let flags = ["--discovery-token-unsafe-skip-ca-verification", "--token", "none"];
        for words in [[&[endpoint][..], &flags].concat(), [&flags[..], &[endpoint]].concat()] {
            let output = Command::new(&kubeadm).arg("join").args(&words).output().unwrap();
            let said = text(&output);
            assert!(said.contains("the bootstrap token is invalid"), "{endpoint}: {said}");
            assert_eq!(!said.contains("apiServerEndpoint"), right, "{endpoint}: {said}");
            let script = format!("kubeadm join {}\n", words.join(" "));
            let report = lint_text("join.sh", script.into(), None, &Options::default());
            assert_eq!(report.findings.is_empty(), right, "{endpoint}");
        }
    }
}
