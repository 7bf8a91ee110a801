//! How to fix what several checks and causes find, by the pod network and the service proxy that
//! the cluster has.

mod service_proxy;

pub(crate) use service_proxy::{
    affinity, inspect_own, inspect_proxy, inspect_rejections, inspect_service, kube_proxy_pod,
    service_proxy,
};

use super::{DnsPlace, World};
use crate::net::IpFamily;

/// Why pods may get no address of a family, and what to do about it.
pub(crate) fn addressing(world: World<'_>, family: IpFamily) -> Vec<String> {
    let own = match world.facts.cni_name() {
        Some("canal") => Some(
            "Canal: pods get addresses from each node's spec.podCIDRs (node::pod_cidrs), and net-conf.json in its \
             ConfigMap needs EnableIPv6 with an IPv6Network; RKE2 writes that from cluster-cidr when the cluster is \
             created."
                .to_owned(),
        ),
        Some("gke-dataplane-v2") => Some(
            "GKE: pods get IPv6 where the cluster and its subnet have the stack type IPV4_IPV6 (`gcloud container \
             clusters … --stack-type=ipv4-ipv6`), on nodes that were created after that."
                .to_owned(),
        ),
        Some("calico") => Some(format!(
            "Calico: let its IPAM assign {family} (`assign_{}: \"true\"` in the cni_network_config \
             of the ConfigMap calico-config; with the operator, an ipPool of that family in \
             Installation spec.calicoNetwork) and check that an enabled IPPool of the family exists: \
             `kubectl get ippools.crd.projectcalico.org -o yaml`.",
            family.slug()
        )),
        Some("cilium") => Some(format!(
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
            world.facts.cni_name().unwrap_or_default()
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
    matches!(world.facts.cni_name(), Some("calico")).then(|| {
        "Calico: `kubectl get ippools.crd.projectcalico.org -o yaml` must show for each family of the pods a \
         pool that is not disabled and has addresses left (`calicoctl ipam show`)."
            .to_owned()
    })
}

/// Why packets may not get from a pod on one node to a pod on another, and what to do about it.
pub(crate) fn pod_network(world: World<'_>, family: IpFamily) -> Vec<String> {
    let mut remedies = Vec::from_iter(pod_network_of_cni(world, family));
    remedies.push(format!(
        "Check that each of the two nodes has an {family} route to the other's pods, and restart the \
         pod network's pod on the node where it is missing; where routes are the platform's (cloud \
         route tables, a router), add it there."
    ));
    remedies.push(format!(
        "Check that the nodes forward {family}: `sysctl {}` must say 1 on both.",
        forwarding(family)
    ));
    remedies.push(format!(
        "Check that no firewall between the nodes (security group, nftables, NetworkPolicy) drops \
         {family} or the tunnel that carries it."
    ));
    remedies
}

/// What a pod network that we know needs to carry a family between nodes.
pub(crate) fn pod_network_of_cni(world: World<'_>, family: IpFamily) -> Option<String> {
    match (world.facts.cni_name(), family) {
        (Some("canal"), _) => Some(
            "Canal: Flannel carries packets (VXLAN, UDP 8472 between the nodes): each Node needs the annotation \
             flannel.alpha.coreos.com/public-ip, or public-ipv6, with an address that the others reach; see the \
             container kube-flannel of its pods."
                .to_owned(),
        ),
        (Some("calico"), IpFamily::V4) => Some(
            "Calico: `calicoctl node status` on both nodes must show the BGP sessions Established; \
             with IPIP or VXLAN the nodes must let protocol 4 or UDP 4789 through; see the logs of \
             calico-node."
                .to_owned(),
        ),
        (Some("calico"), IpFamily::V6) => Some(
            "Calico: with the operator, give Installation spec.calicoNetwork an ipPool of IPv6 and \
             nodeAddressAutodetectionV6 (it undoes changes of calico-node itself); without it, calico-node needs \
             IP6=autodetect and FELIX_IPV6SUPPORT=true. IPIP doesn't carry IPv6, so the IPv6 IPPool takes \
             vxlanMode (Calico 3.23 or later) or BGP, for which each Node needs a bgp.ipv6Address; see `calicoctl \
             node status` and the logs of calico-node."
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

/// Why DNS servers may be slow, and what to do about it.
pub(crate) fn slow_dns(world: World<'_>) -> Vec<String> {
    vec![
        format!(
            "Check whether the DNS pods run at their CPU limit (`{}`); raise it, or add replicas.",
            DnsPlace::of(world).top()
        ),
        "If CoreDNS forwards the cluster's own names (a server block or `forward` for the cluster's domain), check \
         that those servers answer: CoreDNS waits two seconds for one that doesn't. Else look for slow plugins before \
         `kubernetes` in the Corefile, and for lost datagrams on the node of the DNS pods (`conntrack -S`)."
            .to_owned(),
    ]
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
        .map(|addresses| match addresses.as_slice() {
            [one] if one == "primary" => format!(
                "kube-proxy opens NodePorts only on the node's primary addresses (nodePortAddresses: primary): give \
                 the node an {family} InternalIP (node::internal_ips), or name ranges in place of `primary`, which \
                 can't stand beside them."
            ),
            addresses => format!(
                "kube-proxy opens NodePorts only on nodePortAddresses {}: add a range that holds the {family} \
                 addresses of the nodes, or leave it empty, then restart the kube-proxy pods.",
                super::words::list(addresses)
            ),
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
        "Let the node's firewall and the platform's (security group, network ACL) admit to {node} over {family} what \
         they admit over {other}: from the same clients, load balancers and nodes, TCP and UDP to the NodePort range \
         (30000-32767 unless kube-apiserver's --service-node-port-range says otherwise). Rules for IPv4 and IPv6 are \
         often kept apart.",
        other = family.other()
    )
}

/// What to do about pods that don't get out in a family.
pub(crate) fn egress(family: IpFamily) -> [String; 3] {
    [
        format!(
            "Have the pod network masquerade {family} packets of pods that leave the cluster, each \
             family by its own setting: Calico's natOutgoing of the {family} pool, Cilium's \
             enable-{}-masquerade, flannel's --ip-masq (k3s: --flannel-ipv6-masq on the servers, off by \
             default), ip-masq-agent's rules (--enable-ipv6).",
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
