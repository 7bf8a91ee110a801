//! kube-proxy's idea of the cluster, and the kubelet's of its DNS.

use crate::{
    lint::{
        model::{Owner, read_ranges},
        rules::{
            Area, Binary, Check, EnforcedBy, Example, Level, Rule, Versions,
            documents::{cluster, documents, kubelet, proxy},
        },
    },
    net::IpFamily,
};

const DOCS: &str = "https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/";
const GOOD: Example = Example::new(documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    proxy!("clusterCIDR: 10.244.0.0/16,fd00:10:244::/56"),
    kubelet!("clusterDNS: [10.96.0.10]")
));

pub(crate) const CLUSTER_CIDR: Rule = Rule {
    code: "DS303",
    name: "cluster-cidr-differs",
    area: Area::Components,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "kube-proxy's clusterCIDR differs from the pod range.",
    why: "kube-proxy uses clusterCIDR to recognize traffic from Pods. In a family that is missing \
          it doesn't masquerade external traffic to Services; in a family whose range is wrong it \
          also masquerades traffic from Pods.",
    fix: "Set clusterCIDR to the value of podSubnet, or omit it: kubeadm sets it.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Warns {
        binary: Binary::Kubeadm,
        text: "The recommended value for \"clusterCIDR\" in \"KubeProxyConfiguration\" is",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            proxy!("clusterCIDR: 10.244.0.0/16")
        )),
        Example::new(
            "\
cluster-cidr: 10.42.0.0/16,fd00:42::/56
service-cidr: 10.43.0.0/16,fd00:43::/112
kube-proxy-arg: [\"cluster-cidr=10.42.0.0/16\"]
",
        )
        .also(&["DS312"]),
    ],
    check: Check::Model(|model, out| {
        let Some(pods) = model.pods().filter(|list| list.is_sound()) else { return };
        for list in model.proxy_lists() {
            if !list.is_sound() {
                continue;
            }
            let own: Vec<_> = list.ranges().map(|(_, range)| range.trunc()).collect();
            let theirs: Vec<_> = pods.ranges().map(|(_, range)| range.trunc()).collect();
            let lacking = theirs.iter().find(|range| !own.contains(range));
            let surplus = own.iter().find(|range| !theirs.contains(range));
            let message = match (lacking, surplus) {
                (Some(range), None) => format!("clusterCIDR doesn't include the pod range {range}"),
                (_, Some(range)) => {
                    format!("clusterCIDR includes {range}, which is not a pod range")
                }
                (None, None) => continue,
            };
            let finding = out
                .at(list.text.span, message)
                .also(pods.text.span, format!("the cluster's {}", pods.role.noun()));
            if let Owner::Tool(tool) = pods.owner {
                let (tool, field) = (tool.reader(), pods.field);
                finding.fix(format!("set it to the value of {field}, or omit it: {tool} sets it"));
            }
        }
    }),
};

pub(crate) const CLUSTER_CIDR_PAIR: Rule = Rule {
    code: "DS304",
    name: "cluster-cidr-pair",
    area: Area::Components,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "kube-proxy's clusterCIDR has more than two ranges, or two of one family.",
    why: "kube-proxy doesn't start on any node.",
    fix: "Keep one IPv4 and one IPv6 range.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Proxy,
        phase: "reading its configuration",
        text: "must be a either a single CIDR or dual-stack pair of CIDRs",
    }],
    good: &[GOOD],
    bad: &[Example::new(proxy!("clusterCIDR: 10.244.0.0/16,10.245.0.0/16"))],
    check: Check::Model(|model, out| {
        for list in model.proxy_lists() {
            let readable = list.entries.iter().all(|entry| entry.range.is_some());
            if readable && !list.is_sound() {
                let message = match list.families()[..] {
                    [family, _] => format!("both ranges of clusterCIDR are {family}"),
                    _ => format!(
                        "clusterCIDR has {} ranges; at most two are allowed",
                        list.entries.len()
                    ),
                };
                out.at(list.text.span, message);
            }
        }
    }),
};

