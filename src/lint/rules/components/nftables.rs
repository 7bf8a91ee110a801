//! The NodePorts of kube-proxy's nftables mode.

use crate::{
    lint::{
        model::Model,
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{documents, join, proxy},
        },
    },
    net::IpFamily,
};

pub(crate) const NODE_PORTS: Rule = Rule {
    code: "DS313",
    name: "nftables-node-ports",
    area: Area::Components,
    level: Level::Warning,
    versions: Versions::since(31),
    summary: "In nftables mode NodePorts are open on a node's own addresses, which lack a family.",
    why: "Without nodePortAddresses the nftables mode takes `primary`: the addresses of the Node \
          object. A node whose node-ip is of one family opens its NodePorts in that family only, \
          where the older modes open them on every address.",
    fix: "Give the nodes a node-ip of each family, or name ranges in nodePortAddresses.",
    sources: &[
        "https://kubernetes.io/docs/reference/networking/virtual-ips/#migrating-from-iptables-mode-to-nftables",
        "https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/",
    ],
    enforced_by: &[EnforcedBy::Symptom("NodePorts refuse connections in one family")],
    good: &[Example::new(documents!(
        proxy!("mode: nftables", "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56"),
        join!(node_ip = "192.168.0.12,fd00:192::12")
    ))],
    bad: &[Example::new(documents!(
        proxy!("mode: nftables", "clusterCIDR: 10.244.0.0/16,fd00:10:244::/56"),
        join!(node_ip = "192.168.0.12")
    ))],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    let mut families = model.pod_families();
    families.extend(model.proxy_lists().iter().flat_map(|list| list.families()));
    for proxy in &model.proxies {
        let nftables = proxy.mode.as_ref().filter(|mode| mode.value == "nftables");
        let primary = proxy.node_ports.iter().all(|entry| entry.text.value == "primary");
        let Some(mode) = nftables.filter(|_| primary) else { continue };
        for list in model.nodes.iter().filter_map(|node| node.node_ip.as_ref()) {
            let own: Vec<_> = list.entries.iter().filter_map(|entry| entry.family()).collect();
            let lacks = |family: &IpFamily| families.contains(family) && !own.contains(family);
            let Some(family) = IpFamily::ALL.into_iter().find(lacks) else { continue };
            if !own.is_empty() && own.len() == list.entries.len() {
                let message = format!("this node opens no {family} NodePort in nftables mode");
                out.at(list.text.span, message).also(mode.span, "mode");
            }
        }
    }
}
