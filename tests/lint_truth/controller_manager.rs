//! kube-controller-manager's node IPAM controller, with a node to give ranges to.

use std::process::Command;

use dualstack::lint::rules::Binary;
use serde_json::json;

use super::{
    api::Api,
    binaries::{Running, Waited, component},
    examples::{cases, documents, extra_args, network},
};

/// The flags that kubeadm makes of an example for kube-controller-manager.
pub(crate) fn flags(example: &str) -> Option<Vec<String>> {
    let documents = documents(example);
    let mut flags = vec![format!("--cluster-cidr={}", network(&documents, "podSubnet")?)];
    if let Some(services) = network(&documents, "serviceSubnet") {
        flags.push(format!("--service-cluster-ip-range={services}"));
    }
    flags.extend(extra_args(&documents, "controllerManager"));
    Some(flags)
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
        let mut manager = Running::start(
            Command::new(&binary)
                .arg(format!("--kubeconfig={}", api.kubeconfig().display()))
                .args(["--controllers=node-ipam-controller", "--allocate-node-cidrs=true"])
                .args(["--leader-elect=false", "--secure-port=0", "-v=2"])
                .args(flags(case.example).unwrap()),
        );
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
