//! kube-controller-manager's node IPAM controller, with a node to give ranges to.

use std::{collections::HashSet, path::Path, process::Command};

use dualstack::lint::{
    model::Version,
    rules::{Binary, RULES},
};
use serde_json::json;

use super::{
    api::Api,
    binaries::{Running, Waited, component, every},
    examples::cases,
    reads::controller_manager_flags,
    versions::{CLUSTER, UNGATED, complaints, of_its_time, with_gate},
};

/// The first version to which kubeadm passes no masks of its own: before, it calculates them from the pod ranges.
const DEFAULT_MASKS: Version = Version::v1(20);
/// The first version without the port that asks for no certificate.
const SECURE_ONLY: Version = Version::v1(24);
/// What it says of a range that it gives to a node.
const GIVEN: &str = "Set node";
/// What it says where a range has no room for a node.
const NONE_LEFT: &str = "no remaining CIDRs left to allocate";

/// The command that gives ranges to the nodes of a cluster.
fn command(binary: &Path, api: &Api, flags: Vec<String>) -> Command {
    let mut command = Command::new(binary);
    command
        .arg(format!("--kubeconfig={}", api.kubeconfig().display()))
        // Its name until 1.27, and an alias since.
        .args(["--controllers=nodeipam", "--allocate-node-cidrs=true"])
        .args(["--leader-elect=false", "--secure-port=0", "-v=2"])
        .args(flags);
    command
}

#[test]
fn kube_controller_manager_gives_nodes_ranges_as_each_rule_declares() {
    let Some(binary) = component("kube-controller-manager") else { return };
    let Some(api) = Api::start("10.96.0.0/16") else { return };
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" } });
    let mut wrong = Vec::new();
    for case in cases(Binary::ControllerManager) {
        let (made, said) = api.kubectl(&["create"], &node);
        assert!(made, "{said}");
        let mut manager = Running::start(&mut command(
            &binary,
            &api,
            controller_manager_flags(case.example).unwrap(),
        ));
        let given = "Set node PodCIDR";
        let waited = manager.wait_for(&[given, case.text]);
        // What is refused ends the process; a warning leaves the node without a range.
        let goes_on = waited == Waited::Said && !(case.bad && case.rejects && manager.ends());
        wrong.extend(case.judge(goes_on, &manager.said()));
        assert_eq!(manager.said().contains(given), !case.bad, "{case}");
        drop(manager);
        let (gone, said) = api.kubectl(&["delete", "--wait"], &node);
        assert!(gone, "{said}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

#[test]
fn the_linter_and_kube_controller_manager_of_each_version_leave_the_same_nodes_without_a_range() {
    let found = every("kube-controller-manager");
    if found.is_empty() {
        return;
    }
    let Some(api) = Api::start("10.96.0.0/16") else { return };
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node-1" } });
    let mut wrong = Vec::new();
    for (version, binary) in found {
        if version < DEFAULT_MASKS {
            eprintln!(
                "kube-controller-manager {version}: kubeadm gives it masks that are not the example's"
            );
            continue;
        }
        let mut tried = HashSet::new();
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        // What names a version of its own is about that one.
        for example in examples.filter(|example| !example.text.contains("kubernetesVersion:")) {
            let Some(mut flags) = controller_manager_flags(example.text) else { continue };
            let Some(mut whole) = of_its_time(example.text, version) else { continue };
            if version < UNGATED {
                whole = with_gate(&whole, CLUSTER).unwrap_or(whole);
                flags.push("--feature-gates=IPv6DualStack=true".to_owned());
            }
            if version < SECURE_ONLY {
                flags.push("--port=0".to_owned());
            }
            let (of_it, others) = complaints(&whole, version, Binary::ControllerManager);
            // What another program refuses says nothing of this one.
            if !others.is_empty() || !tried.insert(flags.clone()) {
                continue;
            }
            let (made, said) = api.kubectl(&["create"], &node);
            assert!(made, "{said}");
            let mut manager = Running::start(&mut command(&binary, &api, flags));
            manager.wait_for(&[GIVEN, NONE_LEFT]);
            let said = manager.said();
            drop(manager);
            let (gone, answer) = api.kubectl(&["delete", "--wait"], &node);
            assert!(gone, "{answer}");
            if said.contains(GIVEN) != of_it.is_empty() {
                let last: Vec<_> = said.lines().rev().take(8).collect();
                let last = last.join("\n");
                wrong.push(format!("{version}: we: {of_it:?}, it: {last}\n{whole}"));
            }
        }
        let tried = tried.len();
        eprintln!("kube-controller-manager {version}: {tried} sets of flags");
        assert!(tried > 10, "only {tried} sets of flags were tried with {version}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
