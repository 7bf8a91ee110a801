//! What a plan proposes is right by the linter's own rules: it is written into the files, which are
//! linted again.

use crate::lint::{
    Options, lint_text,
    report::Report,
    rules::{Finding, Level},
};

use super::{
    render,
    steps::{Action, Change, How},
};

/// A cluster of one family with everything that overrides its ranges, in v1beta4's form.
const FLAGS: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
apiServer:
  extraArgs:
    - name: service-cluster-ip-range
      value: 10.96.0.0/16
controllerManager:
  extraArgs:
    - name: cluster-cidr
      value: \"10.244.0.0/16\"
    - name: node-cidr-mask-size
      value: \"25\"
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: n1
  kubeletExtraArgs:
    - name: node-ip
      value: 192.168.0.11
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.244.0.0/16
nodePortAddresses:
- 192.168.0.0/24
";

/// The same in the form of older versions.
const MAP: &str = "\
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
kubernetesVersion: v1.30.0
networking:
  podSubnet: 10.244.0.0/16
controllerManager:
  extraArgs:
    node-cidr-mask-size: \"24\"
";

/// The manifests of a control plane.
pub(super) const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
spec:
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --service-cluster-ip-range=10.96.0.0/16
---
apiVersion: v1
kind: Pod
metadata:
  name: kube-controller-manager
spec:
  containers:
  - name: kube-controller-manager
    command:
    - kube-controller-manager
    - --cluster-cidr=10.244.0.0/16
    - --service-cluster-ip-range=10.96.0.0/16
    - --node-cidr-mask-size=24
";

/// kubeadm's ranges, to stand before a plugin's document.
pub(super) const CLUSTER: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
---
";

