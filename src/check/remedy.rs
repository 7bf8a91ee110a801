//! How to fix what several checks and causes find, by the pod network and the service proxy that
//! the cluster has.

use super::{DnsPlace, World, commands};
use crate::{facts::Fact, net::IpFamily};

/// The pod network's name, as the facts know it.
fn cni(world: World<'_>) -> Option<&str> {
    world.facts.cni.known().map(|cni| cni.name.as_str())
}

/// Why pods may get no address of a family, and what to do about it.
pub(crate) fn addressing(world: World<'_>, family: IpFamily) -> Vec<String> {
    let own = match cni(world) {
        Some("calico" | "canal") => Some(format!(
            "Calico: let its IPAM assign {family} (`assign_{}: \"true\"` in the cni_network_config \
             of the ConfigMap calico-config; with the operator, an ipPool of that family in \
             Installation spec.calicoNetwork) and see that an enabled IPPool of the family exists: \
             `kubectl get ippools.crd.projectcalico.org -o yaml`.",
            family.slug()
        )),
        Some("cilium" | "gke-dataplane-v2") => Some(format!(
            "Cilium: set {}.enabled=true and give its IPAM a range of the family \
             (ipam.operator.clusterPool{family}PodCIDRList, or podCIDRs with \
             ipam.mode=kubernetes), then restart the agents and the operator.",
            family.slug()
        )),
        Some("flannel") => Some(match family {
            IpFamily::V4 => "Flannel: set EnableIPv4 to true and a Network in net-conf.json of the \
                             ConfigMap kube-flannel-cfg, then restart its pods."
                .to_owned(),
            IpFamily::V6 => "Flannel: set EnableIPv6 to true and an IPv6Network in net-conf.json of \
                             the ConfigMap kube-flannel-cfg, then restart its pods; every node needs \
                             an IPv6 address on the interface that Flannel uses."
                .to_owned(),
        }),
        Some("aws-vpc-cni") => Some(
            "The Amazon VPC CNI gives pods one family, chosen when the cluster is made: dual-stack \
             pods need another pod network."
                .to_owned(),
        ),
        Some("weave") => Some("Weave Net has no IPv6: dual-stack needs another pod network.".to_owned()),
        Some("antrea" | "kube-router" | "kindnet") => Some(format!(
            "{} cuts pod addresses from each node's spec.podCIDRs: see node::pod_cidrs, then restart \
             its pod on the node.",
            cni(world).unwrap_or_default()
        )),
        Some("ovn-kubernetes") => Some(
            "OVN-Kubernetes: its --cluster-subnets and --k8s-service-cidrs need a range of each \
             family (OpenShift: clusterNetwork and serviceNetwork of network.config cluster)."
                .to_owned(),
        ),
        Some("azure-cni") => Some(
            "Azure CNI: pods are dual-stack only in overlay mode, with --ip-families ipv4,ipv6 when \
             the cluster is made or updated."
                .to_owned(),
        ),
        _ => None,
    };
    let mut remedies = Vec::from_iter(own);
    remedies.push(format!(
        "Look at the CNI configuration on the node (the first file in /etc/cni/net.d counts): its \
         IPAM section needs a range of each family, for host-local two entries in `ranges`, the \
         second one {family}."
    ));
    remedies.push(
        "Then recreate the pods: a pod keeps the addresses it got when it was made.".to_owned(),
    );
    remedies
}

/// Where a pod network that gives out addresses from pools of its own has them.
pub(crate) fn pools(world: World<'_>) -> Option<String> {
    matches!(cni(world), Some("calico")).then(|| {
        "Calico: `kubectl get ippools.crd.projectcalico.org -o yaml` must show for each family of the pods a \
         pool that is not disabled and has addresses left (`calicoctl ipam show`)."
            .to_owned()
    })
}

/// Why packets may not get from a pod on one node to a pod on another, and what to do about it.
pub(crate) fn pod_network(world: World<'_>, family: IpFamily) -> Vec<String> {
    let mut remedies = Vec::from_iter(pod_network_of_cni(world, family));
    remedies.push(format!(
        "See that each of the two nodes has an {family} route to the other's pods, and restart the \
         pod network's pod on the node where it is missing; where routes are the platform's (cloud \
         route tables, a router), add it there."
    ));
    remedies.push(format!(
        "See that the nodes forward {family}: `sysctl {}` must say 1 on both.",
        forwarding(family)
    ));
    remedies.push(format!(
        "See that no firewall between the nodes (security group, nftables, NetworkPolicy) drops \
         {family} or the tunnel that carries it."
    ));
    remedies
}

