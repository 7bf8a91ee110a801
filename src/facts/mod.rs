//! What the cluster says of itself: one typed snapshot, gathered once, serialisable.
//!
//! A fact is known, absent or forbidden; the judges never guess which. Nothing here is an opinion:
//! whether a fact is as it should be is for the checks to say.

mod fact;
mod gather;
mod objects;
mod places;
mod source;
mod target;

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::cluster::Server;
pub use fact::Fact;
pub use gather::{cluster_dns, gather, leases, nodes, targets};
pub use objects::{Lease, Pods, ProxyPod, Sample, ServiceCidr, Services, Unreserved};
pub use places::Places;
pub(crate) use source::OPENSHIFT_DNS;
pub use source::{Source, count as requests};
pub use target::{
    Target, TargetEndpoint, TargetError, TargetName, TargetPort, TargetService, usable,
};

use crate::{
    net::IpFamily,
    snapshot::{Deprecated, Gateway, NodeDiagnostics, Ruleset, Snapshot},
};

/// The snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The API server.
    pub server: Server,
    /// Every node, in the API's order (by name).
    pub nodes: Fact<Vec<Node>>,
    /// The pod ranges, once for each place that states them.
    pub pod_ranges: Vec<Fact<Vec<IpNet>>>,
    /// The Service ranges, once for each place that states them.
    pub service_ranges: Vec<Fact<Vec<IpNet>>>,
    /// kube-proxy, where one runs.
    pub kube_proxy: Fact<KubeProxy>,
    /// The pod network.
    pub cni: Fact<Cni>,
    /// The cluster's DNS (the Service `kube-system/kube-dns` and the pods behind it).
    pub cluster_dns: Fact<ClusterDns>,
    /// The ServiceCIDR objects (`networking.k8s.io/v1`, since Kubernetes 1.33).
    #[serde(default = "not_recorded")]
    pub service_cidrs: Fact<Vec<ServiceCidr>>,
    /// The Services of all namespaces.
    #[serde(default = "not_recorded")]
    pub services: Fact<Services>,
    /// The ClusterIPs that are not reserved as they should be.
    #[serde(default = "not_recorded")]
    pub unreserved: Fact<Unreserved>,
    /// The API server's own Service.
    #[serde(default = "not_recorded")]
    pub kubernetes_service: Fact<KubernetesService>,
    /// The running pods of all namespaces.
    #[serde(default = "not_recorded")]
    pub pods: Fact<Pods>,
    /// The Leases of kube-controller-manager and kube-scheduler.
    #[serde(default = "not_recorded")]
    pub leases: Fact<Vec<Lease>>,
    /// Who gives addresses to Services of type LoadBalancer, where that is known to cost nothing.
    #[serde(default = "not_recorded")]
    pub load_balancer: Fact<String>,
    /// kube-proxy's pods.
    #[serde(default = "not_recorded")]
    pub proxy_pods: Fact<Vec<ProxyPod>>,
    /// The Services that the operator named to be tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// How nodes look from inside. Taken only where a probe failed, of the nodes that it points at and
    /// of one more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<Snapshot>,
    /// How pods of ours on those nodes look from inside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside_pods: Vec<Snapshot>,
    /// Whether the nodes' default gateways are there, as far as that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<Gateway>,
    /// Which addresses of the nodes are deprecated, as far as that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deprecated: Vec<Deprecated>,
    /// What the API server and the logs of the network's components tell of those nodes.
    #[serde(default, alias = "told", skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<NodeDiagnostics>,
    /// Where nodes are in the list; filled by itself.
    #[serde(skip)]
    pub places: Places,
    /// The rules of those nodes' packet filters, where the operator asked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rulesets: Vec<Ruleset>,
}

/// The cluster domain, unless a cluster chose another.
pub(crate) const DEFAULT_DOMAIN: &str = "cluster.local";

impl Facts {
    /// The pod network's name, where it is known.
    pub fn cni_name(&self) -> Option<&str> {
        self.cni.known().map(|cni| cni.name.as_str())
    }

    /// How a node looks from inside, where it was looked at and told all that was asked.
    pub fn snapshot(&self, node: &str) -> Option<&Snapshot> {
        let mut snapshots = self.snapshots.iter();
        snapshots.find(|snapshot| snapshot.node == node && snapshot.is_complete())
    }

    /// How a pod of ours looks from inside, where it was looked at and told all that was asked.
    pub fn inside(&self, pod: &str) -> Option<&Snapshot> {
        let mut snapshots = self.inside_pods.iter();
        snapshots.find(|snapshot| snapshot.pod.as_deref() == Some(pod) && snapshot.is_complete())
    }

