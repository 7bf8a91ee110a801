//! Service meshes.

use crate::{
    lint::{
        model::Mesh,
        rules::{
            Area, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

/// Istio with a value for each of its two switches.
macro_rules! istio {
    ($pilot:literal, $proxies:literal) => {
        concat!(
            "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n  meshConfig:\n",
            "    defaultConfig:\n      proxyMetadata:\n        ISTIO_DUAL_STACK: ",
            $proxies,
            "\n  values:\n    pilot:\n      env:\n        ISTIO_DUAL_STACK: ",
            $pilot,
            "\n"
        )
    };
}

/// A cluster of both families, and Linkerd's values with this line.
macro_rules! linkerd {
    ($line:literal) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!("clusterNetworks: 10.0.0.0/8,fd00::/8\n", $line, "\n")
        )
    };
}

pub(super) const ISTIO: Rule = Rule {
    code: "DS551",
    name: "istio-dual-stack-half",
    area: Area::Meshes,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Istio's control plane is dual-stack and its proxies are not, or the other way round.",
    why: "ISTIO_DUAL_STACK is set for istiod in pilot.env and for the proxies in \
          meshConfig.defaultConfig.proxyMetadata. With one of them alone proxies listen in one family, \
          or get endpoints of one.",
    fix: "Set ISTIO_DUAL_STACK: \"true\" in both places.",
    sources: &["https://istio.io/latest/docs/setup/additional-setup/dual-stack/"],
    enforced_by: &[EnforcedBy::Symptom("traffic of one family fails or passes the mesh by")],
    good: &[Example::new(istio!("\"true\"", "\"true\"")), Example::new(istio!("\"\"", "\"\""))],
    bad: &[
        Example::new(istio!("\"true\"", "\"false\"")),
        Example::new("pilot:\n  env:\n    ISTIO_DUAL_STACK: \"true\"\n"),
    ],
    check: Check::Model(|model, out| {
        for mesh in &model.meshes {
            let Mesh::Istio { pilot, proxies } = mesh else { continue };
            for (on, off) in [(pilot, proxies), (proxies, pilot)] {
                if let Some(set) = on.set.as_ref().filter(|_| on.is_on() && !off.is_on()) {
                    let finding = out.at(set.span, format!("this needs {} as well", off.name));
                    if let Some(off) = &off.set {
                        finding.also(off.span, "not on");
                    }
                }
            }
        }
    }),
};

pub(super) const LINKERD: Rule = Rule {
    code: "DS552",
    name: "linkerd-ipv6-off",
    area: Area::Meshes,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Linkerd's IPv6 is off in a cluster whose Pods have IPv6.",
    why: "With disableIPv6: true the proxies take IPv4 only; traffic between Pods by IPv6 is not in \
          the mesh, and has neither its encryption nor its policies.",
    fix: "Set disableIPv6: false for the control plane and for Linkerd's CNI plugin.",
    sources: &["https://linkerd.io/2/features/ipv6/"],
    enforced_by: &[EnforcedBy::Symptom("IPv6 traffic is not in the mesh")],
    good: &[Example::new(linkerd!("disableIPv6: false"))],
    bad: &[Example::new(linkerd!("disableIPv6: true"))],
    check: Check::Model(|model, out| {
        for mesh in &model.meshes {
            let Mesh::Linkerd { disable_v6 } = mesh else { continue };
            if disable_v6.value == "true" && model.pod_families().contains(&IpFamily::V6) {
                out.at(disable_v6.span, "the Pods have IPv6, which Linkerd leaves alone");
            }
        }
    }),
};
