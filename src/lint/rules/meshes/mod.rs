//! Service meshes.

use crate::{
    lint::{
        model::{Mesh, is_template, parse_address, parse_range},
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
    summary: "Istio's control plane is dual-stack but its proxies are not, or vice versa.",
    why: "ISTIO_DUAL_STACK is set for istiod in pilot.env and for the proxies in \
          meshConfig.defaultConfig.proxyMetadata. With only one of them, proxies listen in one family, or get \
          endpoints of one.",
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
                out.at(disable_v6.span, "the Pods have IPv6, which Linkerd doesn't handle");
            }
        }
    }),
};

/// Istio's `ServiceEntry` with an address, and with an endpoint.
macro_rules! service_entry {
    ($address:literal, $resolution:literal, $endpoint:literal) => {
        concat!(
            "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: database\n",
            "spec:\n  hosts: [database.example.com]\n  addresses: [\"192.0.2.10\", \"",
            $address,
            "\"]\n  ports: [{name: tcp, number: 5432, protocol: TCP}]\n  location: MESH_EXTERNAL\n",
            "  resolution: ",
            $resolution,
            "\n  endpoints:\n    - address: \"",
            $endpoint,
            "\"\n"
        )
    };
}

pub(super) const SERVICE_ENTRY: Rule = Rule {
    code: "DS553",
    name: "service-entry-address",
    area: Area::Meshes,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A ServiceEntry has an invalid address.",
    why: "Istio takes addresses and ranges in plain form: an IPv6 address without brackets and without \
          a port. Endpoints of the resolution STATIC are addresses too.",
    fix: "Write only the address, such as 2001:db8::10.",
    sources: &["https://istio.io/latest/docs/reference/config/networking/service-entry/"],
    enforced_by: &[EnforcedBy::Refused { by: "Istio", how: "rejects the ServiceEntry" }],
    good: &[
        Example::new(service_entry!("2001:db8::10", "STATIC", "2001:db8::20")),
        Example::new(service_entry!("2001:db8::/64", "DNS", "db-1.example.com")),
    ],
    bad: &[
        Example::new(service_entry!("[2001:db8::10]", "STATIC", "192.0.2.20")),
        Example::new(service_entry!("2001:db8::10", "STATIC", "[2001:db8::20]:5432")),
    ],
    check: Check::Model(|model, out| {
        for mesh in &model.meshes {
            let Mesh::ServiceEntry { addresses, endpoints } = mesh else { continue };
            let wrong = |text: &str| parse_address(text).is_none() && !is_template(text);
            let entries = addresses.iter().filter(|own| parse_range(&own.value).is_none());
            for text in entries.chain(endpoints).filter(|own| wrong(&own.value)) {
                out.at(text.span, format!("\"{}\" is not an address", text.value));
            }
        }
    }),
};
