//! On which of a node's addresses kube-proxy opens NodePorts.

use crate::{
    lint::rules::{Area, Binary, Check, EnforcedBy, Example, Level, Rule},
    net::IpFamily,
};

const DOCS: &str = "https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/";
const GOOD: Example = Example::new(
    "\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.244.0.0/16,fd00:10:244::/56
nodePortAddresses:
  - 192.168.0.0/24
  - fd00:192::/64
",
);
const PRIMARY: Example = Example::new(
    "\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
nodePortAddresses: [primary]
",
);

pub(crate) const NODE_PORTS_ONE_FAMILY: Rule = Rule {
    code: "DS307",
    name: "node-ports-one-family",
    area: Area::Components,
    level: Level::Warning,
    summary: "nodePortAddresses names ranges of one family only.",
    reason: "The list limits only the families that it names: NodePorts are open on every address \
             of the other, which is rarely what a limit is meant to do.",
    fix: "Name ranges of both families, or `primary`; ::1/128 or 127.0.0.0/8 closes a family.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Warns {
        binary: Binary::Proxy,
        text: "NodePort connections will be accepted on all local",
    }],
    good: &[GOOD, PRIMARY],
    bad: &[Example::new(
        "\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.244.0.0/16,fd00:10:244::/56
nodePortAddresses:
  - 192.168.0.0/24
",
    )],
    check: Check::Model(|model, out| {
        let mut families: Vec<IpFamily> = model.pod_families();
        families.extend(model.proxy_lists().iter().flat_map(|list| list.families()));
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
                    format!("only {first} is limited: NodePorts are open on every {other} address"),
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
    summary: "An entry of nodePortAddresses is no range, or `primary` beside a range.",
    reason: "kube-proxy does not start, on any node.",
    fix: "Write ranges, or `primary` alone.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Proxy,
        phase: "reading its configuration",
        text: "NodePortAddresses",
    }],
    good: &[GOOD, PRIMARY],
    bad: &[
        Example::new(
            "\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
nodePortAddresses:
  - 192.168.0.11
",
        ),
        Example::new(
            "\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
nodePortAddresses: [primary, 192.168.0.0/24]
",
        ),
    ],
    check: Check::Model(|model, out| {
        for proxy in &model.proxies {
            for entry in proxy.node_ports.iter().filter(|entry| entry.range.is_none()) {
                let text = entry.text.value.as_str();
                if text == "primary" && proxy.node_ports.len() > 1 {
                    out.at(entry.text.span, "`primary` can't stand beside other entries");
                } else if text != "primary" {
                    out.at(entry.text.span, format!("\"{text}\" is not a range"));
                }
            }
        }
    }),
};
