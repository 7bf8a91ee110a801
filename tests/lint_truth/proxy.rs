//! kube-proxy: what it refuses of its configuration, and what it warns of once it knows its node.

use std::{fs, path::Path, process::Command};

use dualstack::lint::rules::{Binary, RULES};
use serde_json::{Value, json};

use super::{
    api::Api,
    binaries::{component, every, text},
    examples::{cases, silent},
    reads::{documents, of_kind, proxy_configuration},
    versions::{UNGATED, refusals, with_gate},
};

/// The kind of kube-proxy's own document.
const KIND: &str = "KubeProxyConfiguration";
/// A file that is not there.
const MISSING: &str = "/nonexistent/kubeconfig";

/// Whether kube-proxy starts with an example, and what it says.
fn start(binary: &Path, api: &Api, example: &str) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kube-proxy.json");
    let mut configuration = proxy_configuration(example).unwrap();
    configuration["clientConnection"] = json!({ "kubeconfig": api.kubeconfig() });
    fs::write(&file, configuration.to_string()).unwrap();
    // Without a PATH it finds no nft, and ends before it would change any rule; by then it has
    // said all that it has to say of its configuration.
    let output = Command::new(binary)
        .env("PATH", "")
        .arg(format!("--config={}", file.display()))
        .output()
        .unwrap();
    let said = text(&output);
    (said.contains("could not find nftables binary"), said)
}

#[test]
fn kube_proxy_does_what_each_rule_declares() {
    let Some(binary) = component("kube-proxy") else { return };
    let Some(api) = Api::start("10.96.0.0/16") else { return };
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" },
    "status": { "addresses": [
        { "type": "InternalIP", "address": "192.168.0.11" },
        { "type": "InternalIP", "address": "fd00:192::11" },
    ]}});
    let (made, said) = api.kubectl(&["create"], &node);
    assert!(made, "{said}");
    let mut wrong = Vec::new();
    for case in cases(Binary::Proxy) {
        let (started, said) = start(&binary, &api, case.example);
        wrong.extend(case.judge(started, &said));
    }
    for (rule, example) in silent(Binary::Proxy) {
        if proxy_configuration(example).is_some() {
            let (started, said) = start(&binary, &api, example);
            if !started {
                wrong.push(format!("{} says nothing of this: {said}\n{example}", rule.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

/// Whether kube-proxy takes an example's configuration, and what it says: it then looks for the file
/// that leads to the API server, and ends without it.
fn takes(binary: &Path, example: &str) -> Option<(bool, String)> {
    let documents = documents(example);
    let mut configuration = of_kind(&documents, KIND)?.clone();
    configuration["hostnameOverride"] = json!("node-1");
    configuration["clientConnection"] = json!({ "kubeconfig": MISSING });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kube-proxy.json");
    fs::write(&file, configuration.to_string()).unwrap();
    let argument = format!("--config={}", file.display());
    let output = Command::new(binary).env("PATH", "").arg(argument).output().unwrap();
    let said = text(&output);
    Some((said.contains(&format!("stat {MISSING}")), said))
}

#[test]
fn the_linter_and_kube_proxy_of_each_version_refuse_the_same_examples() {
    let mut wrong = Vec::new();
    for (version, binary) in every("kube-proxy") {
        let mut tried = 0;
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        // What names a version of its own is about that one.
        for example in examples.filter(|example| !example.text.contains("kubernetesVersion:")) {
            // What other documents say, such as kubeadm's, is not kube-proxy's to refuse.
            let own = of_kind(&documents(example.text), KIND).map(Value::to_string);
            let Some(own) = own else { continue };
            // Before 1.21 two families need the gate: with it, and without.
            let gated = (version < UNGATED).then(|| with_gate(&own, KIND)).flatten();
            for text in gated.into_iter().chain([own]) {
                let Some((taken, said)) = takes(&binary, &text) else { continue };
                tried += 1;
                let codes = refusals(&text, version, Binary::Proxy, None);
                if taken != codes.is_empty() {
                    let codes = format!("{taken}, {codes:?}");
                    wrong.push(format!("kube-proxy {version}: {codes}: {said}\n{text}"));
                }
            }
        }
        eprintln!("kube-proxy {version}: {tried} examples");
        assert!(tried > 0, "no example is kube-proxy's");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
