//! Managed clusters of EKS, AKS and GKE, as operators that create them are told.

use crate::lint::{
    model::{Installation, Tool, is_template},
    rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
    source::Spanned,
};

const EKS: &str = "https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html";
const AKS: &str = "https://learn.microsoft.com/azure/aks/configure-dual-stack";
const GKE: &str = "https://cloud.google.com/kubernetes-engine/docs/how-to/alias-ips";

/// An EKS cluster with these lines in its `kubernetesNetworkConfig`.
macro_rules! eks {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: Cluster\nmetadata:\n  name: lab\n",
            "spec:\n  name: lab\n  kubernetesNetworkConfig:\n",
            $("    ", $line, "\n"),*
        )
    };
}

/// An AKS cluster with these lines in its `networkProfile`.
macro_rules! aks {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: containerservice.azure.com/v1api20240901\nkind: ManagedCluster\n",
            "metadata:\n  name: lab\nspec:\n  location: westeurope\n  networkProfile:\n",
            $("    ", $line, "\n"),*
        )
    };
}

/// A GKE cluster with these lines in its `spec`.
macro_rules! gke {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: container.cnrm.cloud.google.com/v1beta1\nkind: ContainerCluster\n",
            "metadata:\n  name: lab\nspec:\n  location: europe-west1\n",
            $("  ", $line, "\n"),*
        )
    };
}

pub(crate) const FAMILIES: Rule = Rule {
    code: "DS358",
    name: "managed-cluster-families",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A managed cluster asks its provider for families that the provider doesn't support.",
    why: "EKS' clusters are IPv4 or IPv6, never both, and those of IPv6 have no IPv4 Service range. AKS \
          gives Pods both families in overlay networks, with kubenet or without a plugin of its own, \
          and wants a range of each. GKE's dual-stack clusters need its Dataplane V2.",
    fix: "Use what the provider supports: see its page.",
    sources: &[EKS, AKS, GKE],
    enforced_by: &[EnforcedBy::Refused { by: "the provider", how: "rejects the cluster" }],
    good: &[
        Example::new(eks!("ipFamily: ipv6")),
        Example::new(aks!(
            "networkPlugin: azure",
            "networkPluginMode: overlay",
            "ipFamilies: [IPv4, IPv6]",
            "podCidrs: [10.244.0.0/16, \"fd00:10:244::/64\"]",
            "serviceCidrs: [10.0.0.0/16, \"fd00:10:96::/108\"]"
        )),
        Example::new(gke!(
            "datapathProvider: ADVANCED_DATAPATH",
            "ipAllocationPolicy: {stackType: IPV4_IPV6}"
        )),
    ],
    bad: &[
        Example::new(eks!("ipFamily: ipv6", "serviceIPv4CIDR: 10.100.0.0/16")),
        Example::new(eks!("ipFamily: dualstack")),
        Example::new(aks!("networkPlugin: azure", "ipFamilies: [IPv4, IPv6]")),
        Example::new(aks!(
            "networkPlugin: azure",
            "networkPluginMode: overlay",
            "podCidrs: [10.244.0.0/16, \"fd00:10:244::/64\"]",
            "serviceCidrs: [10.0.0.0/16, \"fd00:10:96::/108\"]"
        )),
        Example::new(gke!("ipAllocationPolicy: {stackType: IPV4_IPV6}")),
    ],
    check: Check::Model(|model, out| {
        for install in &model.installs {
            match install.tool {
                Tool::Eks => eks(install, out),
                Tool::Aks => aks(install, out),
                Tool::Gke => gke(install, out),
                _ => {}
            }
        }
    }),
};

fn eks(install: &Installation, out: &mut Findings) {
    let Some(family) = install.settings.get("ipFamily") else { return };
    match &*family.value.to_lowercase() {
        "ipv4" => {}
        text if is_template(text) => {}
        "ipv6" => {
            let services = ["serviceIPv4CIDR", "serviceIpv4Cidr"];
            let services = services.iter().find_map(|name| install.settings.get(name));
            if let Some(services) = services.filter(|text| !text.value.is_empty()) {
                out.at(services.span, "a cluster of IPv6 has no IPv4 Service range")
                    .also(family.span, "IPv6");
            }
        }
        _ => {
            let text = &family.value;
            out.at(family.span, format!("EKS clusters are IPv4 or IPv6, not \"{text}\""))
                .fix("write ipv4 or ipv6");
        }
    }
}

fn aks(install: &Installation, out: &mut Findings) {
    let families = install.settings.list.iter().filter(|arg| arg.name.value == "ipFamilies");
    let families: Vec<&Spanned<String>> = families.map(|arg| &arg.value).collect();
    let is = |name: &str, wanted: &str| {
        install.settings.get(name).is_some_and(|text| text.value.eq_ignore_ascii_case(wanted))
    };
    let second = families.get(1);
    if let Some(second) = second
        && is("networkPlugin", "azure")
        && !is("networkPluginMode", "overlay")
    {
        out.at(second.span, "Azure CNI gives Pods both families in an overlay network only")
            .fix("set networkPluginMode: overlay");
    }
    for list in [&install.pods, &install.services].into_iter().flatten() {
        let (field, count) = (list.field, list.entries.len());
        match second {
            None if count > 1 => {
                out.at(
                    list.text.span,
                    format!("{field} has {count} ranges, but ipFamilies not both"),
                )
                .fix("set ipFamilies: [IPv4, IPv6]");
            }
            Some(second) if count == 1 && field.ends_with('s') => {
                out.at(list.text.span, format!("{field} has one range, but ipFamilies lists both"))
                    .also(second.span, "the second family");
            }
            _ => {}
        }
    }
}

fn gke(install: &Installation, out: &mut Findings) {
    let Some(stack) = install.settings.get("stackType") else { return };
    let is = |name: &str, wanted: &str| {
        install.settings.get(name).is_some_and(|text| text.value == wanted)
    };
    match stack.value.as_str() {
        "IPV4" | "IPV6" => {}
        text if is_template(text) => {}
        "IPV4_IPV6" => {
            if !is("datapathProvider", "ADVANCED_DATAPATH") && !is("enableAutopilot", "true") {
                out.at(stack.span, "both families need datapathProvider: ADVANCED_DATAPATH");
            }
        }
        other => {
            out.at(stack.span, format!("\"{other}\" is not a valid GKE stack type"))
                .fix("write IPV4_IPV6 or IPV4");
        }
    }
}
