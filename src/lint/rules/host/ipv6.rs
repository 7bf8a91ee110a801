//! Settings that turn IPv6 off, or its default route away.

use crate::{
    lint::{
        model::Sysctl,
        rules::{
            Area, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{cluster, documents, sysctls},
        },
        source::Spanned,
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
    versions: Versions::ALL,
    summary: "IPv6 is disabled in the kernel of a cluster whose Pods have IPv6.",
    why: "No interface gets an IPv6 address, on the node or (through `default`) in new Pods: the \
          CNI plugin can't assign one.",
    fix: "Set disable_ipv6 to 0 for `all` and `default`.",
    sources: &[KERNEL],
    enforced_by: &[EnforcedBy::Symptom("Pods stay in ContainerCreating")],
    good: &[Example::new(documents!(
        cluster!(
            "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
            "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
        ),
        sysctls!("net.ipv6.conf.all.disable_ipv6" = "0")
    ))],
    bad: &[
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            sysctls!("net.ipv6.conf.all.disable_ipv6" = "1")
        )),
        Example::new(
            "\
machine:
  type: worker
  install:
    extraKernelArgs: [ipv6.disable=1]
cluster:
  network:
    podSubnets: [10.244.0.0/16, \"fd00:10:244::/56\"]
    serviceSubnets: [10.96.0.0/16, \"fd00:10:96::/112\"]
",
        ),
    ],
    check: Check::Model(|model, out| {
        if !model.told_families().contains(&IpFamily::V6) {
            return;
        }
        for interface in ["all", "default"] {
            let name = format!("net.ipv6.conf.{interface}.disable_ipv6");
            let off = |sysctl: &&Spanned<Sysctl>| {
                sysctl.value.value.as_ref().is_some_and(|value| value != "0")
            };
            if let Some(sysctl) = last(model, &name).filter(off) {
                out.at(sysctl.span, format!("{name} disables IPv6, but the Pods have it"));
            }
        }
        for parameter in &model.kernel_ipv6_off {
            out.at(*parameter, "ipv6.disable=1 takes IPv6 out of the kernel, but the Pods have it")
                .fix("remove the kernel parameter and restart the node");
        }
    }),
};

pub(crate) const ACCEPT_RA: Rule = Rule {
    code: "DS702",
    name: "accept-ra-with-forwarding",
    area: Area::Host,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "IPv6 forwarding is enabled, but accept_ra is 1.",
    why: "With forwarding enabled, the kernel ignores router advertisements unless accept_ra is 2: \
          the default route expires after about half an hour.",
    fix: "Set accept_ra to 2, or configure a static default route.",
    sources: &[KERNEL, "https://www.rfc-editor.org/rfc/rfc4861#section-6.2.2"],
    enforced_by: &[EnforcedBy::Symptom("nodes lose external IPv6 when the route expires")],
    good: &[Example::new(sysctls!(
        "net.ipv6.conf.all.forwarding" = "1",
        "net.ipv6.conf.eth0.accept_ra" = "2"
    ))],
    bad: &[Example::new(sysctls!(
        "net.ipv6.conf.all.forwarding" = "1",
        "net.ipv6.conf.eth0.accept_ra" = "1"
    ))],
    check: Check::Model(|model, out| {
        let on = |sysctl: &&Spanned<Sysctl>| sysctl.value.value.as_deref() == Some("1");
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
