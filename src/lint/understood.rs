//! `--explain-file`: what was understood of each file, with its lines.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    model::{
        AddressList, Arg, Args, CalicoBgp, Component, ComponentName, Listener, Mesh, Model,
        RangeList,
    },
    report::{Report, Statement},
    source::{SourceId, Span, Spanned},
};

/// What the documents of a cluster say, as the rules see it.
pub(super) fn statements(model: &Model) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut say = |span: Span, text: String| all.push(Statement { span, text });
    for version in &model.versions {
        say(version.span, format!("Kubernetes {}", version.value));
    }
    for document in &model.kubeadm {
        say(document.kind.span, format!("kubeadm {} {}", document.api.value, document.kind.value));
    }
    for list in model.range_lists() {
        let default = if list.assumed { ", the default" } else { "" };
        say(list.text.span, format!("{}{default}", ranges(list)));
    }
    for node in &model.nodes {
        if let Some(name) = &node.name {
            say(name.span, format!("node {}", name.value));
        }
        if let Some(list) = &node.node_ip {
            say(list.text.span, format!("node-ip {}", addresses(list)));
        }
        if let Some(address) = &node.advertise {
            say(address.text.span, format!("advertiseAddress {}", address.text.value));
        }
    }
    for node in &model.node_objects {
        let ips: Vec<&str> = node.internal_ips.iter().map(|ip| ip.text.value.as_str()).collect();
        say(node.name.span, format!("node {} with InternalIP {}", node.name.value, ips.join(", ")));
    }
    for endpoint in &model.endpoints {
        say(endpoint.text.span, format!("API server at {}", endpoint.text.value));
    }
    for url in &model.server_urls {
        say(url.span, format!("API server at {}", url.value));
    }
    for install in &model.installs {
        let tool = install.tool.reader();
        say(install.at, format!("configuration of {tool}{}", args(&install.settings)));
    }
    for (component, arg) in model.components.iter().flat_map(flags) {
        let (name, value) = (&arg.name.value, &arg.value.value);
        say(arg.value.span, format!("--{name}={value} of {}", program(component.name)));
    }
    for kubelet in &model.kubelets {
        for address in &kubelet.cluster_dns {
            say(address.text.span, format!("clusterDNS {}", address.text.value));
        }
    }
    for subnet in model.node_subnets.iter().flatten() {
        say(subnet.text.span, format!("addresses of nodes in {}", subnet.text.value));
    }
    for proxy in &model.proxies {
        let mode = proxy.mode.as_ref().map_or("default", |mode| mode.value.as_str());
        say(proxy.at, format!("kube-proxy with mode {mode}"));
        for range in &proxy.node_ports {
            say(range.text.span, format!("NodePorts at {}", range.text.value));
        }
    }
    for kind in &model.kinds {
        let family = kind.family.as_ref().map_or("ipv4", |family| family.value.as_str());
        say(kind.at, format!("kind cluster with ipFamily {family}"));
    }
    for service in &model.services {
        let policy = service.policy.as_ref().map_or("default", |policy| policy.value.as_str());
        let families = service.families.iter().map(|family| family.value.as_str());
        let families: Vec<&str> = families.collect();
        let families = if families.is_empty() { String::new() } else { listed(&families) };
        say(service.at, format!("Service {} with ipFamilyPolicy {policy}{families}", service.name));
    }
    for called in &model.called {
        say(called.at, format!("the API server calls Service {}", called.service));
    }
    for pool in model.pools.iter().filter(|pool| !pool.assumed) {
        say(pool.cidr.text.span, format!("Calico pool {}", pool.cidr.text.value));
    }
    for cilium in &model.cilium {
        say(cilium.at, format!("Cilium{}", args(&cilium.settings)));
    }
    for flannel in &model.flannel {
        let mut settings = flannel.settings.clone();
        for arg in &mut settings.list {
            arg.name.value = flannel_name(&arg.name.value).to_owned();
        }
        say(flannel.at, format!("flannel{}", args(&settings)));
    }
    for router in &model.kube_routers {
        say(router.at, format!("kube-router{}", args(&router.args)));
    }
    for node in &model.calico_nodes {
        say(node.at, format!("calico-node with {} variables", node.env.len()));
    }
    for pool in &model.address_pools {
        let ranges: Vec<&str> = pool.ranges.iter().map(|range| range.text.value.as_str()).collect();
        say(pool.name.span, format!("address pool {} of {}", pool.name.value, ranges.join(", ")));
    }
    for subnet in &model.subnets {
        say(subnet.cidr.span, format!("Kube-OVN subnet {}", subnet.cidr.value));
    }
    for types in &model.managed_records {
        let names: Vec<&str> = types.iter().map(|text| text.value.as_str()).collect();
        if let Some(first) = types.first() {
            say(first.span, format!("external-dns with records {}", names.join(", ")));
        }
    }
    for agent in &model.antrea {
        let ranges = [&agent.services, &agent.services_v6].into_iter().flatten();
        let ranges: Vec<&str> = ranges.map(|range| range.text.value.as_str()).collect();
        let proxy = if agent.proxy_off.is_some() { "off" } else { "on" };
        say(
            agent.at,
            format!("Antrea with AntreaProxy {proxy}, Service ranges {}", or_none(&ranges)),
        );
    }
    for network in &model.cni_networks {
        let ranges = network.sets.iter().flatten();
        let ranges: Vec<&str> = ranges.map(|range| range.subnet.text.value.as_str()).collect();
        say(network.at, format!("CNI network of {}", or_none(&ranges)));
    }
    for cni in &model.calico_cni {
        let set = |text: &Option<Spanned<String>>| match text {
            Some(text) => text.value.clone(),
            None => "not set".to_owned(),
        };
        let (v4, v6) = (set(&cni.assign_v4), set(&cni.assign_v6));
        say(cni.at, format!("Calico's CNI plugin with assign_ipv4 {v4}, assign_ipv6 {v6}"));
    }
    for support in &model.felix {
        say(support.span, format!("Felix with ipv6Support {}", support.value));
    }
    for plugin in &model.stock_manifests {
        say(plugin.span, "a network plugin as it is released".to_owned());
    }
    for zone in model.zones.iter().flat_map(|zones| &zones.blocks) {
        say(zone.span, format!("CoreDNS for {}", zone.value));
    }
    for peer in &model.bgp_peers {
        let families: Vec<&str> = peer.families.iter().map(|own| own.afi.value.as_str()).collect();
        let families = if families.is_empty() { "both".into() } else { families.join(", ") };
        say(peer.at, format!("BGP neighbour with families {families}"));
    }
    for reference in &model.bgp_references {
        say(reference.span, format!("BGP neighbour as {} says", reference.value));
    }
    for own in &model.bgp_advertisements {
        let labels = own.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let labels: Vec<String> = labels.collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        say(own.at, format!("BGP advertisement with the labels {}", or_none(&labels)));
    }
    for own in &model.l2_announcements {
        say(own.at, "load balancers' addresses announced on the nodes' networks".to_owned());
    }
    for own in &model.virtual_addresses {
        if let Some(first) = own.addresses.first() {
            let texts = own.addresses.iter().map(|address| address.text.value.as_str());
            let texts: Vec<&str> = texts.collect();
            say(first.text.span, format!("kube-vip with {}", texts.join(", ")));
        }
    }
    for own in &model.calico_bgp {
        match own {
            CalicoBgp::Services { field, ranges } => {
                let texts: Vec<&str> = ranges.iter().map(|own| own.text.value.as_str()).collect();
                if let Some(first) = ranges.first() {
                    say(first.text.span, format!("Calico's {field} {}", texts.join(", ")));
                }
            }
            CalicoBgp::Peer { address, .. } => {
                say(address.span, format!("Calico's BGP neighbour {}", address.value));
            }
            CalicoBgp::Selected => {}
        }
    }
    for Listener { family, off } in &model.listeners {
        let on = if off.value == "true" { "off" } else { "on" };
        say(off.span, format!("an ingress controller's {family} is {on}"));
    }
    for family in model.gateways.iter().filter_map(|gateway| gateway.family.as_ref()) {
        say(family.span, format!("Envoy Gateway with ipFamily {}", family.value));
    }
    for mesh in &model.meshes {
        match mesh {
            Mesh::Istio { pilot, proxies } => {
                for switch in [pilot, proxies] {
                    if let Some(set) = &switch.set {
                        say(set.span, format!("Istio with {}={}", switch.name, set.value));
                    }
                }
            }
            Mesh::Linkerd { disable_v6: off } => {
                say(off.span, format!("Linkerd with disableIPv6={}", off.value));
            }
            Mesh::ServiceEntry { addresses, endpoints } => {
                for text in addresses {
                    say(text.span, format!("Istio takes {} for a service", text.value));
                }
                for text in endpoints {
                    say(text.span, format!("Istio leads a service to {}", text.value));
                }
            }
        }
    }
    for block in model.policies.iter().flat_map(|policy| &policy.peers).flat_map(|p| &p.blocks) {
        say(block.cidr.text.span, format!("policy for {}", block.cidr.text.value));
    }
    for block in model.policies.iter().flat_map(|policy| &policy.denied).flat_map(|p| &p.blocks) {
        say(block.cidr.text.span, format!("policy against {}", block.cidr.text.value));
    }
    for directive in &model.dns {
        if let Some(span) = directive.span() {
            let words: Vec<&str> = directive.words.iter().map(|word| word.value.as_str()).collect();
            say(span, format!("CoreDNS {}", words.join(" ")));
        }
    }
    for gate in &model.gates {
        let value = gate.enabled.map_or("invalid", |on| if on { "true" } else { "false" });
        say(gate.name.span, format!("feature gate {}={value}", gate.name.value));
    }
    for sysctl in &model.sysctls {
        let value = sysctl.value.value.as_deref().unwrap_or("a value that is not certain");
        say(sysctl.span, format!("{} = {value}", sysctl.value.name));
    }
    all
}

