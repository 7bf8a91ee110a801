//! What the documents of one cluster say about its networking, typed and with positions.
//!
//! This is all that the rules see: no YAML, no file, no API server. Every value keeps the place
//! it was read from, so that a rule can point at it.

mod address;
mod apps;
mod args;
mod installs;
mod plugins;
mod ranges;
mod tool;
mod traffic;
mod version;
mod view;

pub(super) use address::parse_address;
pub use address::{Address, AddressList, Endpoint};
pub use apps::{Gateway, Listener, Mesh, Subnet, Switch};
pub use args::{Arg, Args, ArgsForm};
pub use installs::{Installation, NodeMask};
pub use plugins::{AntreaAgent, CalicoBgp, Cilium, CniNetwork, CniRange, Flannel, KubeRouter};
pub use ranges::{Owner, RangeEntry, RangeList, Role, has_variable, is_template, parse_range};
pub use tool::Tool;
pub use traffic::{
    AddressPool, Advertisement, Announced, BgpAdvertisement, BgpFamily, BgpPeer, Block,
    CalledService, Directive, L2Announcement, Peers, Policy, PoolRange, VirtualAddress, Zones,
};
pub use version::{Version, Versions};
pub use view::{CURRENT, read_ranges};

use super::{
    source::{Span, Spanned},
    tree::Flaw,
};

/// All that was read about one cluster.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// kubeadm's documents of any kind.
    pub kubeadm: Vec<KubeadmDocument>,
    /// `ClusterConfiguration`s.
    pub clusters: Vec<ClusterConfiguration>,
    /// `InitConfiguration`s and `JoinConfiguration`s: one node each.
    pub nodes: Vec<NodeConfiguration>,
    /// Where kubeadm's documents say that the API server is to be found.
    pub endpoints: Vec<Endpoint>,
    /// URLs of API servers, which a tool's nodes are told.
    pub server_urls: Vec<Spanned<String>>,
    /// `KubeletConfiguration`s.
    pub kubelets: Vec<KubeletConfiguration>,
    /// `KubeProxyConfiguration`s.
    pub proxies: Vec<KubeProxyConfiguration>,
    /// kind's `Cluster`s.
    pub kinds: Vec<KindCluster>,
    /// How many nodes documents list, where each list stands.
    pub listed_nodes: Vec<Spanned<u64>>,
    /// The names of Cluster API's `Cluster`s.
    pub capi_clusters: Vec<Option<String>>,
    /// How many machines its documents ask for, each with the name of the cluster.
    pub capi_nodes: Vec<(Option<String>, Spanned<u64>)>,
    /// Clusters as other tools are told to install them.
    pub installs: Vec<Installation>,
    /// The Service ranges that kubeadm takes where a `ClusterConfiguration` gives none.
    pub assumed_services: Vec<RangeList>,
    /// kubeadm's patches that kind drops, as they are of another API version than its own.
    pub dropped_patches: Vec<DroppedPatch>,
    /// Services.
    pub services: Vec<Service>,
    /// Network policies.
    pub policies: Vec<Policy>,
    /// Pools of addresses for load balancers.
    pub address_pools: Vec<AddressPool>,
    /// What announces the addresses of such pools.
    pub advertisements: Vec<Advertisement>,
    /// Neighbours to which Cilium announces routes by BGP.
    pub bgp_peers: Vec<BgpPeer>,
    /// The names by which Cilium's neighbours refer to their configuration.
    pub bgp_references: Vec<Spanned<String>>,
    /// What Cilium announces by BGP.
    pub bgp_advertisements: Vec<BgpAdvertisement>,
    /// What Cilium is told to announce of Services on the nodes' networks.
    pub l2_announcements: Vec<L2Announcement>,
    /// Versions of Cilium that documents name.
    pub cilium_versions: Vec<Spanned<Version>>,
    /// Addresses of the control plane that kube-vip holds.
    pub virtual_addresses: Vec<VirtualAddress>,
    /// Gateways that Envoy Gateway makes.
    pub gateways: Vec<Gateway>,
    /// What ingress controllers are told about listening in a family.
    pub listeners: Vec<Listener>,
    /// Services that the API server calls.
    pub called: Vec<CalledService>,
    /// What Corefiles say.
    pub dns: Vec<Directive>,
    /// The zones of each Corefile.
    pub zones: Vec<Zones>,
    /// Cilium's settings.
    pub cilium: Vec<Cilium>,
    /// flannel's settings.
    pub flannel: Vec<Flannel>,
    /// Network plugins that commands install as they are released: a manifest's address, or the word
    /// by which a command begins.
    pub stock_manifests: Vec<Spanned<String>>,
    /// kube-router's flags.
    pub kube_routers: Vec<KubeRouter>,
    /// Antrea's agents.
    pub antrea: Vec<AntreaAgent>,
    /// CNI networks whose ranges stand in their configuration.
    pub cni_networks: Vec<CniNetwork>,
    /// Calico's CNI configurations.
    pub calico_cni: Vec<CalicoCni>,
    /// The environments of calico-node.
    pub calico_nodes: Vec<CalicoNode>,
    /// Calico's `IPPool`s, and the pools of its operator's `Installation`.
    pub pools: Vec<IpPool>,
    /// `ipv6Support` of Calico's `FelixConfiguration`s.
    pub felix: Vec<Spanned<String>>,
    /// What Calico announces by BGP, and to whom.
    pub calico_bgp: Vec<CalicoBgp>,
    /// How Calico's operator is to find the nodes' addresses: the settings of IPv4 and of IPv6.
    pub autodetection: Vec<Autodetection>,
    /// Subnets of which the kubelet is to take a node's addresses, as Talos has them.
    pub node_subnets: Vec<Vec<RangeEntry>>,
    /// Whether a tool or a provider is known to give nodes no ranges of the controller manager's.
    pub no_node_ranges: bool,
    /// Kube-OVN's subnets.
    pub subnets: Vec<Subnet>,
    /// The record types that external-dns is told to manage, one list each.
    pub managed_records: Vec<Vec<Spanned<String>>>,
    /// Service meshes.
    pub meshes: Vec<Mesh>,
    /// Kernel parameters that turn IPv6 off.
    pub kernel_ipv6_off: Vec<Span>,
    /// Components of the control plane, from their Pods.
    pub components: Vec<Component>,
    /// `Node` objects.
    pub node_objects: Vec<NodeObject>,
    /// Ranges of `ServiceCIDR` objects, one list each.
    pub service_cidrs: Vec<RangeList>,
    /// Addresses of `EndpointSlice` objects.
    pub endpoint_addresses: Vec<EndpointAddress>,
    /// Kernel settings that any document makes.
    pub sysctls: Vec<Spanned<Sysctl>>,
    /// Feature gates that any document sets.
    pub gates: Vec<Gate>,
    /// Fields that older versions of Kubernetes don't have.
    pub recent_fields: Vec<RecentField>,
    /// Versions of Kubernetes that the documents name.
    pub versions: Vec<Spanned<Version>>,
    /// Mistakes in the texts themselves.
    pub flaws: Vec<Flaw>,
    /// What the user says about the cluster.
    pub asked: Asked,
}

