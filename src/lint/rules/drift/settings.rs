//! Feature gates, and flags of the control plane.

use crate::lint::{
    model::{ComponentName, Gate, GateReader, Model},
    rules::{
        Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions, documents::kubelet,
    },
    source::Span,
};

use super::DOCS;

/// The flags that have to do with the network.
const NETWORK: &[&str] = &[
    "advertise-address",
    "allocate-node-cidrs",
    "cluster-cidr",
    "node-cidr-mask-size",
    "node-cidr-mask-size-ipv4",
    "node-cidr-mask-size-ipv6",
    "service-cluster-ip-range",
];

pub(crate) const GATES: Rule = Rule {
    code: "DS905",
    name: "drift-feature-gates",
    area: Area::Drift,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Feature gates in the file differ from the live cluster's.",
    why: "kubeadm writes them once, to ConfigMaps and static Pods; changing the file later has no \
          effect.",
    fix: "Edit the ConfigMap that kubeadm wrote and apply it to the nodes, or fix the file.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[Example::new(GATE_ON).live(GATE_ON)],
    bad: &[
        Example::new(GATE_ON).live(kubelet!("featureGates:", "  StrictIPCIDRValidation: false")),
        Example::new(GATE_ON).live(NO_GATE),
        Example::new(NO_GATE).live(GATE_ON),
    ],
    check: Check::Drift(gates),
};

const GATE_ON: &str = kubelet!("featureGates:", "  StrictIPCIDRValidation: true");
const NO_GATE: &str = kubelet!();

fn gates(files: &Model, live: &Model, out: &mut Findings) {
    for gate in files.gates.iter().filter(|gate| document(live, gate.reader).is_some()) {
        let now = counterpart(live, gate);
        if now.is_some_and(|now| now.enabled == gate.enabled) {
            continue;
        }
        let (name, state) = (&gate.name.value, now.map_or("not set", state));
        let finding = out.at(gate.name.span, format!("{name} in the live cluster is {state}"));
        if let Some(now) = now {
            finding.also(now.name.span, "in the cluster");
        }
    }
    for gate in live.gates.iter().filter(|gate| counterpart(files, gate).is_none()) {
        if let Some(at) = document(files, gate.reader) {
            let (name, state) = (&gate.name.value, state(gate));
            out.at(at, format!("{name} is {state} in the live cluster, but not set here"))
                .also(gate.name.span, "in the cluster");
        }
    }
}

/// The same gate for the same reader in another model.
fn counterpart<'a>(model: &'a Model, gate: &Gate) -> Option<&'a Gate> {
    let same = |other: &&Gate| other.reader == gate.reader && other.name.value == gate.name.value;
    model.gates.iter().find(same)
}

fn state(gate: &Gate) -> &'static str {
    match gate.enabled {
        Some(true) => "true",
        Some(false) => "false",
        None => "neither true nor false",
    }
}

/// The document in which a model would set the gates of a reader.
fn document(model: &Model, reader: GateReader) -> Option<Span> {
    match reader {
        GateReader::Kubeadm => model.clusters.first().map(|cluster| cluster.at),
        GateReader::Kubelet => model.kubelets.first().map(|kubelet| kubelet.at),
        GateReader::Proxy => model.proxies.first().map(|proxy| proxy.at),
        GateReader::ControlPlane => {
            let cluster = || model.clusters.first().map(|cluster| cluster.at);
            model.components.first().map(|component| component.at).or_else(cluster)
        }
        GateReader::Kind => None,
    }
}

pub(crate) const FLAGS: Rule = Rule {
    code: "DS906",
    name: "drift-control-plane-flags",
    area: Area::Drift,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A control plane flag in the file differs from the live cluster's.",
    why: "kubeadm writes extraArgs to static Pods when it creates or upgrades a control plane; \
          changing only the file later has no effect.",
    fix: "Update /etc/kubernetes/manifests on each control plane node, or fix the file.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[Example::new(MASK).live(
        "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-controller-manager-n1
spec:
  containers:
    - command:
        - kube-controller-manager
        - --node-cidr-mask-size-ipv6=80
",
    )],
    bad: &[Example::new(MASK).live(
        "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-controller-manager-n1
spec:
  containers:
    - command: [kube-controller-manager, --allocate-node-cidrs=true]
",
    )],
    check: Check::Drift(flags),
};

const MASK: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controllerManager:
  extraArgs:
    - name: node-cidr-mask-size-ipv6
      value: \"80\"
";

fn flags(files: &Model, live: &Model, out: &mut Findings) {
    for name in [ComponentName::ApiServer, ComponentName::ControllerManager] {
        for component in files.components(name) {
            let network = |flag: &&crate::lint::model::Arg| NETWORK.contains(&&*flag.name.value);
            for flag in component.args.list.iter().filter(network) {
                // The live documents hold kubeadm's extraArgs too: those are but another file.
                let running = live.components(name).filter(|component| !component.extra);
                for running in running {
                    let (name, wanted) = (&flag.name.value, &flag.value.value);
                    let now = running.args.get(name);
                    if now.is_some_and(|now| now.value == *wanted) {
                        continue;
                    }
                    let state = now.map_or("not set", |now| &now.value);
                    out.at(flag.value.span, format!("--{name} in the live cluster is {state}"))
                        .also(now.map_or(running.at, |now| now.span), "in the cluster");
                }
            }
        }
    }
}