    /// The rules of a node's packet filter, where they were read, to the end or not.
    pub fn ruleset(&self, node: &str) -> Option<&Ruleset> {
        self.rulesets.iter().find(|ruleset| ruleset.node == node)
    }

    /// The InternalIP of a node in a family that is deprecated on its interface, as far as that was asked.
    pub fn deprecated_ip(&self, node: &str, family: IpFamily) -> Option<&Deprecated> {
        let known = self.node(node)?;
        let is_own = |it: &&Deprecated| known.internal_ips(family).any(|own| own == it.address);
        self.deprecated.iter().filter(|it| it.node == node).find(is_own)
    }

    /// One of the Services that the operator named.
    pub fn target(&self, name: &TargetName) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == *name)
    }

    /// The domain under which Services have their names, read or guessed, without a dot at its end.
    pub fn cluster_domain(&self) -> &str {
        let known = self.cluster_dns.known().and_then(|dns| dns.domain.as_deref());
        known.unwrap_or(DEFAULT_DOMAIN).trim_end_matches('.')
    }

    /// The namespace and the name of the DaemonSet whose pods are the pod network's agents, where it is known
    /// by one.
    pub fn network_agent(&self) -> Option<(&str, &str)> {
        let Fact::Known { source, .. } = &self.cni else { return None };
        source.strip_prefix("DaemonSet ")?.split_once('/')
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.places.one_named(self.nodes.known()?, name, |node| &node.name)
    }
}

/// A fact that an older record doesn't hold.
fn not_recorded<T>() -> Fact<T> {
    Fact::Absent { reason: "the record was written before this was read".to_owned() }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// `metadata.name`.
    pub name: String,
    /// `spec.podCIDRs`, primary family first, as written (a range that can't be read is a finding).
    pub pod_cidrs: Vec<String>,
    /// `status.addresses`.
    pub addresses: Vec<NodeAddress>,
    /// The status of the condition `Ready`: `True`, `False` or `Unknown`, and its message.
    pub ready: Readiness,
    /// `spec.unschedulable` (cordoned).
    pub unschedulable: bool,
    /// `spec.taints`.
    pub taints: Vec<Taint>,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// The label `kubernetes.io/os`, or `status.nodeInfo.operatingSystem`.
    pub os: String,
    /// `status.nodeInfo.kubeletVersion`.
    pub kubelet_version: String,
    /// `status.nodeInfo.containerRuntimeVersion`.
    pub container_runtime: String,
    /// Whether it has no kubelet (virtual-kubelet, Fargate): pods there can't
    /// be entered.
    pub is_virtual: bool,
    /// The first node that runs on the same kernel (`status.nodeInfo.bootID`), where that is another
    /// one: nodes in containers of one machine, as kind's, share its processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_kernel_as: Option<String>,
    /// `spec.providerID`.
    pub provider_id: Option<String>,
    /// How many pods the kubelet takes (`status.allocatable.pods`).
    #[serde(default)]
    pub max_pods: Option<u32>,
    /// Annotations that speak of the network (addresses, pod ranges, CNI state).
    pub network_annotations: BTreeMap<String, String>,
}

impl Node {
    /// The InternalIPs of one family, in the node's order.
    pub fn internal_ips(&self, family: IpFamily) -> impl Iterator<Item = IpAddr> {
        self.addresses
            .iter()
            .filter(|address| address.kind == "InternalIP")
            .filter_map(|address| address.address.parse().ok())
            .filter(move |&ip| IpFamily::of(ip) == family)
    }
}

/// One entry of a node's `status.addresses`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
    pub kind: String,
    /// The address or name.
    pub address: String,
}

/// The condition `Ready` of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether the status is `True`.
    pub ready: bool,
    /// Whether it is the kubelet that says so: not `Unknown`.
    #[serde(default)]
    pub reported: bool,
    /// Since when.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// The kubelet's or node controller's message.
    pub message: String,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value, where there is one.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// kube-proxy's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeProxy {
    /// `mode`; empty means the platform's default (iptables on Linux).
    pub mode: String,
    /// `clusterCIDR`.
    pub cluster_cidrs: Vec<IpNet>,
    /// `nodePortAddresses`: empty means every address of the node.
    pub node_port_addresses: Vec<String>,
    /// `healthzBindAddress`; empty means every address of the node, at port 10256.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub healthz_bind_address: String,
    /// Whether any mode has `masqueradeAll`; `None` if its configuration doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masquerade_all: Option<bool>,
    /// `iptables.localhostNodePorts`: whether mode iptables opens NodePorts at 127.0.0.1; `None`, which means
    /// that it does, if its configuration doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub localhost_node_ports: Option<bool>,
    /// `detectLocalMode`: which clients are pods; empty means those in `clusterCIDR`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detect_local_mode: String,
}