/// What the user says about the cluster on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Kubernetes' version, if not to be taken from the documents.
    pub version: Option<Version>,
    /// How many nodes the cluster is to have.
    pub nodes: Option<u64>,
    /// How many Pods a node is to run.
    pub pods_per_node: Option<u64>,
    /// How many Services the cluster is to have.
    pub services: Option<u64>,
    /// Whether the documents are those of a running cluster.
    pub live: bool,
}

impl Asked {
    /// Nothing is said.
    pub const NOTHING: Self =
        Self { version: None, nodes: None, pods_per_node: None, services: None, live: false };

    /// Only the version of Kubernetes is said: a minor of 1.
    pub const fn kubernetes(minor: u32) -> Self {
        Self { version: Some(Version::v1(minor)), ..Self::NOTHING }
    }
}

/// A document of kubeadm's, whatever its kind.
#[derive(Clone, Debug)]
pub struct KubeadmDocument {
    /// Its kind.
    pub kind: Spanned<String>,
    /// The version of kubeadm's API that it claims, such as `v1beta4`.
    pub api: Spanned<String>,
}

/// kubeadm's `ClusterConfiguration`.
#[derive(Clone, Debug)]
pub struct ClusterConfiguration {
    /// Where the document begins.
    pub at: Span,
    /// kubeadm's API version, where the document names one.
    pub api: Option<Spanned<String>>,
    /// `networking.podSubnet`.
    pub pods: Option<RangeList>,
    /// `networking.serviceSubnet`.
    pub services: Option<RangeList>,
    /// `networking.dnsDomain`.
    pub dns_domain: Option<Spanned<String>>,
    /// `extraArgs` of the control plane's components, for how they are written; their values are
    /// among [`Model::components`].
    pub extra_args: Vec<Args>,
}