/// What a pod network that we know needs to carry a family between nodes.
pub(crate) fn pod_network_of_cni(world: World<'_>, family: IpFamily) -> Option<String> {
    match (cni(world), family) {
        (Some("calico" | "canal"), IpFamily::V4) => Some(
            "Calico: `calicoctl node status` on both nodes must show the BGP sessions Established; \
             with IPIP or VXLAN the nodes must let protocol 4 or UDP 4789 through; see the logs of \
             calico-node."
                .to_owned(),
        ),
        (Some("calico" | "canal"), IpFamily::V6) => Some(
            "Calico: calico-node needs IP6=autodetect and FELIX_IPV6SUPPORT=true; IPIP doesn't carry \
             IPv6, so the IPv6 IPPool takes vxlanMode (Calico 3.23 or later) or BGP, for which each \
             Node needs a bgp.ipv6Address; see `calicoctl node status` and the logs of calico-node."
                .to_owned(),
        ),
        (Some("cilium" | "gke-dataplane-v2"), _) => Some(format!(
            "Cilium: `cilium-health status` in the agents of both nodes tells which way is dead; with \
             routingMode=native, {}NativeRoutingCIDR must cover the pods and something must route \
             to them (autoDirectNodeRoutes on one segment, BGP otherwise); tunnels need UDP 8472 \
             (VXLAN) or 6081 (Geneve) between the nodes.",
            family.slug()
        )),
        (Some("flannel"), IpFamily::V4) => Some(
            "Flannel: each Node needs the annotation flannel.alpha.coreos.com/public-ip with an \
             address that the others reach; VXLAN needs UDP 8472 between the nodes; restart its pods \
             on both."
                .to_owned(),
        ),
        (Some("flannel"), IpFamily::V6) => Some(
            "Flannel: each Node needs the annotation flannel.alpha.coreos.com/public-ipv6 with an \
             address that the others reach; VXLAN needs UDP 8472 between the nodes; restart its pods \
             on both."
                .to_owned(),
        ),
        (Some("kindnet"), _) => Some(
            "kindnet keeps one route for each other node and family: `kubectl -n kube-system logs -l \
             app=kindnet` shows what it failed to set; it needs an InternalIP and a podCIDR of the \
             family on every Node."
                .to_owned(),
        ),
        (Some("antrea"), _) => Some(
            "Antrea: `antctl traceflow` shows where a packet goes; tunnels need UDP 6081 (Geneve) \
             between the nodes, and noEncap needs routes to each podCIDR."
                .to_owned(),
        ),
        (Some("kube-router"), _) => Some(
            "kube-router: its BGP sessions must be up in this family; it needs --enable-ipv6=true \
             and an InternalIP of the family on every Node."
                .to_owned(),
        ),
        (Some("ovn-kubernetes"), _) => Some(
            "OVN-Kubernetes: Geneve needs UDP 6081 between the nodes; see the logs of ovnkube-node, \
             and trace the packet with `ovnkube-trace`."
                .to_owned(),
        ),
        (Some("weave"), IpFamily::V6) => {
            Some("Weave Net has no IPv6: dual-stack needs another pod network.".to_owned())
        }
        _ => None,
    }
}

/// Why full-sized packets may be lost between nodes, and what to do about it.
pub(crate) fn path_mtu(family: IpFamily) -> Vec<String> {
    vec![
        format!(
            "Give the pods an MTU that every {family} hop between the nodes carries, less the tunnel's \
             header (the pod network's mtu setting), and recreate the pods."
        ),
        match family {
            IpFamily::V4 => "Let ICMP type 3 code 4 (fragmentation needed) through every firewall \
                             between the nodes: path MTU discovery lives on it."
                .to_owned(),
            IpFamily::V6 => {
                "Let ICMPv6 type 2 (packet too big) through every firewall between the \
                             nodes: IPv6 routers never fragment, so path MTU discovery lives on it \
                             (RFC 4890)."
                    .to_owned()
            }
        },
    ]
}

/// The sysctl that lets a node forward a family.
pub(crate) const fn forwarding(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "net.ipv4.ip_forward",
        IpFamily::V6 => "net.ipv6.conf.all.forwarding",
    }
}

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
        _ if matches!(cni(world), Some("cilium" | "gke-dataplane-v2")) => Proxy::Cilium,
        _ => Proxy::Unknown,
    }
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