impl KubeProxy {
    /// Whether this configuration promises that a pod with this address keeps it at ClusterIPs.
    pub fn keeps_address(&self, pod: IpAddr) -> bool {
        let family = IpFamily::of(pod);
        let mut ranges = self.cluster_cidrs.iter().filter(|it| IpFamily::of_range(it) == family);
        self.masquerade_all == Some(false)
            && matches!(self.detect_local_mode.as_str(), "" | "ClusterCIDR")
            && (self.cluster_cidrs.is_empty() || ranges.any(|range| range.contains(&pod)))
    }
}

/// The pod network's implementation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cni {
    /// Its common name (`calico`, `cilium`, `flannel`, `kindnet`, …).
    pub name: String,
    /// Its version, where the image's tag tells.
    pub version: Option<String>,
}

/// The cluster's DNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterDns {
    /// The Service's `spec.clusterIPs`.
    pub cluster_ips: Vec<IpAddr>,
    /// The pods behind it.
    pub pods: Vec<DnsPod>,
    /// The cluster domain, where kubeadm-config or the kubelet's configuration tells.
    pub domain: Option<String>,
    /// The zones, none of them for addresses, for which CoreDNS has the cluster's names, as its Corefile
    /// says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// The servers that CoreDNS passes names outside the cluster on to, where its Corefile has their
    /// addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<IpAddr>,
    /// The transports, `UDP` or `TCP`, over which the Service has no port 53. RFC 7766 wants both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unpublished: Vec<String>,
}

/// A DNS pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node it runs on.
    pub node: Option<String>,
    /// Whether it is Ready.
    pub ready: bool,
    /// The container port named `dns-tcp` (53 where none is named).
    pub tcp_port: u16,
    /// The container port named `dns` (53 where none is named).
    #[serde(default = "dns_port")]
    pub udp_port: u16,
    /// Its addresses, as far as they are known: `status.podIPs`, or what EndpointSlices say.
    #[serde(default)]
    pub pod_ips: Vec<IpAddr>,
}

/// Where DNS servers listen (RFC 1035, RFC 7766).
const fn dns_port() -> u16 {
    53
}

impl DnsPod {
    /// Its address of a family.
    pub fn address(&self, family: IpFamily) -> Option<IpAddr> {
        self.pod_ips.iter().copied().find(|&ip| IpFamily::of(ip) == family)
    }
}

impl ClusterDns {
    /// The names of those of its pods that were Ready and no longer are, or are gone.
    pub fn away(&self, now: &Self) -> Vec<String> {
        let still = |pod: &&DnsPod| now.pods.iter().any(|it| it.name == pod.name && it.ready);
        let ready = self.pods.iter().filter(|pod| pod.ready);
        ready.filter(|pod| !still(pod)).map(|pod| pod.name.clone()).collect()
    }
}

/// The API server's own Service, `default/kubernetes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesService {
    /// `spec.clusterIPs`.
    pub cluster_ips: Vec<IpAddr>,
    /// The Service's port, 443 by default.
    pub port: u16,
    /// Its EndpointSlices.
    pub slices: Fact<Vec<ServiceSlice>>,
    /// Those of its ClusterIPs that the API server's certificate is valid for.
    #[serde(default = "not_recorded")]
    pub certified: Fact<Vec<IpAddr>>,
}

impl KubernetesService {
    /// Its ClusterIP of a family.
    pub fn cluster_ip(&self, family: IpFamily) -> Option<IpAddr> {
        self.cluster_ips.iter().copied().find(|&ip| IpFamily::of(ip) == family)
    }

    /// Its families, in order.
    pub fn families(&self) -> impl Iterator<Item = IpFamily> {
        self.cluster_ips.iter().map(|&ip| IpFamily::of(ip))
    }
}

/// An EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSlice {
    /// `metadata.name`.
    pub name: String,
    /// `addressType`; `None` for names in place of addresses.
    pub family: Option<IpFamily>,
    /// The addresses of its endpoints.
    pub endpoints: Vec<IpAddr>,
}
