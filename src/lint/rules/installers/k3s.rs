//! k3s and RKE2.

use ipnet::IpNet;

use crate::{
    lint::{
        model::{Model, Owner, Tool, read_ranges},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
    },
    net::IpFamily,
};

const DOCS: &str =
    "https://docs.k3s.io/networking/basic-network-options#dual-stack-ipv4--ipv6-networking";
const GOOD: Example = Example::new(
    "\
node-ip: 192.168.0.11,fd00:192::11
cluster-cidr: 10.42.0.0/16,fd00:42::/56
service-cidr: 10.43.0.0/16,fd00:43::/112
flannel-ipv6-masq: true
",
);

/// Whether the cluster's pod ranges are k3s' or RKE2's.
fn is_k3s(model: &Model) -> bool {
    model.pods().is_some_and(|pods| pods.owner == Owner::Tool(Tool::K3s))
}

pub(crate) const NODE_FAMILIES: Rule = Rule {
    code: "DS351",
    name: "k3s-node-ip-families",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "A node-ip of k3s or RKE2 lacks a family of cluster-cidr.",
    why: "k3s and RKE2 compare node-ip with cluster-cidr at their start, on servers and on agents, \
          and exit: \"must share the same IP version (IPv4, IPv6 or dual-stack)\".",
    fix: "Give node-ip an address of each family of cluster-cidr, separated by a comma.",
    sources: &[
        DOCS,
        "https://github.com/k3s-io/k3s/issues/9946",
        "https://github.com/vitobotta/hetzner-k3s/blob/main/templates/master_install_script.sh",
    ],
    enforced_by: &[EnforcedBy::Refused { by: "k3s", how: "exits at its start" }],
    good: &[GOOD],
    bad: &[
        Example::new(
            "\
node-ip: 192.168.0.11
cluster-cidr: 10.42.0.0/16,fd00:42::/56
service-cidr: 10.43.0.0/16,fd00:43::/112
",
        ),
        Example::new(
            "\
cluster_name: edge
k3s_version: v1.33.5+k3s1
networking:
  cluster_cidr: 10.42.0.0/16,fd00:42::/56
  service_cidr: 10.43.0.0/16,fd00:43::/112
masters_pool:
  instance_type: cax11
  instance_count: 3
",
        ),
    ],
    check: Check::Model(node_families),
};

fn node_families(model: &Model, out: &mut Findings) {
    // It gives each node one address, whatever the ranges are.
    let hetzner = model.installs.iter().filter(|install| install.tool == Tool::HetznerK3s);
    for pods in hetzner.filter_map(|install| install.pods.as_ref()) {
        if pods.is_dual() && !pods.is_template() {
            let message = "hetzner-k3s gives a node one address as node-ip, so k3s exits";
            out.at(pods.text.span, message).fix("write one range; hetzner-k3s has no dual-stack");
        }
    }
    let Some(pods) = model.pods().filter(|pods| is_k3s(model) && !pods.assumed) else { return };
    let wanted = model.pod_families();
    for node in model.nodes.iter().filter(|node| node.tool == Some(Tool::K3s)) {
        let Some(list) = &node.node_ip else { continue };
        let own: Vec<_> = list.entries.iter().filter_map(|entry| entry.family()).collect();
        // An entry that is not an address has a finding of its own.
        if own.len() < list.entries.len() {
            continue;
        }
        if let Some(family) = wanted.iter().find(|family| !own.contains(family)) {
            out.at(list.text.span, format!("node-ip has no {family} address, so k3s exits"))
                .also(pods.text.span, "cluster-cidr");
        }
    }
}

pub(crate) const MASQUERADE: Rule = Rule {
    code: "DS352",
    name: "k3s-ipv6-masquerade",
    area: Area::Installers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "k3s' flannel does not masquerade a unique local IPv6 pod range.",
    why: "The Internet has no route back to unique local addresses (fc00::/7). k3s masquerades IPv4 \
          by default, and IPv6 only with flannel-ipv6-masq.",
    fix: "Set flannel-ipv6-masq: true, or give Pods addresses that are routed.",
    sources: &[DOCS, "https://www.rfc-editor.org/rfc/rfc4193"],
    enforced_by: &[EnforcedBy::Symptom("Pods reach nothing outside the cluster over IPv6")],
    good: &[GOOD],
    bad: &[
        Example::new(
            "\
node-ip: 192.168.0.11,fd00:192::11
cluster-cidr: 10.42.0.0/16,fd00:42::/56
service-cidr: 10.43.0.0/16,fd00:43::/112
flannel-backend: vxlan
",
        ),
        Example::new(
            "\
node-ip: 192.168.0.11,fd00:192::11
cluster-cidr: 10.42.0.0/16,fd00:42::/56
service-cidr: 10.43.0.0/16,fd00:43::/112
disable: [traefik]
",
        ),
    ],
    check: Check::Model(|model, out| {
        let installs = model.installs.iter().filter(|install| install.tool == Tool::K3s);
        for install in installs {
            let get = |name: &str| install.settings.get(name).map(|text| text.value.as_str());
            // Without a setting that only k3s has it may be RKE2, which has another plugin.
            let own = ["flannel-iface", "cluster-init", "disable"];
            let flannel = match get("flannel-backend") {
                Some(backend) => backend != "none",
                None => own.iter().any(|name| get(name).is_some()),
            };
            if !flannel || get("flannel-ipv6-masq") == Some("true") || get("cni").is_some() {
                continue;
            }
            for (_, entry, range) in read_ranges(install.pods.as_ref()) {
                if matches!(range, IpNet::V6(range) if range.addr().is_unique_local()) {
                    let family = IpFamily::V6;
                    let message =
                        format!("{family} traffic of these Pods to the outside is not masqueraded");
                    out.at(entry.text.span, message);
                }
            }
        }
    }),
};
