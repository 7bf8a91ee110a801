//! Where a Corefile forwards queries to.

use std::net::{IpAddr, SocketAddr};

use crate::{
    lint::rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents},
    },
    net::IpFamily,
};

/// A cluster of IPv4, and a Corefile that forwards to this address.
macro_rules! forward {
    ($upstream:literal) => {
        documents!(
            cluster!("podSubnet: 10.244.0.0/16", "serviceSubnet: 10.96.0.0/16"),
            concat!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coredns\ndata:\n",
                "  Corefile: |\n    .:53 {\n        forward . ",
                $upstream,
                "\n    }\n"
            )
        )
    };
}

pub(crate) const UPSTREAM_FAMILY: Rule = Rule {
    code: "DS544",
    name: "dns-upstream-family",
    area: Area::Dns,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "CoreDNS forwards to a server of a family that the Pods don't have.",
    why: "CoreDNS runs in Pods. An upstream server of another family can't be reached from them, and \
          external names don't resolve, or only after a delay.",
    fix: "Forward to a server of a family that the Pods have.",
    sources: &[
        "https://coredns.io/plugins/forward/",
        "https://github.com/kubernetes-sigs/kind/issues/1736",
        "https://github.com/k3s-io/k3s/issues/3153",
    ],
    enforced_by: &[EnforcedBy::Symptom("external names don't resolve")],
    good: &[Example::new(forward!("192.168.0.53")), Example::new(forward!("/etc/resolv.conf"))],
    bad: &[Example::new(forward!("192.168.0.53 fd00:192::53"))],
    check: Check::Model(|model, out| {
        let pods = model.pod_families();
        if pods.is_empty() {
            return;
        }
        for directive in model.dns.iter().filter(|directive| directive.plugin() == "forward") {
            for upstream in directive.words.iter().skip(2) {
                let Some(family) = address(&upstream.value).map(IpFamily::of) else { continue };
                if !pods.contains(&family) {
                    let message = format!("the Pods have no {family}, so this is never reached");
                    let finding = out.at(upstream.span, message);
                    if let Some(list) = model.pods() {
                        finding.also(list.text.span, "pod range");
                    }
                }
            }
        }
    }),
};

/// The address of an upstream, which may have a scheme before it and a port behind it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let socket = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    text.parse().ok().or_else(socket)
}
