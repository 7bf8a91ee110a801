//! kube-proxy's IPVS mode.

use crate::{
    lint::{
        model::Asked,
        rules::{Area, Check, EnforcedBy, Example, Level, Rule, Versions, documents::proxy},
        source::Spanned,
    },
    net::IpFamily,
};

pub(crate) const NODE_PORTS: Rule = Rule {
    code: "DS405",
    name: "ipvs-ipv6-node-ports",
    area: Area::Versions,
    level: Level::Warning,
    versions: Versions::until(22),
    summary: "IPVS mode with IPv6, in a version where IPv6 NodePorts fail.",
    why: "Before 1.23 kube-proxy looked up the node's addresses in the kernel's local routes, \
          which in older kernels don't include IPv6 addresses: it found none, and opened no IPv6 \
          NodePort.",
    fix: "Use 1.23 or later, or the iptables mode.",
    sources: &[
        "https://github.com/kubernetes/kubernetes/issues/93858",
        "https://github.com/kubernetes/kubernetes/issues/92412",
    ],
    enforced_by: &[EnforcedBy::Symptom("IPv6 NodePorts refuse connections")],
    good: &[
        Example::new(proxy!("mode: ipvs", "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56")),
        Example::new(proxy!("mode: iptables", "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56"))
            .asked(Asked::kubernetes(22)),
    ],
    bad: &[Example::new(proxy!("mode: ipvs", "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56"))
        .asked(Asked::kubernetes(22))],
    check: Check::Model(|model, out| {
        let version = model.version_or_current();
        let mut families = model.pod_families();
        families.extend(model.proxy_lists().iter().flat_map(|list| list.families()));
        if !families.contains(&IpFamily::V6) {
            return;
        }
        let files = model.proxies.iter().filter_map(|proxy| proxy.mode.as_ref());
        let kinds = model.kinds.iter().filter_map(|kind| kind.proxy_mode.as_ref());
        let ipvs = |mode: &&Spanned<String>| mode.value == "ipvs";
        for mode in files.chain(kinds).filter(ipvs) {
            let message = format!("in Kubernetes {version} IPVS mode may open no IPv6 NodePort");
            out.at(mode.span, message);
        }
    }),
};
