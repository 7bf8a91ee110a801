//! On which of a node's addresses kube-proxy opens NodePorts.

use std::net::IpAddr;

use crate::{
    lint::{
        model::{Asked, KubeProxyConfiguration, Model, RangeEntry, Version},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{documents, join, proxy},
        },
    },
    net::IpFamily,
};

const DOCS: &str = "https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/";
const GOOD: Example = Example::new(proxy!(
    "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56",
    "nodePortAddresses:",
    "  - 192.168.0.0/24",
    "  - fd00:192::/64"
));
/// What names the addresses of the Node object.
const PRIMARY: &str = "primary";
const GOOD_PRIMARY: Example = Example::new(proxy!("nodePortAddresses: [primary]"));

pub(crate) const NODE_PORTS_ONE_FAMILY: Rule = Rule {
    code: "DS307",
    name: "node-ports-one-family",
    area: Area::Components,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "nodePortAddresses lists ranges of one family only.",
    why: "The list only restricts the families that it contains: NodePorts are open on all \
          addresses of the other family, which is rarely intended.",
    fix: "List ranges of both families, or use `primary` (1.31 and later).",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Warns {
        binary: Binary::Proxy,
        text: "NodePort connections will be accepted on all local",
    }],
    good: &[GOOD, GOOD_PRIMARY],
    bad: &[Example::new(proxy!(
        "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56",
        "nodePortAddresses:",
        "  - 192.168.0.0/24"
    ))],
    check: Check::Model(|model, out| {
        let families = families(model);
        for proxy in &model.proxies {
            let named: Vec<_> = proxy.node_ports.iter().filter_map(|e| e.family()).collect();
            let (Some(first), Some(entry)) = (named.first(), proxy.node_ports.first()) else {
                continue;
            };
            let other = first.other();
            let one = named.iter().all(|family| family == first);
            if one && named.len() == proxy.node_ports.len() && families.contains(&other) {
                out.at(
                    entry.text.span,
                    format!(
                        "only {first} is restricted: NodePorts are open on every {other} address"
                    ),
                );
            }
        }
    }),
};

pub(crate) const NODE_PORTS_INVALID: Rule = Rule {
    code: "DS308",
    name: "node-ports-invalid",
    area: Area::Components,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "An entry of nodePortAddresses is not a range, or is `primary` where kube-proxy rejects it: \
              before 1.31, and before 1.37 beside other entries.",
    why: "kube-proxy does not start on any node. An address without a prefix length is not a range. \
          `primary` was added in 1.31, and is accepted beside ranges since 1.37.",
    fix: "Use ranges, or only `primary` (1.31 and later).",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Proxy,
        phase: "reading its configuration",
        text: "NodePortAddresses",
    }],
    good: &[
        GOOD,
        GOOD_PRIMARY,
        Example::new(proxy!("mode: iptables", "nodePortAddresses: [primary, 192.168.0.0/24]"))
            .asked(Asked::kubernetes(37)),
    ],
    bad: &[
        Example::new(proxy!("nodePortAddresses:", "  - 192.168.0.11")),
        Example::new(proxy!("nodePortAddresses: [primary, 192.168.0.0/24]")),
        Example::new(proxy!("nodePortAddresses: [primary]")).asked(Asked::kubernetes(30)),
    ],
    check: Check::Model(|model, out| {
        let version = model.version_or_current();
        for proxy in &model.proxies {
            for entry in proxy.node_ports.iter().filter(|entry| entry.range.is_none()) {
                let text = entry.text.value.as_str();
                if text != PRIMARY {
                    out.at(entry.text.span, format!("\"{text}\" is not a valid range"));
                } else if version < Version::v1(31) {
                    let message = format!("kube-proxy {version} doesn't support `primary`");
                    out.at(entry.text.span, message).fix("list the nodes' ranges");
                // kube-proxy of 1.37 takes it beside ranges.
                } else if proxy.node_ports.len() > 1 && version < Version::v1(37) {
                    out.at(entry.text.span, "`primary` can't be combined with other entries");
                }
            }
        }
    }),
};

pub(crate) const NODE_PORTS_LOST: Rule = Rule {
    code: "DS311",
    name: "node-ports-lost",
    area: Area::Components,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "nodePortAddresses matches no node address in a family that the Pods have.",
    why: "NodePorts are then closed in that family, except possibly from the node itself. A \
          loopback range is the usual way to close them on purpose; if that is intended, allow the \
          finding with a comment.",
    fix: "List the nodes' range of that family, or use `primary` (1.31 and later).",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("NodePorts refuse connections in that family")],
    good: &[GOOD, GOOD_PRIMARY],
    bad: &[
        Example::new(proxy!(
            "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56",
            "nodePortAddresses:",
            "  - 192.168.0.0/24",
            "  - ::1/128"
        )),
        Example::new(documents!(
            proxy!(
                "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56",
                "nodePortAddresses: [192.168.0.0/24, \"fd00:193::/64\"]"
            ),
            join!(node_ip = "192.168.0.12,fd00:192::12")
        )),
    ],
    check: Check::Model(|model, out| {
        let families = families(model);
        for proxy in &model.proxies {
            for family in IpFamily::ALL.into_iter().filter(|family| families.contains(family)) {
                lost(model, proxy, family, out);
            }
        }
    }),
};

/// The families of the Pods, as far as kube-proxy or the cluster's ranges say.
fn families(model: &Model) -> Vec<IpFamily> {
    let mut families = model.pod_families();
    families.extend(model.proxy_lists().iter().flat_map(|list| list.families()));
    families
}

fn lost(model: &Model, proxy: &KubeProxyConfiguration, family: IpFamily, out: &mut Findings) {
    let own = || proxy.node_ports.iter().filter(|entry| entry.family() == Some(family));
    let Some(entry) = own().next() else { return };
    let holds = |entry: &RangeEntry, ip: &IpAddr| {
        entry.range.is_some_and(|range| range.trunc().contains(ip))
    };
    if own().all(|entry| entry.range.is_some_and(|range| range.addr().is_loopback())) {
        let message = format!("only a loopback range: NodePorts are closed in {family}");
        out.at(entry.text.span, message);
        return;
    }
    let nodes = model.node_addresses();
    let mut nodes = nodes.iter().filter(|(_, ip, _)| IpFamily::of(*ip) == family).peekable();
    let Some((text, _, what)) = nodes.peek().copied() else { return };
    if nodes.all(|(_, ip, _)| own().all(|entry| !holds(entry, ip))) {
        let message = format!("nodePortAddresses matches no {family} address of a node");
        out.at(entry.text.span, message).also(text.span, *what);
    }
}