/// Commands that show what a node's service proxy knows of an address or port.
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
            commands::on_node_as_root(node, "ipvsadm -Ln")
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
                     kube-system delete pod -l k8s-app=kube-proxy --field-selector \
                     spec.nodeName={node}`."
                ),
            },
            format!(
                "If its log says that {family} is not supported, or warns of a single-stack node, \
                 {more}"
            ),
            format!(
                "If the rules are there, something else on {node} drops the packets: look for foreign \
                 rules with `{}`.",
                commands::on_node_as_root(node, "nft list ruleset")
            ),
        ]
    };
    match proxy(world) {
        Proxy::Kube("ipvs") | Proxy::Static("ipvs") => {
            kube_proxy("load the kernel's ip_vs modules and see that IPv6 is not disabled there.")
        }
        Proxy::Kube("nftables") | Proxy::Static("nftables") => {
            kube_proxy("see that its kernel (5.13 or later) has nf_tables with IPv6 and NAT.")
        }
        Proxy::Kube(_) | Proxy::Static(_) => kube_proxy(
            "see that its kernel has the modules iptable_nat and ip6table_nat, and that IPv6 is not \
             disabled there.",
        ),
        Proxy::Cilium => vec![
            format!(
                "Restart the Cilium agent on {node}: `kubectl -n kube-system delete pod -l \
                 k8s-app=cilium --field-selector spec.nodeName={node}`."
            ),
            format!("See that Cilium runs with {}.enabled=true.", family.slug()),
        ],
        Proxy::Unknown => vec![format!(
            "Look at what carries Services on {node} (kube-proxy, or the pod network in its place): \
             its log, and whether it has rules of {family}."
        )],
    }
}

/// Why DNS servers may be slow, and what to do about it.
pub(crate) fn slow_dns(world: World<'_>) -> Vec<String> {
    vec![
        "Look in the Corefile for `forward` to a server that is dead or can't be reached in its family: \
         CoreDNS waits two seconds for it before it asks the next. Take it out."
            .to_owned(),
        format!(
            "See whether the DNS pods run at their CPU limit (`{}`); raise it, or add replicas.",
            DnsPlace::of(world).top()
        ),
    ]
}

/// Why a node's service proxy may not keep a client to one backend, and what to do about it.
pub(crate) fn affinity(world: World<'_>, family: IpFamily, node: &str) -> Vec<String> {
    let first = match proxy(world) {
        Proxy::Kube("ipvs") | Proxy::Static("ipvs") => format!(
            "See that `ipvsadm -Ln` on {node} shows the {family} Service with `persistent`; kube-proxy \
             sets it where spec.sessionAffinity is ClientIP."
        ),
        Proxy::Kube("nftables") | Proxy::Static("nftables") => format!(
            "See that the table kube-proxy of {family} on {node} has a set `affinity-…` for each endpoint \
             and that nothing empties it (`nft flush ruleset` in a firewall's reload does)."
        ),
        Proxy::Kube(_) | Proxy::Static(_) => format!(
            "See that {node} has the kernel module xt_recent, and that nothing rewrites kube-proxy's \
             {family} chains: those of the Service's endpoints have rules with `-m recent`."
        ),
        Proxy::Cilium => format!(
            "See that Cilium's agent on {node} has sessionAffinity enabled (`cilium-dbg status \
             --verbose` lists it under KubeProxyReplacement)."
        ),
        Proxy::Unknown => format!(
            "See that what carries Services on {node} implements sessionAffinity ClientIP for {family}."
        ),
    };
    let masquerade = "See that nothing between the client and the proxy changes the client's address \
                      from one connection to the next (SNAT to a pool of addresses, a load balancer \
                      before the nodes)."
        .to_owned();
    [first, masquerade].into_iter().chain(service_proxy(world, family, node)).collect()
}

/// Why a NodePort of a family may be dead at a node, and what to do about it.
pub(crate) fn node_port(world: World<'_>, family: IpFamily, node: &str) -> Vec<String> {
    let addresses = world
        .facts
        .kube_proxy
        .known()
        .map(|kube_proxy| &kube_proxy.node_port_addresses)
        .filter(|addresses| !addresses.is_empty());
    let mut remedies: Vec<String> = addresses
        .map(|addresses| {
            format!(
                "kube-proxy opens NodePorts only on nodePortAddresses {}: add a range that holds the \
                 {family} addresses of the nodes, or leave it empty.",
                super::words::list(addresses)
            )
        })
        .into_iter()
        .collect();
    remedies.push(node_port_filter(family, node));
    remedies.extend(service_proxy(world, family, node));
    remedies
}

/// What to do about a firewall that keeps NodePorts of a node from others.
pub(crate) fn node_port_filter(family: IpFamily, node: &str) -> String {
    format!(
        "Let the node's firewall and the platform's (security group, network ACL) admit TCP \
         30000-32767 to {node} over {family}; rules for IPv4 and IPv6 are often kept apart."
    )
}

/// What to do about pods that don't get out in a family.
pub(crate) fn egress(family: IpFamily) -> [String; 3] {
    [
        format!(
            "Have the pod network masquerade {family} packets of pods that leave the cluster, each \
             family by its own setting: Calico's natOutgoing of the {family} pool, Cilium's \
             enable-{}-masquerade, flannel's ip-masq with IPv6, ip-masq-agent's rules.",
            family.slug()
        ),
        format!(
            "Or route the {family} pod range back to the nodes, where pods have addresses that others \
             route."
        ),
        format!(
            "If that is in place, look for a policy or a firewall that drops {family} from pods to the \
             outside, and for the nodes' {family} default route."
        ),
    ]
}
