//! Settings that turn IPv6 off, or its default route away.

use crate::{
    lint::rules::{
        Area, Check, EnforcedBy, Example, Level, Rule,
        documents::{cluster, documents, sysctls},
    },
    net::IpFamily,
};

use super::last;

const KERNEL: &str = "https://docs.kernel.org/networking/ip-sysctl.html";

pub(crate) const DISABLED: Rule = Rule {
    code: "DS701",
    name: "ipv6-disabled",
    area: Area::Host,
    level: Level::Error,
    summary: "IPv6 is turned off in the kernel of a cluster whose Pods have it.",
    reason: "No interface gets an IPv6 address, in the node or (by `default`) in any new Pod: the \
             CNI plugin fails to set one.",
    fix: "Set disable_ipv6 to 0 for `all` and `default`.",
    sources: &[KERNEL],
    enforced_by: &[EnforcedBy::Symptom("Pods stay in ContainerCreating")],
    good: &[Example::new(documents!(
        cluster!("podSubnet: 10.244.0.0/16,fd00:10:244::/56"),
        sysctls!("net.ipv6.conf.all.disable_ipv6" = "0")
    ))],
    bad: &[Example::new(documents!(
        cluster!("podSubnet: 10.244.0.0/16,fd00:10:244::/56"),
        sysctls!("net.ipv6.conf.all.disable_ipv6" = "1")
    ))],
    check: Check::Model(|model, out| {
        if !model.pod_families().contains(&IpFamily::V6) {
            return;
        }
        for interface in ["all", "default"] {
            let name = format!("net.ipv6.conf.{interface}.disable_ipv6");
            if let Some(sysctl) = last(model, &name).filter(|sysctl| sysctl.value.value != "0") {
                out.at(sysctl.span, format!("{name} turns IPv6 off, but the Pods have it"));
            }
        }
    }),
};

pub(crate) const ACCEPT_RA: Rule = Rule {
    code: "DS702",
    name: "accept-ra-with-forwarding",
    area: Area::Host,
    level: Level::Warning,
    summary: "A node forwards IPv6 and is to take its default route from router advertisements.",
    reason: "With forwarding on, accept_ra=1 means that router advertisements are ignored: the \
             default route runs out some half an hour later, and only 2 keeps it.",
    fix: "Set accept_ra to 2, or give the node a static default route.",
    sources: &[KERNEL, "https://www.rfc-editor.org/rfc/rfc4861#section-6.2.2"],
    enforced_by: &[EnforcedBy::Symptom("IPv6 to the outside is lost when the route expires")],
    good: &[Example::new(sysctls!(
        "net.ipv6.conf.all.forwarding" = "1",
        "net.ipv6.conf.eth0.accept_ra" = "2"
    ))],
    bad: &[Example::new(sysctls!(
        "net.ipv6.conf.all.forwarding" = "1",
        "net.ipv6.conf.eth0.accept_ra" = "1"
    ))],
    check: Check::Model(|model, out| {
        let on = |sysctl: &&_| -> bool {
            let sysctl: &crate::lint::source::Spanned<crate::lint::model::Sysctl> = sysctl;
            sysctl.value.value == "1"
        };
        let forwarding = last(model, "net.ipv6.conf.all.forwarding").filter(on);
        let Some(forwarding) = forwarding else { return };
        for sysctl in model.sysctls.iter().filter(on) {
            let name = &sysctl.value.name;
            if name.starts_with("net.ipv6.conf.") && name.ends_with(".accept_ra") {
                out.at(sysctl.span, "accept_ra=1 ignores router advertisements while forwarding")
                    .also(forwarding.span, "forwarding");
            }
        }
    }),
};
