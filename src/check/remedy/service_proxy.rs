//! How to look into and fix what turns Services into packets on the nodes.

use crate::{
    check::{World, commands},
    facts::Fact,
    net::IpFamily,
    probe::Probe,
};

/// What turns Services into packets on the nodes.
enum Proxy<'a> {
    /// kube-proxy, in this mode.
    Kube(&'a str),
    /// kube-proxy in this mode, as a static pod, which is no DaemonSet's and bears another label.
    Static(&'a str),
    /// Cilium in its place.
    Cilium,
    /// Something that we don't know.
    Unknown,
}

fn proxy(world: World<'_>) -> Proxy<'_> {
    match &world.facts.kube_proxy {
        Fact::Known { value, source } => {
            let mode = if value.mode.is_empty() { "iptables" } else { &value.mode };
            // So RKE2 runs it (https://docs.rke2.io/architecture).
            let is_static = source.starts_with("the flags of Pod ");
            if is_static { Proxy::Static(mode) } else { Proxy::Kube(mode) }
        }
        _ if matches!(world.facts.cni_name(), Some("cilium" | "gke-dataplane-v2")) => Proxy::Cilium,
        _ => Proxy::Unknown,
    }
}

/// Whether the nodes are k3s', which has kube-proxy within its own process.
fn is_k3s(world: World<'_>) -> bool {
    let nodes = world.facts.nodes.known().into_iter().flatten();
    nodes.into_iter().any(|node| node.kubelet_version.contains("+k3s"))
}

/// The kube-proxy pod of a node, as a word of a command of kubectl.
pub(crate) fn kube_proxy_pod(world: World<'_>, node: &str) -> String {
    match proxy(world) {
        // The kubelet names the pod after its file and the node.
        Proxy::Static(_) => format!("kube-proxy-{node}"),
        _ => format!(
            "\"$(kubectl -n kube-system get pod -l k8s-app=kube-proxy --field-selector \
             spec.nodeName={node} -o name)\""
        ),
    }
}

/// What stands before commands that look for one of the run's own Services.
const RUNS_OWN: &str = "# The run's Services are gone unless it was started with --keep: without it no node has a rule \
                        for this one.";

/// Commands that show what a node's service proxy knows of an address, a port or the `namespace/name:` of a
/// Service that the run created.
pub(crate) fn inspect_own(
    world: World<'_>,
    family: IpFamily,
    node: &str,
    needle: &str,
) -> Vec<String> {
    let commands = inspect_proxy(world, family, node, needle);
    let note = (!commands.is_empty()).then(|| RUNS_OWN.to_owned());
    note.into_iter().chain(commands).collect()
}

/// The same for the rules of a Service of the run's that a probe went to. Rules of kube-proxy name the Service
/// everywhere, and its address only once.
pub(crate) fn inspect_service(
    world: World<'_>,
    family: IpFamily,
    node: &str,
    probe: &Probe,
) -> Vec<String> {
    let named = probe.aim.service().and_then(|role| world.fixture.service(role));
    let needle = match named {
        Some(service) => format!("{}/{}", world.fixture.namespace, service.name),
        None => probe.target.address().map(|address| address.ip().to_string()).unwrap_or_default(),
    };
    inspect_own(world, family, node, &needle)
}

/// The same for a Service that is there without the run as well.
pub(crate) fn inspect_proxy(
    world: World<'_>,
    family: IpFamily,
    node: &str,
    needle: &str,
) -> Vec<String> {
    // kube-proxy's own image holds the tools of its mode, but for ipvs.
    let pod = kube_proxy_pod(world, node);
    let inside = |command: &str| {
        format!("kubectl -n kube-system exec {pod} -- {command} | grep -F '{needle}'")
    };
    let rules = match (proxy(world), family) {
        (Proxy::Kube("nftables") | Proxy::Static("nftables"), IpFamily::V4) => {
            inside("nft list table ip kube-proxy")
        }
        (Proxy::Kube("nftables") | Proxy::Static("nftables"), IpFamily::V6) => {
            inside("nft list table ip6 kube-proxy")
        }
        (Proxy::Kube("ipvs") | Proxy::Static("ipvs"), _) => {
            // Few nodes have ipvsadm. Addresses are hexadecimal here.
            return vec![
                commands::on_node(node, "cat /proc/net/ip_vs"),
                format!("kubectl -n kube-system logs {pod} --tail=50"),
            ];
        }
        (Proxy::Kube(_) | Proxy::Static(_), IpFamily::V4) => inside("iptables-save -t nat"),
        (Proxy::Kube(_) | Proxy::Static(_), IpFamily::V6) => inside("ip6tables-save -t nat"),
        (Proxy::Cilium, _) => {
            return vec![format!(
                "kubectl -n kube-system exec \"$(kubectl -n kube-system get pod -l k8s-app=cilium \
                 --field-selector spec.nodeName={node} -o name)\" -c cilium-agent -- cilium-dbg \
                 service list | grep -F '{needle}'"
            )];
        }
        (Proxy::Unknown, _) => return Vec::new(),
    };
    vec![rules, format!("kubectl -n kube-system logs {pod} --tail=50")]
}

/// Commands that show how a node's service proxy refuses connections to Services without endpoints. In mode
/// iptables these rules are in the table filter.
pub(crate) fn inspect_rejections(
    world: World<'_>,
    family: IpFamily,
    node: &str,
    needle: &str,
) -> Vec<String> {
    let pod = kube_proxy_pod(world, node);
    match proxy(world) {
        Proxy::Kube("iptables") | Proxy::Static("iptables") => {
            let tool = match family {
                IpFamily::V4 => "iptables-save",
                IpFamily::V6 => "ip6tables-save",
            };
            vec![
                RUNS_OWN.to_owned(),
                format!(
                    "kubectl -n kube-system exec {pod} -- {tool} -t filter | grep -F 'has no endpoints'"
                ),
            ]
        }
        _ => inspect_own(world, family, node, needle),
    }
}

/// Why a node's service proxy may not carry Services of a family, and what to do about it.
pub(crate) fn service_proxy(world: World<'_>, family: IpFamily, node: &str) -> Vec<String> {
    let kube_proxy = |more: &str| {
        vec![
            match proxy(world) {
                Proxy::Static(_) => format!(
                    "Restart kube-proxy on {node}, which rewrites its rules. It is a static pod \
                     there, which kubectl can't restart: `{}` ends its container, and the kubelet \
                     starts another.",
                    commands::on_node_as_root(node, "pkill -x kube-proxy")
                ),
                _ => format!(
                    "Restart kube-proxy on {node}, which rewrites its rules: `kubectl -n \
                     kube-system delete pod -l k8s-app=kube-proxy --field-selector spec.nodeName={node}`."
                ),
            },
            format!(
                "If its log says that {family} is not supported, or warns of a single-stack node, \
                 {more}"
            ),
            format!(
                "If the rules are there, something else on {node} drops the packets: look for foreign \
                 rules with `{}`.",
                commands::rules(node)
            ),
        ]
    };
    match proxy(world) {
        Proxy::Kube("ipvs") | Proxy::Static("ipvs") => {
            kube_proxy("load the kernel's ip_vs modules and check that IPv6 is not disabled there.")
        }
        Proxy::Kube("nftables") | Proxy::Static("nftables") => {
            kube_proxy("check that its kernel (5.13 or later) has nf_tables with IPv6 and NAT.")
        }
        Proxy::Kube(_) | Proxy::Static(_) => kube_proxy(
            "check that its kernel has the modules of iptables-nft (nf_tables, nft_compat, nft_chain_nat) or those of \
             iptables-legacy (iptable_nat, ip6table_nat), and, for IPv6, that IPv6 is not disabled there.",
        ),
        Proxy::Cilium => vec![
            format!(
                "Restart the Cilium agent on {node}: `kubectl -n kube-system delete pod -l \
                 k8s-app=cilium --field-selector spec.nodeName={node}`."
            ),
            format!("Check that Cilium runs with {}.enabled=true.", family.slug()),
        ],
        Proxy::Unknown if is_k3s(world) => vec![format!(
            "kube-proxy runs within k3s on {node}: see `journalctl -u k3s -u k3s-agent | grep -i proxy` there, and \
             whether iptables-save (ip6tables-save for IPv6) on the node shows KUBE-SERVICES in the table nat. \
             `systemctl restart k3s-agent` (k3s on a server) writes its rules again; running pods are not \
             affected."
        )],
        Proxy::Unknown => vec![format!(
            "Look at what carries Services on {node} (kube-proxy, or the pod network in its place): \
             its log, and whether it has rules of {family}."
        )],
    }
}

/// Why a node's service proxy may not keep a client to one backend, and what to do about it.
pub(crate) fn affinity(world: World<'_>, family: IpFamily, node: &str) -> Vec<String> {
    let first = match proxy(world) {
        Proxy::Kube("ipvs") | Proxy::Static("ipvs") => format!(
            "Check that `ipvsadm -Ln` on {node} shows the {family} Service with `persistent`; kube-proxy \
             sets it where spec.sessionAffinity is ClientIP."
        ),
        Proxy::Kube("nftables") | Proxy::Static("nftables") => format!(
            "Check that the table kube-proxy of {family} on {node} has a set `affinity-…` for each endpoint \
             and that nothing empties it (`nft flush ruleset` in a firewall's reload does)."
        ),
        Proxy::Kube(_) | Proxy::Static(_) => format!(
            "Check that {node} has the kernel module xt_recent, and that nothing rewrites kube-proxy's \
             {family} chains: those of the Service's endpoints have rules with `-m recent`."
        ),
        Proxy::Cilium => format!(
            "Check that Cilium's agent on {node} has sessionAffinity enabled (`cilium-dbg status \
             --verbose` lists it under KubeProxyReplacement)."
        ),
        Proxy::Unknown => format!(
            "Check that what carries Services on {node} implements sessionAffinity ClientIP for {family}."
        ),
    };
    let masquerade = "Check that nothing between the client and the proxy changes the client's address \
                      from one connection to the next (SNAT to a pool of addresses, a load balancer \
                      before the nodes)."
        .to_owned();
    [first, masquerade].into_iter().chain(service_proxy(world, family, node)).collect()
}
