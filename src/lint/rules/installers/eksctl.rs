//! eksctl, and so Amazon EKS.

use crate::lint::{
    model::{Installation, Model, Tool},
    rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
};

const DOCS: &str = "https://docs.aws.amazon.com/eks/latest/eksctl/vpc-ip-family.html";
const GOOD: Example = Example::new(
    "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata:
  name: lab
  region: eu-central-1
kubernetesNetworkConfig:
  ipFamily: IPv6
addons:
  - name: vpc-cni
  - name: coredns
  - name: kube-proxy
iam:
  withOIDC: true
",
);
const ADDONS: [&str; 3] = ["vpc-cni", "coredns", "kube-proxy"];

pub(crate) const IPV6: Rule = Rule {
    code: "DS355",
    name: "eksctl-ipv6",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "An IPv6 EKS cluster lacks what eksctl requires for it, or asks for something that IPv6 excludes.",
    why: "EKS clusters are IPv4 or IPv6, never both. For IPv6 eksctl needs the managed add-ons \
          vpc-cni, coredns and kube-proxy and iam.withOIDC, and rejects serviceIPv4CIDR, vpc.nat \
          and self-managed node groups.",
    fix: "Add the add-ons and iam.withOIDC: true, and remove what IPv6 excludes.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Refused { by: "eksctl", how: "rejects it" }],
    good: &[GOOD],
    bad: &[
        Example::new(
            "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
kubernetesNetworkConfig:
  ipFamily: IPv6
iam:
  withOIDC: true
",
        ),
        Example::new(
            "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
kubernetesNetworkConfig:
  ipFamily: DualStack
",
        ),
    ],
    check: Check::Model(|model, out| {
        for install in installs(model) {
            check(install, out);
        }
    }),
};

fn installs(model: &Model) -> impl Iterator<Item = &Installation> {
    model.installs.iter().filter(|install| install.tool == Tool::Eksctl)
}

fn check(install: &Installation, out: &mut Findings) {
    let get = |name: &str| install.settings.get(name);
    let Some(family) = get("kubernetesNetworkConfig.ipFamily") else { return };
    match &*family.value.to_lowercase() {
        "ipv6" => {}
        "ipv4" => return,
        _ => {
            let text = &family.value;
            out.at(family.span, format!("EKS clusters are IPv4 or IPv6, not \"{text}\""))
                .fix("write IPv4 or IPv6");
            return;
        }
    }
    let auto = get("autoModeConfig.enabled").is_some_and(|text| text.value == "true");
    let missing: Vec<&str> = ADDONS
        .into_iter()
        .filter(|name| !auto && get(&format!("addons.{name}")).is_none())
        .collect();
    if !missing.is_empty() {
        let names = missing.join(", ");
        out.at(family.span, format!("IPv6 needs the managed add-ons {names}"));
    }
    if get("iam.withOIDC").is_none_or(|text| text.value != "true") && !auto {
        out.at(family.span, "IPv6 needs iam.withOIDC: true");
    }
    let nat = get("vpc.nat.gateway");
    for (field, name) in [
        (get("kubernetesNetworkConfig.serviceIPv4CIDR"), "serviceIPv4CIDR"),
        (nat, "vpc.nat"),
        (get("nodeGroups"), "self-managed node groups"),
    ] {
        if let Some(field) = field {
            out.at(field.span, format!("eksctl has no {name} in IPv6 clusters"))
                .also(family.span, "IPv6");
        }
    }
}
