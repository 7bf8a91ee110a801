//! What the versions to come take away.

use crate::lint::{
    model::{Asked, ComponentName, Model, Version},
    rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents, proxy, service},
    },
    source::Spanned,
};

/// Every place that sets kube-proxy's mode.
pub(super) fn modes(model: &Model) -> impl Iterator<Item = &Spanned<String>> {
    let files = model.proxies.iter().filter_map(|proxy| proxy.mode.as_ref());
    files.chain(model.kinds.iter().filter_map(|kind| kind.proxy_mode.as_ref()))
}

/// Whether the user or a document names a version from this one on: without one a deprecation is
/// nobody's concern yet.
fn is_named(model: &Model, minor: u32) -> bool {
    model.version().is_some_and(|version| version >= Version::v1(minor))
}

pub(crate) const IPVS: Rule = Rule {
    code: "DS407",
    name: "ipvs-deprecated",
    area: Area::Versions,
    level: Level::Note,
    versions: Versions::since(35),
    summary: "kube-proxy's IPVS mode is deprecated.",
    why: "Since 1.35 kube-proxy warns at each start. The nftables mode replaces it.",
    fix: "Plan the move to mode: nftables (kernel 5.13 and later).",
    sources: &["https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/\
         5495-deprecate-ipvs-mode-in-kube-proxy"],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[
        Example::new(proxy!("mode: nftables")).asked(Asked::kubernetes(36)),
        Example::new(proxy!("mode: ipvs")).asked(Asked::kubernetes(34)),
    ],
    bad: &[Example::new(proxy!("mode: ipvs")).asked(Asked::kubernetes(36))],
    check: Check::Model(|model, out| {
        for mode in modes(model).filter(|mode| mode.value == "ipvs" && is_named(model, 35)) {
            out.at(mode.span, "the IPVS mode is deprecated since 1.35");
        }
    }),
};

pub(crate) const MODE_UNSET: Rule = Rule {
    code: "DS413",
    name: "proxy-mode-unset",
    area: Area::Versions,
    level: Level::Note,
    versions: Versions::since(37),
    summary: "kube-proxy's mode is not set, and its default will change.",
    why: "The default is iptables, and will become nftables in a later version, where NodePorts are open on a \
          node's own addresses only. From 1.37 on kube-proxy warns of a mode that is not \
          set; kubeadm sets iptables where its configuration names none.",
    fix: "Set mode: nftables (kernel 5.13 and later), or mode: iptables to stay.",
    sources: &[
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/5343-nftables-to-default",
        "https://github.com/kubernetes/kubernetes/pull/139777",
    ],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[
        Example::new(proxy!("mode: iptables")).asked(Asked::kubernetes(37)),
        Example::new(proxy!("clusterCIDR: 10.244.0.0/16")).asked(Asked::kubernetes(36)),
        // On Windows there is one mode.
        Example::new(proxy!("winkernel:", "  enableDSR: true", "  networkName: vxlan0"))
            .asked(Asked::kubernetes(37)),
        // kubeadm sets it.
        Example::new(documents!(
            cluster!("podSubnet: 10.244.0.0/16"),
            proxy!("clusterCIDR: 10.244.0.0/16")
        ))
        .asked(Asked::kubernetes(37)),
    ],
    bad: &[
        Example::new(proxy!("clusterCIDR: 10.244.0.0/16")).asked(Asked::kubernetes(37)),
        // These are the defaults, which a configuration for Linux may show, too.
        Example::new(proxy!("winkernel:", "  enableDSR: false", "  networkName: \"\""))
            .asked(Asked::kubernetes(37)),
    ],
    check: Check::Model(|model, out| {
        // Whoever installs the cluster sets the mode.
        let installed = !model.kubeadm.is_empty()
            || !model.clusters.is_empty()
            || !model.kinds.is_empty()
            || !model.installs.is_empty();
        // Flags may stand beside a file, which may set it; two documents may be one's parts.
        let set = modes(model).next().is_some()
            || model.components(ComponentName::Proxy).next().is_some();
        if installed || set || !is_named(model, 37) {
            return;
        }
        // On Windows there is kernelspace alone.
        for proxy in model.proxies.iter().filter(|proxy| !proxy.windows) {
            out.at(proxy.at, "kube-proxy's mode is not set; its default will become nftables");
        }
    }),
};

pub(crate) const EXTERNAL_IPS: Rule = Rule {
    code: "DS408",
    name: "external-ips-deprecated",
    area: Area::Versions,
    level: Level::Note,
    versions: Versions::since(36),
    summary: "A Service sets externalIPs, which is deprecated.",
    why: "Since 1.36 the API server warns of the field, and clusters may stop implementing it.",
    fix: "Use a Service of type LoadBalancer with a provider for your network.",
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
        "https://github.com/kubernetes/enhancements/issues/5707",
    ],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[Example::new(service!("type: LoadBalancer")).asked(Asked::kubernetes(36))],
    bad: &[Example::new(service!("externalIPs: [192.168.0.80]")).asked(Asked::kubernetes(36))],
    check: Check::Model(|model, out| {
        for service in model.services.iter().filter(|_| is_named(model, 36)) {
            if let Some(ip) = service.external_ips.first() {
                out.at(ip.text.span, "externalIPs is deprecated since 1.36");
            }
        }
    }),
};
