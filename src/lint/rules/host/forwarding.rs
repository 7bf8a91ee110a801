//! Forwarding between a node's interfaces, without which no Pod reaches another node.

use crate::{
    lint::rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents, sysctls},
    },
    net::IpFamily,
};

use super::last;

const KERNEL: &str = "https://docs.kernel.org/networking/ip-sysctl.html";
const RUNTIMES: &str = "https://kubernetes.io/docs/setup/production-environment/container-runtimes/\
 #install-and-configure-prerequisites";
const V4: &str = "net.ipv4.ip_forward";
const V6: &str = "net.ipv6.conf.all.forwarding";
const GOOD: Example = Example::new(documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    sysctls!(
        "net.ipv4.ip_forward" = "1",
        "net.ipv6.conf.all.forwarding" = "1",
        "net.bridge.bridge-nf-call-iptables" = "1",
        "net.bridge.bridge-nf-call-ip6tables" = "1"
    )
));

const fn name(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => V4,
        IpFamily::V6 => V6,
    }
}

pub(crate) const FORWARDING: Rule = Rule {
    code: "DS703",
    name: "forwarding-off",
    area: Area::Host,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Forwarding is disabled for a family that the Pods have.",
    why: "The node drops every packet between a Pod and anything outside the node.",
    fix: "Set net.ipv4.ip_forward and net.ipv6.conf.all.forwarding to 1.",
    sources: &[RUNTIMES, KERNEL],
    enforced_by: &[EnforcedBy::Symptom("Pods on different nodes can't reach each other")],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        sysctls!("net.ipv4.ip_forward" = "1", "net.ipv6.conf.all.forwarding" = "0")
    ))],
    check: Check::Model(|model, out| {
        for family in model.pod_families() {
            let off = last(model, name(family))
                .filter(|sysctl| sysctl.value.value.as_deref() == Some("0"));
            if let Some(sysctl) = off {
                out.at(
                    sysctl.span,
                    format!("{family} forwarding is disabled, but the Pods have {family}"),
                );
            }
        }
    }),
};

pub(crate) const FORWARDING_ONE_FAMILY: Rule = Rule {
    code: "DS704",
    name: "forwarding-one-family",
    area: Area::Host,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Forwarding is enabled for only one family of a dual-stack cluster.",
    why: "The file prepares a node for Pods, but leaves the other family at whatever the machine \
          has; the kernel's default is off.",
    fix: "Set both net.ipv4.ip_forward and net.ipv6.conf.all.forwarding to 1.",
    sources: &[RUNTIMES, KERNEL],
    enforced_by: &[EnforcedBy::Symptom(
        "Pods on different nodes can't reach each other in one family",
    )],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        sysctls!("net.ipv4.ip_forward" = "1")
    ))],
    check: Check::Model(|model, out| {
        if model.told_families().len() < 2 {
            return;
        }
        for family in IpFamily::ALL {
            let (set, missing) = (name(family), name(family.other()));
            let on = last(model, set).filter(|sysctl| sysctl.value.value.as_deref() == Some("1"));
            if let (Some(sysctl), None) = (on, last(model, missing)) {
                let other = family.other();
                out.at(
                    sysctl.span,
                    format!("forwarding is enabled for {family}, but not set for {other}"),
                )
                .fix(format!("set {missing} = 1 as well"));
            }
        }
    }),
};

pub(crate) const BRIDGE: Rule = Rule {
    code: "DS705",
    name: "bridge-filter-one-family",
    area: Area::Host,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Bridged traffic is filtered in one family only.",
    why: "On nodes whose Pods share a bridge, kube-proxy's rules don't apply to traffic between \
          Pods of the same node in that family: a Service fails if its backend is on the client's \
          node.",
    fix: "Set net.bridge.bridge-nf-call-iptables and net.bridge.bridge-nf-call-ip6tables to the \
          same value.",
    sources: &[
        "https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/",
    ],
    enforced_by: &[EnforcedBy::Symptom("a Service fails where its backend is on the same node")],
    good: &[GOOD],
    bad: &[Example::new(documents!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        sysctls!(
            "net.bridge.bridge-nf-call-iptables" = "1",
            "net.bridge.bridge-nf-call-ip6tables" = "0"
        )
    ))],
    check: Check::Model(|model, out| {
        if model.told_families().len() < 2 {
            return;
        }
        let names = ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
        for (on, off) in [(names[0], names[1]), (names[1], names[0])] {
            let value = |name: &str, value: &str| {
                last(model, name).filter(|sysctl| sysctl.value.value.as_deref() == Some(value))
            };
            if let (Some(on), Some(off)) = (value(on, "1"), value(off, "0")) {
                out.at(off.span, "disabled for this family, enabled for the other")
                    .also(on.span, "enabled here");
            }
        }
    }),
};
