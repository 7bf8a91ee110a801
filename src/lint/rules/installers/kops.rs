//! kOps.

use crate::{
    lint::{
        model::{Installation, Model, Tool},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
        source::Spanned,
    },
    net::IpFamily,
};

const DOCS: &str = "https://kops.sigs.k8s.io/networking/ipv6/";

/// A cluster with these lines in its `spec`.
macro_rules! kops {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: kops.k8s.io/v1alpha2\nkind: Cluster\nmetadata:\n  name: lab.example.test\n",
            "spec:\n  kubernetesVersion: 1.33.1\n",
            $("  ", $line, "\n"),*
        )
    };
}

pub(crate) const FAMILIES: Rule = Rule {
    code: "DS356",
    name: "kops-families",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A kOps cluster asks for two families, or for Services of another family than its Pods.",
    why: "kOps' clusters are IPv4, or IPv6 where nonMasqueradeCIDR is ::/0: then Pods and Services \
          are IPv6 only, and only the nodes have both families. Cilium's enableipv6 is not used, and \
          its ipam eni gives IPv4 addresses only.",
    fix: "Give one Service range, of IPv6 with nonMasqueradeCIDR: \"::/0\" and of IPv4 without it.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("the cluster is not built, or has one family")],
    good: &[
        Example::new(kops!(
            "nonMasqueradeCIDR: 100.64.0.0/10",
            "serviceClusterIPRange: 100.64.0.0/13"
        )),
        Example::new(kops!(
            "nonMasqueradeCIDR: \"::/0\"",
            "serviceClusterIPRange: fd00:5e4f:ce::/108"
        )),
    ],
    bad: &[
        Example::new(kops!("serviceClusterIPRange: 100.64.0.0/13,fd00:10:96::/112")),
        Example::new(kops!("nonMasqueradeCIDR: \"::/0\"", "serviceClusterIPRange: 100.64.0.0/13")),
        Example::new(kops!("nonMasqueradeCIDR: \"::/0\"", "networking: {cilium: {ipam: eni}}")),
        Example::new(kops!(
            "nonMasqueradeCIDR: 100.64.0.0/10",
            "networking: {cilium: {enableipv6: true}}"
        )),
    ],
    check: Check::Model(|model, out| {
        for install in installs(model) {
            check(install, out);
        }
    }),
};

pub(crate) const ENCAPSULATION: Rule = Rule {
    code: "DS359",
    name: "kops-encapsulation",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "An IPv6 kOps cluster asks Calico for encapsulation.",
    why: "kOps routes Pods of IPv6 clusters natively, and requires encapsulationMode none there.",
    fix: "Set networking.calico.encapsulationMode: none.",
    sources: &[DOCS, "https://kops.sigs.k8s.io/networking/calico/"],
    enforced_by: &[EnforcedBy::Refused { by: "kOps", how: "rejects the cluster" }],
    good: &[Example::new(kops!(
        "nonMasqueradeCIDR: \"::/0\"",
        "networking: {calico: {encapsulationMode: none}}"
    ))],
    bad: &[Example::new(kops!(
        "nonMasqueradeCIDR: \"::/0\"",
        "networking: {calico: {encapsulationMode: vxlan}}"
    ))],
    check: Check::Model(|model, out| {
        for install in installs(model) {
            let (Some(outside), Some(mode)) =
                (outside(install), install.settings.get("networking.calico.encapsulationMode"))
            else {
                continue;
            };
            if outside.value.contains(':') && mode.value != "none" {
                out.at(mode.span, "a cluster of IPv6 needs encapsulationMode none")
                    .also(outside.span, "this makes it so");
            }
        }
    }),
};

fn installs(model: &Model) -> impl Iterator<Item = &Installation> {
    model.installs.iter().filter(|install| install.tool == Tool::Kops)
}

/// The range of addresses that are not masqueraded, which decides about the family.
fn outside(install: &Installation) -> Option<&Spanned<String>> {
    let names = ["nonMasqueradeCIDR", "networking.nonMasqueradeCIDR"];
    names.iter().find_map(|name| install.settings.get(name))
}

fn check(install: &Installation, out: &mut Findings) {
    let outside = outside(install);
    let v6 = outside.filter(|text| text.value.contains(':'));
    let set =
        |name: &str, value: &str| install.settings.get(name).filter(|text| text.value == value);
    if let (Some(ipam), Some(outside)) = (set("networking.cilium.ipam", "eni"), v6) {
        out.at(ipam.span, "Cilium's ipam eni has no IPv6")
            .also(outside.span, "this cluster is IPv6");
    }
    if let Some(unused) = set("networking.cilium.enableipv6", "true").filter(|_| v6.is_none()) {
        let message = "kOps doesn't use enableipv6; this cluster is IPv4";
        out.at(unused.span, message).level(Level::Warning);
    }
    let wanted = outside
        .filter(|text| !text.value.is_empty())
        .map(|text| if text.value.contains(':') { IpFamily::V6 } else { IpFamily::V4 });
    for list in [&install.pods, &install.services].into_iter().flatten() {
        if let Some(second) = list.entries.get(1) {
            out.at(second.text.span, "kOps' clusters have one family");
            continue;
        }
        let (Some(family), Some(wanted), Some(outside)) =
            (list.families().first().copied(), wanted, outside)
        else {
            continue;
        };
        if family != wanted {
            let noun = list.role.noun();
            out.at(list.text.span, format!("the {noun} is {family}, but this cluster is {wanted}"))
                .also(outside.span, "this makes it so");
        }
    }
}