pub(crate) const BIND_ADDRESS: Rule = Rule {
    code: "DS305",
    name: "bind-address-invalid",
    area: Area::Components,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "kube-proxy's bindAddress is not an IP address.",
    why: "kube-proxy doesn't start on any node.",
    fix: "Use a plain IP address, or omit the field.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Proxy,
        phase: "reading its configuration",
        text: "not a valid textual representation of an IP address",
    }],
    good: &[GOOD],
    bad: &[Example::new(proxy!("bindAddress: \"[::]\""))],
    check: Check::Model(|model, out| {
        for bind in model.proxies.iter().filter_map(|proxy| proxy.bind.as_ref()) {
            if bind.ip.is_none() {
                out.at(bind.text.span, format!("\"{}\" is not an IP address", bind.text.value));
            }
        }
    }),
};

pub(crate) const BIND_FAMILY: Rule = Rule {
    code: "DS306",
    name: "bind-address-family",
    area: Area::Components,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "kube-proxy's bindAddress makes a family primary that isn't the cluster's primary \
              family.",
    why: "A bindAddress other than 0.0.0.0 or :: replaces the node's own address on every node \
          that uses the file, and its family becomes kube-proxy's primary family.",
    fix: "Omit bindAddress, or set it to 0.0.0.0 or ::.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Warns {
        binary: Binary::Proxy,
        text: "but clusterCIDRs contains only",
    }],
    good: &[GOOD],
    bad: &[Example::new(proxy!("clusterCIDR: 10.244.0.0/16", "bindAddress: fd00:192::11"))],
    check: Check::Model(|model, out| {
        let mut families = model.pod_families();
        families.extend(model.proxy_lists().iter().flat_map(|list| list.families()));
        let Some(primary) = families.first().copied() else { return };
        for bind in model.proxies.iter().filter_map(|proxy| proxy.bind.as_ref()) {
            let Some(ip) = bind.ip.filter(|ip| !ip.is_unspecified()) else { continue };
            if IpFamily::of(ip) != primary {
                let family = IpFamily::of(ip);
                out.at(
                    bind.text.span,
                    format!(
                        "bindAddress makes {family} primary, but the Pods' primary is {primary}"
                    ),
                );
            }
        }
    }),
};

pub(crate) const CLUSTER_DNS: Rule = Rule {
    code: "DS309",
    name: "cluster-dns-outside-services",
    area: Area::Components,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The kubelet's clusterDNS is not in any Service range.",
    why: "Pods send DNS queries to an address that no Service can have, and name resolution fails.",
    fix: "Use the cluster IP of the kube-dns Service: the tenth address of the first Service \
          range.",
    sources: &["https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"],
    enforced_by: &[EnforcedBy::Symptom("Pods can't resolve names")],
    good: &[
        GOOD,
        // A cache on each node listens on a link-local address.
        Example::new(documents!(
            cluster!("serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"),
            kubelet!("clusterDNS: [169.254.20.10]")
        )),
    ],
    bad: &[Example::new(documents!(
        cluster!("serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"),
        kubelet!("clusterDNS: [10.95.0.10]")
    ))],
    check: Check::Model(|model, out| {
        let services = read_ranges(model.service_lists());
        let Some((_, first, _)) = services.first() else { return };
        for address in model.kubelets.iter().flat_map(|kubelet| &kubelet.cluster_dns) {
            let Some(ip) = address.ip else { continue };
            let local = match ip {
                std::net::IpAddr::V4(ip) => ip.is_link_local(),
                std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
            };
            let inside = services.iter().any(|(_, _, range)| range.trunc().contains(&ip));
            if !local && !inside {
                out.at(address.text.span, format!("{ip} is not in any Service range"))
                    .also(first.text.span, "Service range");
            }
        }
    }),
};
