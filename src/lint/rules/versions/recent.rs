//! What a document uses, and the version of Kubernetes doesn't have yet.

use crate::lint::{
    model::{Asked, GateReader, Model, Version},
    rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions, documents::proxy},
    source::Spanned,
};

/// The gate of kube-proxy's mode `nftables` while that was alpha.
const GATE: &str = "NFTablesProxyMode";

pub(crate) const FIELD: Rule = Rule {
    code: "DS411",
    name: "field-too-new",
    area: Area::Versions,
    level: Level::Warning,
    versions: Versions::until(35),
    summary: "A field was added in a later version of Kubernetes.",
    why: "Fields are added while the API version stays the same. An older kubelet or kube-proxy logs a warning \
          and ignores the field; an older API server rejects or drops it.",
    fix: "Remove the field, or use a version of Kubernetes that has it.",
    sources: &[
        "https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/",
        "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/",
    ],
    enforced_by: &[EnforcedBy::Symptom("the component ignores the field")],
    good: &[
        Example::new(proxy!("mode: iptables", "nftables:", "  masqueradeAll: true"))
            .asked(Asked::kubernetes(29)),
        Example::new(proxy!("mode: iptables", "nftables: {}")).asked(Asked::kubernetes(23)),
    ],
    bad: &[
        Example::new(proxy!("mode: iptables", "nftables:", "  masqueradeAll: true"))
            .asked(Asked::kubernetes(28)),
        Example::new(proxy!(
            "mode: iptables",
            "detectLocalMode: BridgeInterface",
            "detectLocal:",
            "  bridgeInterface: cni0"
        ))
        .asked(Asked::kubernetes(23)),
    ],
    check: Check::Model(|model, out| {
        let Some(version) = model.version() else { return };
        for field in model.recent_fields.iter().filter(|field| field.since > version) {
            let (kind, name, since) = (field.kind, &field.name.value, field.since);
            out.at(
                field.name.span,
                format!("`{name}` was added to {kind} in {since}, and this cluster is {version}"),
            );
        }
    }),
};

pub(crate) const NFTABLES: Rule = Rule {
    code: "DS412",
    name: "nftables-too-new",
    area: Area::Versions,
    level: Level::Error,
    versions: Versions::until(30),
    summary: "kube-proxy's nftables mode is used in a version that lacks it, or without its feature gate.",
    why: "kube-proxy has the mode since 1.29, as alpha; until 1.30 it rejects it unless the feature gate \
          NFTablesProxyMode is on.",
    fix: "Use iptables, set the gate for kube-proxy, or use 1.31 or later.",
    sources: &[
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/3866-nftables-proxy",
    ],
    enforced_by: &[EnforcedBy::Refused {
        by: "kube-proxy before 1.31",
        how: "exits when it reads its configuration",
    }],
    good: &[
        Example::new(proxy!("mode: nftables", "featureGates:", "  NFTablesProxyMode: true"))
            .asked(Asked::kubernetes(30)),
        Example::new(proxy!("mode: iptables")).asked(Asked::kubernetes(28)),
    ],
    bad: &[
        Example::new(proxy!("mode: nftables")).asked(Asked::kubernetes(28)),
        Example::new(proxy!("mode: nftables")).asked(Asked::kubernetes(30)),
    ],
    check: Check::Model(nftables),
};

fn nftables(model: &Model, out: &mut Findings) {
    let Some(version) = model.version() else { return };
    let reads = |reader| matches!(reader, GateReader::Proxy | GateReader::Kind);
    let on = model
        .gates
        .iter()
        .any(|gate| gate.name.value == GATE && gate.enabled == Some(true) && reads(gate.reader));
    let message = match version < Version::v1(29) {
        true => format!("kube-proxy {version} has no mode nftables; it was added in 1.29"),
        false if on => return,
        false => format!("kube-proxy {version} takes the mode nftables only with {GATE}=true"),
    };
    let own = model.proxies.iter().filter_map(|proxy| proxy.mode.as_ref());
    let kinds = model.kinds.iter().filter_map(|kind| kind.proxy_mode.as_ref());
    let chosen = |mode: &&Spanned<String>| mode.value == "nftables";
    for mode in own.chain(kinds).filter(chosen) {
        out.at(mode.span, message.clone());
    }
}