/// kubeadm's `InitConfiguration` or `JoinConfiguration`.
#[derive(Clone, Debug)]
pub struct NodeConfiguration {
    /// Where the document begins.
    pub at: Span,
    /// kubeadm's API version, where the document names one.
    pub api: Option<Spanned<String>>,
    /// `nodeRegistration.name`.
    pub name: Option<Spanned<String>>,
    /// Where `nodeRegistration` is.
    pub registration: Option<Span>,
    /// `nodeRegistration.kubeletExtraArgs`.
    pub kubelet: Args,
    /// The kubelet's `--node-ip`.
    pub node_ip: Option<AddressList>,
    /// `localAPIEndpoint.advertiseAddress`.
    pub advertise: Option<Address>,
    /// The tool that sets the node up, if it is another than kubeadm alone.
    pub tool: Option<Tool>,
}

/// The kubelet's configuration file.
#[derive(Clone, Debug)]
pub struct KubeletConfiguration {
    /// Where the document begins.
    pub at: Span,
    /// `maxPods`.
    pub max_pods: Option<Spanned<u64>>,
    /// `clusterDNS`.
    pub cluster_dns: Vec<Address>,
}

/// kube-proxy's configuration file.
#[derive(Clone, Debug)]
pub struct KubeProxyConfiguration {
    /// Where the document begins.
    pub at: Span,
    /// `mode`.
    pub mode: Option<Spanned<String>>,
    /// `clusterCIDR`.
    pub cluster_cidr: Option<RangeList>,
    /// `nodePortAddresses`, each a range or `primary`.
    pub node_ports: Vec<RangeEntry>,
    /// `bindAddress`.
    pub bind: Option<Address>,
    /// Whether it is for Windows, where there is one mode alone.
    pub windows: bool,
}

/// kind's `Cluster`.
#[derive(Clone, Debug)]
pub struct KindCluster {
    /// Where the document begins.
    pub at: Span,
    /// `networking.ipFamily`.
    pub family: Option<Spanned<String>>,
    /// `networking.podSubnet`.
    pub pods: Option<RangeList>,
    /// `networking.serviceSubnet`.
    pub services: Option<RangeList>,
    /// `networking.kubeProxyMode`.
    pub proxy_mode: Option<Spanned<String>>,
    /// How many nodes the file lists beside control planes; nothing if it lists no nodes.
    pub workers: Option<Spanned<u64>>,
}

/// A patch that kind drops.
#[derive(Clone, Debug)]
pub struct DroppedPatch {
    /// kubeadm's API version that it names, such as `v1beta4`.
    pub api: Spanned<String>,
    /// The API version of kind's own documents.
    pub own: &'static str,
    /// The version of Kubernetes that decides about it, where the file names the node's image.
    pub version: Option<Spanned<Version>>,
}

/// How much of an object a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// A part, as patches have it: what it leaves out may be set elsewhere.
    Part,
    /// What a chart or an operator is told of it, which may leave out some.
    Values,
}

/// A Service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Where its name, or else the document, is.
    pub at: Span,
    /// Namespace and name as far as given, for messages.
    pub name: String,
    /// How much of it the document holds.
    pub extent: Extent,
    /// `spec.type`.
    pub kind: Option<Spanned<String>>,
    /// The legacy `spec.ipFamily`.
    pub legacy_family: Option<Spanned<String>>,
    /// `spec.ipFamilyPolicy`.
    pub policy: Option<Spanned<String>>,
    /// `spec.ipFamilies`.
    pub families: Vec<Spanned<String>>,
    /// `spec.clusterIP`.
    pub cluster_ip: Option<Address>,
    /// `spec.clusterIPs`, or `spec.clusterIP` where the former is not given.
    pub cluster_ips: Vec<Address>,
    /// `spec.externalIPs`.
    pub external_ips: Vec<Address>,
    /// `spec.loadBalancerIP`, or the addresses of an annotation that asks for some.
    pub load_balancer_ips: Vec<Address>,
    /// The value of an annotation by which a provider gives the load balancer IPv4 only.
    pub ipv4_only: Option<Spanned<String>>,
    /// `spec.loadBalancerSourceRanges`.
    pub source_ranges: Vec<RangeEntry>,
    /// `spec.loadBalancerClass`.
    pub class: Option<Spanned<String>>,
    /// Annotations that providers of load balancers read.
    pub annotations: Vec<Arg>,
}