/// What plugins are told in a cluster of one family.
const PLUGINS: &[(&str, &str)] = &[
    ("Cilium by default", "kubeProxyReplacement: true\n"),
    (
        "Cilium's own pool",
        "ipv6:\n  enabled: false\nipam:\n  mode: cluster-pool\n  operator:\n    \
         clusterPoolIPv4PodCIDRList: [\"10.244.0.0/16\"]\n    clusterPoolIPv6MaskSize: 120\n",
    ),
    (
        "Cilium with shares of its own",
        "ipam:\n  operator:\n    clusterPoolIPv4PodCIDRList: [\"10.244.0.0/16\"]\n    \
         clusterPoolIPv6MaskSize: 64\n",
    ),
    (
        "Cilium with shares that leave no room",
        "ipam:\n  operator:\n    clusterPoolIPv4PodCIDRList: [\"10.244.0.0/16\"]\n    \
         clusterPoolIPv6MaskSize: 48\n",
    ),
    ("Cilium with the nodes' ranges", "ipam:\n  mode: kubernetes\nroutingMode: native\n"),
    (
        "Cilium's ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cilium-config\ndata:\n  enable-ipv4: \
         \"true\"\n  enable-ipv6: \"false\"\n  ipam: cluster-pool\n  cluster-pool-ipv4-cidr: \
         10.244.0.0/16\n  cluster-pool-ipv4-mask-size: \"24\"\n",
    ),
    (
        "Calico's pool",
        "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata:\n  name: v4\nspec:\n  cidr: \
         10.244.0.0/16\n  natOutgoing: true\n",
    ),
    (
        "Calico's operator",
        "apiVersion: operator.tigera.io/v1\nkind: Installation\nmetadata:\n  name: default\nspec:\n  \
         calicoNetwork:\n    ipPools:\n    - cidr: 10.244.0.0/16\n      encapsulation: VXLAN\n",
    ),
    (
        "Calico's manifest",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: calico-config\ndata:\n  \
         cni_network_config: |-\n    {\n      \"plugins\": [\n        {\n          \"type\": \
         \"calico\",\n          \"ipam\": {\n            \"type\": \"calico-ipam\"\n          }\n        \
         }\n      ]\n    }\n---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: \
         calico-node\nspec:\n  template:\n    spec:\n      containers:\n      - name: calico-node\n        \
         env:\n        - name: IP\n          value: autodetect\n        - name: FELIX_IPV6SUPPORT\n          \
         value: \"false\"\n        - name: CALICO_IPV4POOL_CIDR\n          value: 10.244.0.0/16\n",
    ),
    (
        "flannel",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kube-flannel-cfg\ndata:\n  \
         net-conf.json: |\n    {\n      \"Network\": \"10.244.0.0/16\",\n      \"Backend\": {\"Type\": \
         \"vxlan\"}\n    }\n",
    ),
    ("flannel's chart", "podCidr: 10.244.0.0/16\nflannel:\n  backend: vxlan\n"),
];

pub(super) fn lint(text: &str) -> Report {
    lint_text("cluster.yaml", text.into(), None, &Options::default())
}

fn errors(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|finding| finding.level == Level::Error).collect()
}

/// The first one and the other way round: a cluster of IPv6.
fn of_ipv6(text: &str) -> String {
    text.replace("10.244.0.0/16", "fd00:10:244::/56")
        .replace("10.96.0.0/16", "fd00:10:96::/112")
        .replace("192.168.0.0/24", "\"fd00:192::/64\"")
        .replace("192.168.0.11", "fd00:192::11")
        .replace(
            "node-cidr-mask-size\n      value: \"25\"",
            "node-cidr-mask-size\n      value: \"65\"",
        )
        .replace("size: \"24\"", "size: \"64\"")
        .replace("size=24", "size=64")
}

/// What stands for a thing that only a person knows.
fn known(text: &str) -> String {
    text.replace("<IPv6 of the node>", "fd00:192::11")
        .replace("<IPv4 of the node>", "192.168.0.11")
        .replace("<IPv6 range of the nodes>", "\"fd00:192::/64\"")
        .replace("<IPv4 range of the nodes>", "192.168.0.0/24")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Writes a change as a person would who reads it.
fn apply(text: &mut String, original: &str, change: &Change) {
    let (start, end) = (change.at.start, change.at.end);
    let number = original[..start].matches('\n').count();
    let new = known(&change.new);
    if change.how == How::Value {
        text.replace_range(start..end, &new);
        return;
    }
    if change.how == How::Name {
        // A name is written inside its quotes.
        let old = original[start..end].trim_matches('"');
        let inside = start + original[start..end].find(old).unwrap();
        text.replace_range(inside..inside + old.len(), &new);
        return;
    }
    if change.how == How::Document {
        text.push_str(&format!("---\n{new}"));
        return;
    }
    let line = original.lines().nth(number).unwrap();
    let blank = " ".repeat(indent(line));
    let field = &change.field;
    let inner = line.trim_start();
    if field.starts_with('"') {
        // A field of JSON, in the first mapping behind the place.
        let from = text.lines().take(number).map(|line| line.len() + 1).sum::<usize>();
        let brace = from + text[from..].find('{').unwrap() + 1;
        text.insert_str(brace, &format!("{field}: {new},"));
    } else if inner == "env:" {
        insert(text, number + 1, &format!("{blank}- name: {field}\n{blank}  value: {new}\n"));
    } else if inner.starts_with("- name:") {
        insert(text, number, &format!("{blank}- name: {field}\n{blank}  value: {new}\n"));
    } else if inner.starts_with("- --") {
        insert(text, number, &format!("{blank}- --{field}={new}\n"));
    } else if inner.starts_with("- ") {
        insert(text, number, &format!("{blank}- {new}\n"));
    } else if field.contains('.') {
        let path: Vec<&str> = field.split('.').collect();
        insert_path(text, number, &path, &new);
    } else if change.field == "serviceSubnet" {
        insert(text, number + 1, &format!("{blank}  {field}: {new}\n"));
    } else {
        insert(text, number, &format!("{blank}{field}: {new}\n"));
    }
}

fn insert(text: &mut String, number: usize, new: &str) {
    let at: usize = text.lines().take(number).map(|line| line.len() + 1).sum();
    text.insert_str(at, new);
}

/// Adds a value at a path, below the keys of it that are there already.
fn insert_path(text: &mut String, mut number: usize, path: &[&str], new: &str) {
    let mut depth = 0;
    let mut rest = path;
    while let [key, below @ ..] = rest {
        let wanted = format!("{}{key}:", " ".repeat(depth));
        let mut lines = text.lines().skip(number);
        let Some(at) = lines.position(|line| line == wanted) else { break };
        number += at + 1;
        depth += 2;
        rest = below;
    }
    let mut added = String::new();
    for (level, key) in rest.iter().enumerate() {
        let value = if level + 1 == rest.len() { format!(" {new}") } else { String::new() };
        added.push_str(&format!("{}{key}:{value}\n", " ".repeat(depth + 2 * level)));
    }
    insert(text, number, &added);
}

/// The text with every change of its plan, of which it must have some.
pub(super) fn changed(text: &str) -> String {
    let report = lint(text);
    let mut new = text.to_owned();
    let changes = &report.plans[0].changes;
    assert!(!changes.is_empty(), "{}", render(&report, 100));
    // From the end to the beginning, so that no place moves before its turn.
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| {
        let inserted = matches!(change.how, How::Add | How::Document);
        (change.how != How::Document, std::cmp::Reverse(change.at.start), inserted)
    });
    for change in changes {
        apply(&mut new, text, change);
    }
    new
}

/// Nothing is wrong with what the plan proposes, and nothing more is proposed.
pub(super) fn is_right(name: &str, text: &str) {
    let before = lint(text);
    assert!(errors(&before).is_empty(), "{name} is wrong before: {:#?}", errors(&before));
    let new = changed(text);
    let report = lint(&new);
    assert!(errors(&report).is_empty(), "{name}: {:#?}\n{new}", errors(&report));
    assert!(report.plans[0].is_reached(), "{name}: {}\n{new}", render(&report, 100));
}

#[test]
fn kubeadms_files_are_right_once_they_say_what_is_proposed() {
    for (name, text) in [("flags", FLAGS), ("a map", MAP), ("manifests", PODS)] {
        is_right(name, text);
        is_right(name, &of_ipv6(text));
    }
}

#[test]
fn plugins_files_are_right_once_they_say_what_is_proposed() {
    for (name, text) in PLUGINS {
        is_right(name, &format!("{CLUSTER}{text}"));
    }
}

#[test]
fn what_a_plugin_is_told_while_it_runs_is_right_too() {
    for (name, text) in
        PLUGINS.iter().filter(|(name, _)| name.contains("Ci") || name.contains("Ca"))
    {
        let cluster = format!("{CLUSTER}{text}");
        let report = lint(&cluster);
        let plan = &report.plans[0];
        let step = plan.steps.iter().find(|step| step.title.contains("plugin")).unwrap();
        let pods = &plan.changes[0].new;
        let ranges = CLUSTER
            .replace("10.244.0.0/16", pods)
            .replace("10.96.0.0/16", "10.96.0.0/16,fd00:10:96::/112");
        for action in &step.actions {
            match action {
                Action::Run(command) => {
                    let script = format!("#!/bin/sh\n{command}\n");
                    let options = Options::default();
                    let report = lint_text("apply.sh", script.into(), None, &options);
                    assert!(errors(&report).is_empty(), "{name}: {:#?}", errors(&report));
                }
                Action::Write { place, lines } if place.contains("pool.yaml") => {
                    let document = lines.join("\n");
                    let report = lint(&format!("{ranges}{text}---\n{document}\n"));
                    let own =
                        |finding: &&Finding| finding.code == "DS609" || finding.code == "DS606";
                    assert!(!report.findings.iter().any(|f| own(&f)), "{name}: {document}");
                    assert!(
                        lines.iter().any(|line| line.contains("natOutgoing: true")),
                        "{lines:?}"
                    );
                }
                Action::Write { .. } => {}
            }
        }
    }
}

#[test]
fn a_flag_that_overrides_its_tools_ranges_is_a_thing_to_do() {
    let text = FLAGS
        .replace("podSubnet: 10.244.0.0/16", "podSubnet: 10.244.0.0/16,fd00:10:244::/56")
        .replace("serviceSubnet: 10.96.0.0/16", "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112");
    let report = lint(&text);
    let fields: Vec<&str> = report.plans[0].changes.iter().map(|own| own.field.as_str()).collect();
    assert!(fields.contains(&"--cluster-cidr"), "{fields:?}");
    assert!(fields.contains(&"--service-cluster-ip-range"), "{fields:?}");
    let new = &report.plans[0].changes[0].new;
    assert_eq!(new, "\"10.244.0.0/16,fd00:10:244::/56\"");
}

#[test]
fn commands_are_commands_and_lines_of_files_are_shown_as_such() {
    for cluster in [FLAGS, "cluster-cidr: 10.42.0.0/16\nservice-cidr: 10.43.0.0/16\n"] {
        let text = render(&lint(cluster), 100);
        let commands = text.lines().filter_map(|line| line.trim_start().strip_prefix("$ "));
        let programs = [
            "kubectl",
            "kubeadm",
            "systemctl",
            "sysctl",
            "echo",
            "ip",
            "dualstack",
            "until",
            "sleep",
        ];
        for command in commands {
            let program = command.split(' ').next().unwrap();
            assert!(programs.contains(&program), "{command}");
        }
    }
}

#[test]
fn a_version_that_needs_the_feature_gate_gets_it() {
    let old = MAP.replace("v1.30.0", "v1.20.0").replace("v1beta3", "v1beta2");
    is_right("v1.20", &old);
}
