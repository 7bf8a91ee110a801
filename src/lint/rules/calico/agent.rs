//! calico-node's environment.

use crate::{
    lint::{
        model::{CalicoNode, Model},
        rules::{
            Area, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{calico_node, cluster, documents},
        },
    },
    net::IpFamily,
};

use super::assign::DOCS;

const REFERENCE: &str = "https://docs.tigera.io/calico/latest/reference/configure-calico-node";
const GOOD: Example = Example::new(documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    calico_node!(IP = "autodetect", IP6 = "autodetect", FELIX_IPV6SUPPORT = "\"true\"")
));

/// Each calico-node in a cluster whose Pods have the family.
fn with(model: &Model, family: IpFamily) -> &[CalicoNode] {
    if model.pod_families().contains(&family) { &model.calico_nodes } else { &[] }
}

pub(crate) const ADDRESS: Rule = Rule {
    code: "DS602",
    name: "calico-node-address",
    area: Area::Calico,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "calico-node isn't configured to detect the node's address in a family that the Pods \
              have.",
    why: "Without IP6 (autodetect, or an address) calico-node doesn't know the node's IPv6 \
          address, and installs no IPv6 routes between nodes. IP=none does the same for IPv4.",
    fix: "Set IP6 to autodetect, and IP too.",
    sources: &[DOCS, REFERENCE],
    enforced_by: &[EnforcedBy::Symptom("Pods on different nodes can't reach each other")],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        calico_node!(IP = "autodetect", FELIX_IPV6SUPPORT = "\"true\"")
    ))],
    check: Check::Model(|model, out| {
        for node in with(model, IpFamily::V6) {
            match node.get("IP6") {
                Some(value) if value.value == "none" => {
                    out.at(value.span, "IP6 is none, but the Pods have IPv6");
                }
                None => {
                    out.at(node.at, "IP6 is not set, but the Pods have IPv6")
                        .fix("add {name: IP6, value: autodetect}");
                }
                Some(_) => {}
            }
        }
        // The pool says that Pods get IPv6, whatever else is known of the cluster.
        let unknown = model.calico_nodes.iter().filter(|_| model.pod_families().is_empty());
        for node in unknown.filter(|node| node.get("CALICO_IPV6POOL_CIDR").is_some()) {
            if let Some(value) = node.get("IP6").filter(|value| value.value == "none") {
                out.at(value.span, "IP6 is none, but there is an IPv6 pool");
            }
        }
        for node in with(model, IpFamily::V4) {
            if let Some(value) = node.get("IP").filter(|value| value.value == "none") {
                out.at(value.span, "IP is none, but the Pods have IPv4");
            }
        }
    }),
};

pub(crate) const AUTODETECTION: Rule = Rule {
    code: "DS603",
    name: "calico-autodetection",
    area: Area::Calico,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The address autodetection method is set for one family only.",
    why: "In the other family Calico uses the first address it finds, which on a machine with \
          several interfaces may belong to another network.",
    fix: "Set both IP_AUTODETECTION_METHOD and IP6_AUTODETECTION_METHOD.",
    sources: &[REFERENCE],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[GOOD],
    bad: &[
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            calico_node!(
                IP_AUTODETECTION_METHOD = "interface=eth1",
                IP6 = "autodetect",
                FELIX_IPV6SUPPORT = "\"true\""
            )
        )),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            "\
apiVersion: operator.tigera.io/v1
kind: Installation
metadata:
  name: default
spec:
  calicoNetwork:
    nodeAddressAutodetectionV4:
      interface: eth1
"
        )),
    ],
    check: Check::Model(|model, out| {
        let dual = model.is_dual() == Some(true);
        for node in model.calico_nodes.iter().filter(|_| dual) {
            let (v4, v6) = ("IP_AUTODETECTION_METHOD", "IP6_AUTODETECTION_METHOD");
            let (found, missing) = match (node.get(v4), node.get(v6)) {
                (Some(found), None) => (found, v6),
                (None, Some(found)) => (found, v4),
                _ => continue,
            };
            out.at(found.span, format!("{missing} is not set"))
                .fix(format!("set {missing} to {} as well", found.value));
        }
        for detection in model.autodetection.iter().filter(|own| dual || own.dual) {
            let (found, missing) = match detection.set {
                [Some(found), None] => (found, "nodeAddressAutodetectionV6"),
                [None, Some(found)] => (found, "nodeAddressAutodetectionV4"),
                _ => continue,
            };
            out.at(found, format!("{missing} is not set")).fix(format!("set {missing} as well"));
        }
    }),
};

pub(crate) const FELIX: Rule = Rule {
    code: "DS604",
    name: "calico-felix-ipv6",
    area: Area::Calico,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "FELIX_IPV6SUPPORT, or ipv6Support, is false in a cluster whose Pods have IPv6.",
    why: "Felix then programs no IPv6 routes and enforces no IPv6 policy. Calico's own manifests \
          set it to false.",
    fix: "Set FELIX_IPV6SUPPORT to \"true\".",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("Pods have IPv6 addresses that nothing can reach")],
    good: &[GOOD],
    bad: &[
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            calico_node!(IP6 = "autodetect", FELIX_IPV6SUPPORT = "\"false\"")
        )),
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            "\
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata:
  name: default
spec:
  ipv6Support: false
"
        )),
    ],
    check: Check::Model(|model, out| {
        for node in with(model, IpFamily::V6) {
            let off = |text: &&crate::lint::source::Spanned<String>| {
                matches!(&*text.value.to_lowercase(), "false" | "0" | "no" | "n" | "f")
            };
            if let Some(value) = node.get("FELIX_IPV6SUPPORT").filter(off) {
                out.at(value.span, "Felix ignores IPv6, but the Pods have it");
            }
        }
        let wanted = model.pod_families().contains(&IpFamily::V6);
        for value in model.felix.iter().filter(|value| wanted && value.value == "false") {
            out.at(value.span, "Felix ignores IPv6, but the Pods have it")
                .fix("set ipv6Support: true, or leave it out");
        }
    }),
};