/// An address of an `EndpointSlice`.
#[derive(Clone, Debug)]
pub struct EndpointAddress {
    /// The address.
    pub address: Address,
    /// The EndpointSlice's `addressType`.
    pub of: Option<Spanned<String>>,
}

/// Calico's CNI plugin as configured in its ConfigMap.
#[derive(Clone, Debug)]
pub struct CalicoCni {
    /// Where its `ipam` section is.
    pub at: Span,
    /// `ipam.assign_ipv4`.
    pub assign_v4: Option<Spanned<String>>,
    /// `ipam.assign_ipv6`.
    pub assign_v6: Option<Spanned<String>>,
}

/// The environment of calico-node.
#[derive(Clone, Debug)]
pub struct CalicoNode {
    /// Where the environment is.
    pub at: Span,
    /// Variables with a literal value.
    pub env: Vec<Arg>,
}

impl CalicoNode {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Spanned<String>> {
        self.env.iter().rev().find(|arg| arg.name.value == name).map(|arg| &arg.value)
    }
}

/// How Calico's operator is told to find a node's addresses.
#[derive(Clone, Debug)]
pub struct Autodetection {
    /// Where that is set for IPv4 and for IPv6.
    pub set: [Option<Span>; 2],
    /// Whether the pools beside it are of both families.
    pub dual: bool,
}

/// A pool of pod addresses.
#[derive(Clone, Debug)]
pub struct IpPool {
    /// Its range.
    pub cidr: RangeEntry,
    /// Whether the range is one that a tool takes from elsewhere, and no document gives it to the
    /// pool.
    pub assumed: bool,
    /// Whether it is out of use.
    pub disabled: bool,
    /// `blockSize`, in bits of prefix.
    pub block_size: Option<Spanned<u64>>,
    /// `ipipMode`, or the operator's `encapsulation`.
    pub encapsulation: Option<Spanned<String>>,
    /// Whether traffic to the outside is masqueraded, by the setting or its default.
    pub masquerades: bool,
    /// Where that is set, if it is.
    pub nat: Option<Spanned<String>>,
}

/// Which component of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComponentName {
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-proxy, by its flags.
    Proxy,
}

/// A component of the control plane, from the command of its Pod.
#[derive(Clone, Debug)]
pub struct Component {
    /// Where its command is.
    pub at: Span,
    /// Which one.
    pub name: ComponentName,
    /// Its flags.
    pub args: Args,
    /// The ranges that its flags give.
    pub ranges: Vec<RangeList>,
    /// Whether kubeadm's `extraArgs` give the flags, which then are those that differ from
    /// kubeadm's own.
    pub extra: bool,
}

/// A `Node` object.
#[derive(Clone, Debug)]
pub struct NodeObject {
    /// Its name.
    pub name: Spanned<String>,
    /// Its `InternalIP`s in order.
    pub internal_ips: Vec<Address>,
    /// `spec.podCIDRs`.
    pub pod_cidrs: Vec<RangeEntry>,
    /// `spec.providerID`, such as `aws:///eu-west-1a/i-0`.
    pub provider: String,
    /// The kubelet's version, with what a distribution adds to it.
    pub kubelet_version: String,
    /// Whether its label says that it runs the control plane.
    pub control_plane: bool,
}

/// A kernel setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysctl {
    /// Its name with dots, such as `net.ipv6.conf.all.forwarding`.
    pub name: String,
    /// Its value, where it depends on nothing that is not known.
    pub value: Option<String>,
}

/// A feature gate set somewhere.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is set to, if that is a boolean.
    pub enabled: Option<bool>,
    /// Where that stands.
    pub value: Span,
    /// Who reads it.
    pub reader: GateReader,
}

/// A field that older versions of Kubernetes don't have.
#[derive(Clone, Debug)]
pub struct RecentField {
    /// The kind of document that it stands in.
    pub kind: &'static str,
    /// Its name.
    pub name: Spanned<String>,
    /// The first version that has it.
    pub since: Version,
}

/// Who reads a feature gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GateReader {
    /// kubeadm itself.
    Kubeadm,
    /// The kubelet.
    Kubelet,
    /// kube-proxy.
    Proxy,
    /// A control plane component, by its flags.
    ControlPlane,
    /// kind, which hands it to all components.
    Kind,
}
