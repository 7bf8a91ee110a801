//! What can be broken in the lab.

use crate::net::IpFamily;

/// Something that is broken.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// A node has no route to the pods of another, and says so.
    NoRoute { at: &'static str, to: &'static str, family: IpFamily },
    /// The same, without a word.
    SilentRoute { at: &'static str, to: &'static str, family: IpFamily },
    /// The kubelet of a node doesn't answer the API server, so that nothing is tried from there.
    ExecsLost { at: &'static str },
    /// A node drops what its pods send to ClusterIPs.
    ClusterIpDropped { at: &'static str, family: IpFamily },
    /// A node drops what its pods and processes send to the ClusterIP of the Service kubernetes.
    KubernetesServiceDropped { at: &'static str, family: IpFamily },
    /// A node drops what another sends under its own address.
    NodeAddressDropped { of: &'static str, at: &'static str, family: IpFamily },
    /// What the API server, and any other process of the first node, sends to pods elsewhere is dropped.
    ApiServerCutFromPods { family: IpFamily },
    /// What the processes of a node send to pods elsewhere is dropped.
    HostToPodsDropped { at: &'static str, family: IpFamily },
    /// A node drops what comes in for NodePorts, also from its own pods to other nodes.
    NodePortDropped { at: &'static str, family: IpFamily },
    /// A node refuses NodePorts.
    NodePortRefused { at: &'static str, family: IpFamily },
    /// A firewall before a node drops NodePorts.
    NodePortFiltered { at: &'static str, family: IpFamily },
    /// nginx on a node doesn't listen.
    NotListening { on: &'static str, family: IpFamily },
    /// A policy drops what comes to the nginx of a node.
    PodFiltered { on: &'static str, family: IpFamily },
    /// A node doesn't forward.
    NotForwarding { on: &'static str, family: IpFamily },
    /// A node is dead to all others.
    CutOff { node: &'static str, family: IpFamily },
    /// Another machine answers for a node's address.
    AddressTaken { of: &'static str, family: IpFamily },
    /// A node has a wrong link address for another, which somebody set by hand.
    NeighbourWrong { at: &'static str, of: &'static str, family: IpFamily },
    /// This machine has no route to the nodes.
    NoWayOutside { family: IpFamily },
    /// Large answers are lost on their way from one node to another.
    Narrow { from: &'static str, to: &'static str, family: IpFamily },
    /// Large answers are lost on their way from a node to the outside.
    NarrowOutside { at: &'static str, family: IpFamily },
    /// Pods reach pods with their node's address.
    Masquerade { at: &'static str, family: IpFamily },
    /// A DNS pod, or every one, has no records of a family.
    NoRecords { pod: Option<&'static str>, family: IpFamily },
    /// A DNS pod, or every one, answers questions for the records of a family with an error.
    RecordsFail { pod: Option<&'static str>, family: IpFamily },
    /// A DNS pod, or every one, doesn't know any name.
    NoNames { pod: Option<&'static str> },
    /// DNS doesn't know any headless Service.
    NoEndpointNames,
    /// Pods on a node complete short names with another domain.
    OtherSearchPath { on: &'static str },
    /// Pods on a node ask a DNS server that isn't there.
    OtherResolver { on: &'static str },
    /// No EndpointSlice of a family is written.
    NoEndpoints { family: IpFamily },
    /// No DNS pod answers pods.
    DnsDown,
    /// Pods on a node don't get packets back that they sent to themselves.
    HairpinOff { at: &'static str },
    /// A node's kube-proxy says that it can't write its rules.
    ProxyUnhealthy { at: &'static str, family: IpFamily },
    /// Every node says that it has a backend, whether it has one or not.
    HealthEverywhere,
    /// A firewall on a node drops what comes in for NodePorts and is not translated.
    UntranslatedDropped { at: &'static str, family: IpFamily },
    /// A node drops what it would have to refuse.
    RejectDropped { at: &'static str, family: IpFamily },
    /// A node drops the datagrams that its pods send.
    UdpDropped { at: &'static str, family: IpFamily },
    /// A node drops what its own pods send to it.
    HostCutFromOwnPods { at: &'static str, family: IpFamily },
    /// What a node translates between its own pods gets lost.
    OwnBackendsLost { on: &'static str, family: IpFamily },
    /// A node drops what its pods send to each other.
    OwnPodsApart { on: &'static str, family: IpFamily },
    /// A node lets the first connection of a probe through, and no more of them.
    ConnectionsLimited { at: &'static str, family: IpFamily },
    /// So many of 100 datagrams between two nodes are lost.
    Lossy { between: [&'static str; 2], percent: u32, family: IpFamily },
    /// A node has no routes to its own pods.
    OwnRoutesMissing { on: &'static str, family: IpFamily },
    /// A node itself has no route for ClusterIPs; its pods need none.
    NoDefaultRoute { at: &'static str, family: IpFamily },
    /// A node drops what it forwards and did not mark to masquerade; answers pass.
    ForwardDropped { on: &'static str, family: IpFamily },
    /// A node drops TCP to the port of nginx that comes from elsewhere.
    WebPortDropped { on: &'static str, family: IpFamily },
    /// A node rejects the TCP connections to the port of nginx that it forwards, as firewalld does.
    WebPortRejected { on: &'static str, family: IpFamily },
    /// A node tracks no connection whose packets its pods send: none of them is translated, and of TCP to and
    /// from elsewhere it drops what it has seen in one direction alone.
    Untracked { at: &'static str, family: IpFamily },
    /// What enters a node by its NodePorts goes on under the client's address.
    ServiceMasqueradeLost { at: &'static str, family: IpFamily },
    /// A node passes nothing on that it sends to 127.0.0.1.
    LocalnetOff { at: &'static str },
    /// Pods, those of one node or all, get no answers from NodePorts of other nodes, one or all.
    NodePortWayBack { at: Option<&'static str>, from: Option<&'static str>, family: IpFamily },
    /// A node drops the datagrams that it forwards.
    DatagramsDropped { on: &'static str, family: IpFamily },
    /// Pods of other nodes reach the pods of a node under another address than their own.
    MasqueradeEntering { at: &'static str, family: IpFamily },
    /// DNS pods don't serve the zone in which names are found by addresses of a family.
    NoReverse { family: IpFamily },
    /// DNS pods refuse what comes over a family, by either transport.
    DnsRefuses { family: IpFamily },
    /// A node drops the questions to DNS servers that it forwards, by UDP.
    DnsPortDropped { on: &'static str, family: IpFamily },
    /// A node does not reach its own address.
    OwnAddressDropped { on: &'static str, family: IpFamily },
    /// A DNS pod, or every one, takes two seconds to answer.
    DnsSlow { pod: Option<&'static str> },
    /// A node drops what its pods send to the ClusterIP of the DNS Service.
    DnsServiceDropped { at: &'static str },
    /// A DNS pod gets nothing by UDP.
    DnsDeaf { pod: &'static str },
    /// A DNS pod, or every one, has another address for every Service.
    WrongRecords { pod: Option<&'static str>, family: IpFamily },
    /// Proxies pass what comes from elsewhere to backends of their own node alone.
    ExternalLocal,
    /// Proxies pass what comes for a ClusterIP to backends of their own node alone.
    InternalLocal,
    /// Proxies pass each client to the same backend.
    KeepsToOne,
    /// A node lets nothing that its pods send out of the cluster, or no answer back in.
    EgressDropped { at: &'static str, family: IpFamily },
    /// Pods are seen outside under their own addresses.
    EgressRouted { family: IpFamily },
    /// Something on the way out translates addresses.
    EgressTranslated { family: IpFamily },
    /// Nodes don't reach the machine outside.
    HostEgressDropped { family: IpFamily },
    /// No packet comes from the cluster to the machine outside, in any family.
    NoWayBack,
    /// A Service's ClusterIPs lead to another backend than its own.
    WrongBackend { of: &'static str, to: &'static str },
    /// A node picks a backend anew for each connection, whatever the Service asks for.
    AffinityOff { at: &'static str, family: IpFamily },
    /// A node knows no endpoints that the control plane didn't write itself.
    ManualIgnored { at: &'static str, family: IpFamily },
    /// Somebody deletes the EndpointSlices of a family that the control plane didn't write.
    ManualDeleted { family: IpFamily },
    /// A node sends to backends elsewhere, whatever a Service's traffic policies say.
    LocalIgnored { at: &'static str, family: IpFamily },
    /// A node masquerades what comes for its own backends from outside.
    SourceLost { at: &'static str, family: IpFamily },
    /// The operator's application, in one pod or all, doesn't listen.
    TargetDeaf { pod: Option<&'static str>, family: IpFamily },
    /// Nobody enforces NetworkPolicies on a node.
    Unguarded { on: &'static str, family: IpFamily },
    /// No ipBlock of a family admits a pod.
    BlockUnknown { family: IpFamily },
    /// A firewall on a node drops what others send to its own ports, other than its NodePorts.
    HostPortDropped { on: &'static str, family: IpFamily },
    /// A node goes on sending to the first backend of a Service, whatever became of it.
    EndpointsFrozen { at: &'static str, family: IpFamily },
    /// The same, with flows of datagrams that there were before.
    StaleFlows { at: &'static str, family: IpFamily },
    /// What comes from outside for the addresses of load balancers leads nowhere.
    LoadBalancerUnrouted { family: IpFamily },
    /// A node's proxy doesn't know the addresses of load balancers.
    LoadBalancerUnproxied { at: &'static str, family: IpFamily },
    /// What goes between a node and all others takes so many milliseconds.
    Slow { at: &'static str, millis: u32, family: IpFamily },
    /// A connection between a node and all others takes so many milliseconds more to open.
    SlowToOpen { at: &'static str, millis: u32, family: IpFamily },
    /// A node masquerades what its pods send to ClusterIPs.
    ClusterIpMasqueraded { at: &'static str, family: IpFamily },
}
