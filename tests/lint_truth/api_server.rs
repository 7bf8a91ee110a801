//! kube-apiserver: its flags' validation, and what it admits.

use std::{path::Path, sync::OnceLock};

use dualstack::lint::rules::Binary;

use super::{
    api::{Api, secrets, server_command},
    binaries::{component, text},
    examples::{cases, silent},
    reads::{api_server_flags, documents, network, of_kind, shows_services},
};

/// Whether kube-apiserver takes the flags, and what it says.
pub(crate) fn validate(binary: &Path, flags: &[String]) -> (bool, String) {
    let secrets = secrets();
    // A mistake of our own ends the process after validation whatever the example holds.
    let output = server_command(binary, &secrets)
        .args(["--etcd-servers=http://127.0.0.1:1", "--apiserver-count=0"])
        .args(flags)
        .output()
        .unwrap();
    let said = text(&output);
    let own = "--apiserver-count should be a positive number";
    assert!(said.contains(own), "it did not come to validation: {said}");
    // Several mistakes stand in brackets.
    // Older releases say "error: …".
    let alone = [format!("err=\"{own}"), format!("rror: {own}")];
    (alone.iter().any(|text| said.contains(text)), said)
}

#[test]
fn kube_apiserver_refuses_flags_as_each_rule_declares() {
    let Some(binary) = component("kube-apiserver") else { return };
    let wrong: Vec<_> = cases(Binary::ApiServer)
        .iter()
        .filter(|case| !shows_services(case.example))
        .filter_map(|case| {
            let (accepted, said) = validate(&binary, &api_server_flags(case.example)?);
            case.judge(accepted, &said)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

#[test]
fn kube_apiserver_takes_flags_that_no_rule_says_it_refuses() {
    let Some(binary) = component("kube-apiserver") else { return };
    for (rule, example) in silent(Binary::ApiServer) {
        if let Some(flags) = api_server_flags(example) {
            let (accepted, said) = validate(&binary, &flags);
            assert!(accepted, "{}: {said}\n{example}", rule.code);
        }
    }
}

#[test]
fn kube_apiserver_admits_and_refuses_services_as_each_rule_declares() {
    let (dual, single) = (OnceLock::new(), OnceLock::new());
    let mut wrong = Vec::new();
    for case in cases(Binary::ApiServer) {
        let documents = documents(case.example);
        let Some(service) = of_kind(&documents, "Service") else { continue };
        let both = "10.96.0.0/16,fd00:10:96::/112";
        let ranges = network(&documents, "serviceSubnet").unwrap_or_else(|| both.into());
        let api = if ranges.contains(',') { &dual } else { &single };
        let Some(api) = api.get_or_init(|| Api::start(&ranges)) else { return };
        let arguments = ["create", "--dry-run=server", "--validate=strict"];
        let (admitted, said) = api.kubectl(&arguments, service);
        wrong.extend(case.judge(admitted, &said));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
