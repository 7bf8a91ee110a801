//! Ranges, nodes, kube-proxy and Services.

use ipnet::IpNet;

use crate::lint::{
    model::{RangeList, Service},
    rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents, join, proxy},
    },
    source::{Span, Spanned},
};

use super::DOCS;

const FILE: &str = documents!(
    cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ),
    join!(name = "node-2", node_ip = "192.168.0.12,fd00:192::12"),
    proxy!("mode: nftables"),
    "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  ipFamilyPolicy: PreferDualStack
  ipFamilies: [IPv4, IPv6]
"
);
const SAME: Example = Example::new(FILE).live(FILE);

pub(crate) const RANGES: Rule = Rule {
    code: "DS901",
    name: "drift-ranges",
    area: Area::Drift,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The pod or Service ranges in the file differ from the live cluster's.",
    why: "Ranges can't be changed by applying a file again: the cluster keeps the ones it was \
          created with.",
    fix: "Update the file to match the cluster, or recreate the cluster.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[SAME],
    bad: &[Example::new(cluster!(
        "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
    ))
    .live(cluster!("podSubnet: 10.244.0.0/16"))],
    check: Check::Drift(|files, live, out| {
        let pairs = [(files.pods(), live.pods()), (files.services(), live.services())];
        for (file, live) in pairs {
            let (Some(file), Some(live)) = (file, live) else { continue };
            let nets = |list: &RangeList| -> Vec<IpNet> {
                list.ranges().map(|(_, range)| range.trunc()).collect()
            };
            if nets(file) != nets(live) {
                let noun = file.role.noun();
                let now = &live.text.value;
                out.at(file.text.span, format!("the live cluster's {noun} is {now}"))
                    .also(live.text.span, "in the cluster");
            }
        }
    }),
};

pub(crate) const NODES: Rule = Rule {
    code: "DS902",
    name: "drift-node-addresses",
    area: Area::Drift,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "A node's node-ip in the file differs from the live node's addresses.",
    why: "The kubelet reads node-ip when it starts: either the file was changed without restarting \
          the kubelet, or the node was set up in another way.",
    fix: "Correct node-ip in /var/lib/kubelet/kubeadm-flags.env and restart the kubelet, or fix \
          the file.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[SAME],
    bad: &[Example::new(join!(name = "node-2", node_ip = "192.168.0.12,fd00:192::12")).live(
        "\
apiVersion: v1
kind: Node
metadata:
  name: node-2
status:
  addresses:
    - type: InternalIP
      address: 192.168.0.12
",
    )],
    check: Check::Drift(|files, live, out| {
        for node in &files.nodes {
            let (Some(name), Some(asked)) = (&node.name, &node.node_ip) else { continue };
            let same = |object: &&crate::lint::model::NodeObject| object.name.value == name.value;
            let Some(object) = live.node_objects.iter().find(same) else { continue };
            let wanted: Vec<_> = asked.entries.iter().filter_map(|entry| entry.ip).collect();
            let has: Vec<_> = object.internal_ips.iter().filter_map(|entry| entry.ip).collect();
            if !wanted.is_empty() && wanted != has {
                let texts: Vec<_> = has.iter().map(ToString::to_string).collect();
                let has = if texts.is_empty() { "none".into() } else { texts.join(",") };
                out.at(asked.text.span, format!("the live node {} has {has}", name.value))
                    .also(object.name.span, "in the cluster");
            }
        }
    }),
};

pub(crate) const PROXY: Rule = Rule {
    code: "DS903",
    name: "drift-kube-proxy",
    area: Area::Drift,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "kube-proxy's settings in the file differ from the live cluster's.",
    why: "kubeadm writes them to a ConfigMap once; changing the file later has no effect.",
    fix: "Edit the ConfigMap kube-system/kube-proxy and restart the DaemonSet, or fix the file.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[SAME],
    bad: &[Example::new(proxy!("mode: nftables")).live(proxy!("mode: iptables"))],
    check: Check::Drift(|files, live, out| {
        let (Some(file), Some(live)) = (files.proxies.first(), live.proxies.first()) else {
            return;
        };
        let mut differ = |what: &str, file: Option<(String, Span)>, now: Option<(String, Span)>| {
            let Some((wanted, span)) = file else { return };
            if now.as_ref().is_none_or(|(now, _)| *now != wanted) {
                let text = now.as_ref().map_or("not set", |(now, _)| now.as_str());
                let finding = out.at(span, format!("{what} in the live cluster is {text}"));
                if let Some((_, span)) = now {
                    finding.also(span, "in the cluster");
                }
            }
        };
        let text = |text: &Option<Spanned<String>>| {
            text.as_ref().map(|text| (text.value.clone(), text.span))
        };
        let cidr = |list: &Option<RangeList>| {
            list.as_ref().map(|list| (list.text.value.clone(), list.text.span))
        };
        let ports = |list: &[crate::lint::model::RangeEntry]| {
            let texts: Vec<_> = list.iter().map(|entry| entry.text.value.as_str()).collect();
            list.first().map(|first| (texts.join(","), first.text.span))
        };
        differ("mode", text(&file.mode), text(&live.mode));
        differ("clusterCIDR", cidr(&file.cluster_cidr), cidr(&live.cluster_cidr));
        differ("nodePortAddresses", ports(&file.node_ports), ports(&live.node_ports));
    }),
};

pub(crate) const SERVICES: Rule = Rule {
    code: "DS904",
    name: "drift-service-families",
    area: Area::Drift,
    level: Level::Warning,
    versions: Versions::since(20),
    summary: "A Service's families in the file differ from the live Service's.",
    why: "A Service's primary family can't be changed after creation: kubectl apply fails, or the \
          file has not been applied.",
    fix: "Apply the file; to change the primary family, delete and recreate the Service.",
    sources: &["https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services"],
    enforced_by: &[EnforcedBy::Nothing],
    good: &[SAME],
    bad: &[Example::new(
        "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  ipFamilyPolicy: PreferDualStack
  ipFamilies: [IPv6, IPv4]
",
    )
    .live(
        "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  ipFamilyPolicy: PreferDualStack
  ipFamilies: [IPv4, IPv6]
",
    )],
    check: Check::Drift(|files, live, out| {
        for service in &files.services {
            let full = |service: &Service| match service.name.split_once('/') {
                Some(_) => service.name.clone(),
                None => format!("default/{}", service.name),
            };
            let name = full(service);
            let Some(now) = live.services.iter().find(|other| full(other) == name) else {
                continue;
            };
            let texts = |service: &Service| -> Vec<String> {
                service.families.iter().map(|family| family.value.clone()).collect()
            };
            let (wanted, has) = (texts(service), texts(now));
            // One family is what the file asks for; the API server adds the second by policy.
            if let Some(first) = service.families.first()
                && !has.starts_with(&wanted)
            {
                let has = has.join(", ");
                out.at(first.span, format!("the live Service {name} has {has}"))
                    .also(now.at, "in the cluster");
            }
        }
    }),
};
