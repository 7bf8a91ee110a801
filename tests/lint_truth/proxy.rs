//! kube-proxy: what it refuses of its configuration, and what it warns of once it knows its node.

use std::{fs, process::Command};

use dualstack::lint::rules::Binary;
use serde_json::{Value, json};

use super::{
    api::Api,
    binaries::{find, text},
    examples::{declared, documents, examples, of_kind},
};

/// The example's configuration as kube-proxy takes it here: it finds its node, and leaves the
/// machine's settings alone.
fn configuration(example: &str, kubeconfig: &str) -> Value {
    let documents = documents(example);
    let mut configuration = of_kind(&documents, "KubeProxyConfiguration")[0].clone();
    configuration["mode"] = json!("nftables");
    configuration["hostnameOverride"] = json!("node-1");
    configuration["clientConnection"] = json!({ "kubeconfig": kubeconfig });
    configuration["conntrack"] = json!({
        "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
    });
    configuration
}

#[test]
fn kube_proxy_does_what_each_rule_declares() {
    let Some(binary) = find("kube-proxy") else { return };
    let Some(api) = Api::start("10.96.0.0/16") else { return };
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" },
    "status": { "addresses": [
        { "type": "InternalIP", "address": "192.168.0.11" },
        { "type": "InternalIP", "address": "fd00:192::11" },
    ]}});
    let (made, said) = api.kubectl(&["create"], &node);
    assert!(made, "{said}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kube-proxy.json");
    let mut wrong = Vec::new();
    for declared in declared(Binary::Proxy) {
        for (example, bad) in examples(declared.rule) {
            let kubeconfig = api.kubeconfig().display().to_string();
            let configuration = configuration(example.text, &kubeconfig);
            fs::write(&file, configuration.to_string()).unwrap();
            // Without a PATH it finds no nft, and ends before it would change any rule; by then it
            // has said all that it has to say of its configuration.
            let output = Command::new(&binary)
                .env("PATH", "")
                .arg(format!("--config={}", file.display()))
                .output()
                .unwrap();
            let said = text(&output);
            let started = said.contains("could not find nftables binary");
            let says = said.contains(declared.text);
            if says != bad || started == (bad && declared.rejects) {
                let code = declared.rule.code;
                wrong.push(format!("{code} (bad: {bad}): {said}\n{}", example.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