/// The flags of a component that concern families and are not ranges, which are told by themselves.
fn flags(component: &Component) -> impl Iterator<Item = (&Component, &Arg)> {
    let own = |arg: &&Arg| {
        let name = arg.name.value.as_str();
        name.starts_with("node-cidr-mask-size")
            || matches!(name, "advertise-address" | "bind-address" | "allocate-node-cidrs")
    };
    component.args.list.iter().filter(own).map(move |arg| (component, arg))
}

const fn program(name: ComponentName) -> &'static str {
    match name {
        ComponentName::ApiServer => "kube-apiserver",
        ComponentName::ControllerManager => "kube-controller-manager",
        ComponentName::Proxy => "kube-proxy",
    }
}

fn listed(families: &[&str]) -> String {
    format!(" and ipFamilies {}", families.join(", "))
}

fn or_none(texts: &[&str]) -> String {
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

fn ranges(list: &RangeList) -> String {
    let families: Vec<&str> = list.families().iter().map(|family| family.as_str()).collect();
    let (noun, text) = (list.role.noun(), &list.text.value);
    format!("{noun} {text} ({})", families.join(", "))
}

/// A field of flannel's as its documentation writes it; its reader ignores the case.
fn flannel_name(lower: &str) -> &str {
    match lower {
        "network" => "Network",
        "ipv6network" => "IPv6Network",
        "enableipv4" => "EnableIPv4",
        "enableipv6" => "EnableIPv6",
        "enablenftables" => "EnableNFTables",
        "subnetlen" => "SubnetLen",
        "ipv6subnetlen" => "IPv6SubnetLen",
        "subnetmin" => "SubnetMin",
        "subnetmax" => "SubnetMax",
        "backend.type" => "Backend.Type",
        "backend.vni" => "Backend.VNI",
        "backend.port" => "Backend.Port",
        "backend.directrouting" => "Backend.DirectRouting",
        _ => lower,
    }
}

/// Settings in one line, as far as a line is readable.
fn args(args: &Args) -> String {
    let pairs = args.list.iter().map(|arg| format!("{}={}", arg.name.value, arg.value.value));
    let pairs: Vec<String> = pairs.take(8).collect();
    if pairs.is_empty() { String::new() } else { format!(" with {}", pairs.join(", ")) }
}

fn addresses(list: &AddressList) -> String {
    let families = list.entries.iter().filter_map(|entry| entry.family());
    let families: Vec<&str> = families.map(|family| family.as_str()).collect();
    format!("{} ({})", list.text.value, families.join(", "))
}

/// What was understood, file by file.
pub(super) fn explain(report: &Report) -> String {
    let mut by_source: BTreeMap<SourceId, Vec<&Statement>> = BTreeMap::new();
    for statement in &report.statements {
        by_source.entry(statement.span.source).or_default().push(statement);
    }
    let mut out = String::new();
    for (id, source) in report.sources.iter() {
        let _ = writeln!(out, "{}", clean(&source.name));
        let Some(statements) = by_source.get(&id) else {
            let _ = writeln!(out, "  nothing about the network");
            continue;
        };
        for statement in statements {
            let line = source.position(statement.span.start).line;
            let _ = writeln!(out, "  line {line}: {}", clean(&statement.text));
        }
    }
    out
}

/// Without what a terminal would obey.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
