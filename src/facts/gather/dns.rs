//! The cluster's DNS: its Service, the pods behind it, its domain.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use k8s_openapi::api::{core::v1, discovery::v1::EndpointSlice};
use kube::ResourceExt;

use super::{
    config::{self, ClusterConfiguration, KubeletConfiguration},
    fetch::{Fetch, Fetched, Missing},
    raw::Raw,
};
use crate::{
    cluster::ClusterError,
    facts::{ClusterDns, DnsPod, Fact, OPENSHIFT_DNS, source::KUBE_SYSTEM},
};

/// The Service's name by convention; the label stays the same where it has another.
pub(super) const SERVICE: &str = "kube-dns";
/// The label of the Service and its pods.
pub(super) const LABEL: &str = "k8s-app=kube-dns";
/// OpenShift's DNS has its own namespace and labels.
const OPENSHIFT_LABEL: &str = "dns.operator.openshift.io/owning-dns=default";
/// The ports' names by convention.
const TCP_PORT: &str = "dns-tcp";
const UDP_PORT: &str = "dns";
/// DNS over UDP and over TCP (RFC 1035, RFC 7766).
const DEFAULT_PORT: u16 = 53;

/// The DNS Service: the one of the usual name, or else the first with the label.
fn service(services: &Fetched<Vec<v1::Service>>) -> Fetched<&v1::Service> {
    let services = services.as_ref().map_err(Clone::clone)?;
    let usual = services.iter().find(|service| service.name_any() == SERVICE);
    usual
        .or(services.first())
        .ok_or_else(|| Missing::Absent(format!("no Service with label {LABEL} in {KUBE_SYSTEM}")))
}

/// The DNS Services: those with the usual label, or else OpenShift's.
///
/// Where those can't be read either, what is said is that there is none of the usual kind.
pub(super) async fn services(
    fetch: &Fetch<'_>,
    usual: Fetched<Vec<v1::Service>>,
) -> Result<Fetched<Vec<v1::Service>>, ClusterError> {
    if !usual.as_ref().is_ok_and(Vec::is_empty) {
        return Ok(usual);
    }
    let openshift = fetch.services(OPENSHIFT_DNS, OPENSHIFT_LABEL).await?;
    Ok(openshift.or(usual))
}

fn namespace(service: &v1::Service) -> String {
    service.namespace().unwrap_or_else(|| KUBE_SYSTEM.to_owned())
}

/// The pods behind the DNS Service: from its EndpointSlices, or else by its selector. The slices of a
/// Service of one family don't tell the other address of a pod: that is read of the pods with the
/// label, where they may be listed.
pub(super) async fn pods(
    fetch: &Fetch<'_>,
    services: &Fetched<Vec<v1::Service>>,
    slices: Fetched<Vec<EndpointSlice>>,
    labelled: Fetched<Vec<v1::Pod>>,
) -> Result<Vec<DnsPod>, ClusterError> {
    let Ok(service) = service(services) else { return Ok(Vec::new()) };
    let namespace = namespace(service);
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let selector = selector.map(|selector| {
        let labels = selector.iter().map(|(key, value)| format!("{key}={value}"));
        labels.collect::<Vec<_>>().join(",")
    });
    let slices = if (namespace.as_str(), service.name_any().as_str()) == (KUBE_SYSTEM, SERVICE) {
        slices
    } else {
        fetch.endpoint_slices(&namespace, &service.name_any()).await?
    };
    let labelled = match &selector {
        Some(selector) if namespace != KUBE_SYSTEM => fetch.pods(&namespace, selector).await?,
        _ => labelled,
    };
    match slices {
        Ok(slices) if !slices.is_empty() => {
            let mut pods = of_slices(&slices);
            addressed(&mut pods, labelled.as_deref().unwrap_or_default());
            Ok(pods)
        }
        _ => {
            let Some(selector) = selector else { return Ok(Vec::new()) };
            let pods = fetch.pods(&namespace, &selector).await?;
            Ok(pods.unwrap_or_default().iter().filter_map(of_pod).collect())
        }
    }
}

/// Gives pods the addresses that their objects state.
fn addressed(pods: &mut [DnsPod], objects: &[v1::Pod]) {
    for pod in pods {
        let object = objects.iter().find(|object| {
            object.name_any() == pod.name && object.namespace().as_ref() == Some(&pod.namespace)
        });
        let stated = object.map(pod_ips).unwrap_or_default();
        if !stated.is_empty() {
            pod.pod_ips = stated;
        }
    }
}

fn pod_ips(pod: &v1::Pod) -> Vec<IpAddr> {
    let ips = pod.status.iter().flat_map(|status| status.pod_ips.iter().flatten());
    ips.filter_map(|ip| ip.ip.parse().ok()).collect()
}

/// The pods of a Service's slices, each once: a dual-stack Service has a slice for each family.
fn of_slices(slices: &[EndpointSlice]) -> Vec<DnsPod> {
    let mut pods: BTreeMap<String, DnsPod> = BTreeMap::new();
    for slice in slices {
        let port = |name| {
            slice
                .ports
                .iter()
                .flatten()
                .filter(|port| port.name.as_deref() == Some(name))
                .find_map(|port| port.port.and_then(|port| u16::try_from(port).ok()))
                .unwrap_or(DEFAULT_PORT)
        };
        let (tcp_port, udp_port) = (port(TCP_PORT), port(UDP_PORT));
        for endpoint in &slice.endpoints {
            let Some(pod) =
                endpoint.target_ref.as_ref().filter(|it| it.kind.as_deref() == Some("Pod"))
            else {
                continue;
            };
            let Some(name) = pod.name.clone() else { continue };
            // Unset means unknown, which consumers take for ready.
            let ready = endpoint.conditions.as_ref().and_then(|is| is.ready).unwrap_or(true);
            let known = pods.entry(name.clone()).or_insert_with(|| DnsPod {
                namespace: pod.namespace.clone().unwrap_or_else(|| KUBE_SYSTEM.to_owned()),
                name,
                node: endpoint.node_name.clone(),
                ready,
                tcp_port,
                udp_port,
                pod_ips: Vec::new(),
            });
            known
                .pod_ips
                .extend(endpoint.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()));
        }
    }
    pods.into_values().collect()
}

fn of_pod(pod: &v1::Pod) -> Option<DnsPod> {
    let spec = pod.spec.as_ref()?;
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let port = |name| {
        spec.containers
            .iter()
            .flat_map(|container| container.ports.iter().flatten())
            .find(|port| port.name.as_deref() == Some(name))
            .and_then(|port| u16::try_from(port.container_port).ok())
            .unwrap_or(DEFAULT_PORT)
    };
    Some(DnsPod {
        namespace: pod.namespace()?,
        name: pod.name_any(),
        node: spec.node_name.clone(),
        ready,
        tcp_port: port(TCP_PORT),
        udp_port: port(UDP_PORT),
        pod_ips: pod_ips(pod),
    })
}

/// What configurations say of the cluster's DNS.
#[derive(Debug, Default)]
pub(super) struct Configured {
    pub(super) domain: Option<String>,
    pub(super) zones: Vec<String>,
    pub(super) upstreams: Vec<IpAddr>,
}

/// The cluster's DNS as a fact.
pub(super) fn cluster_dns(
    services: &Fetched<Vec<v1::Service>>,
    pods: Vec<DnsPod>,
    configured: Configured,
) -> Fact<ClusterDns> {
    let service = match service(services) {
        Ok(service) => service,
        Err(missing) => return missing.into(),
    };
    let spec = service.spec.as_ref();
    // Before dual-stack there was only the singular field.
    let single = || spec.and_then(|spec| spec.cluster_ip.clone()).into_iter().collect();
    let texts = spec.and_then(|spec| spec.cluster_ips.clone()).unwrap_or_else(single);
    Fact::Known {
        value: ClusterDns {
            cluster_ips: texts.iter().filter_map(|ip| ip.parse().ok()).collect(),
            pods,
            domain: configured.domain,
            zones: configured.zones,
            upstreams: configured.upstreams,
            unpublished: unpublished(spec),
        },
        source: format!("Service {}/{}", namespace(service), service.name_any()),
    }
}

/// The transports without an answer, because the Service has no DNS port for them.
fn unpublished(spec: Option<&v1::ServiceSpec>) -> Vec<String> {
    let ports = || spec.into_iter().flat_map(|spec| spec.ports.iter().flatten());
    let has = |transport: &str| {
        ports().any(|port| {
            port.port == i32::from(DEFAULT_PORT)
                && port.protocol.as_deref().unwrap_or("TCP") == transport
        })
    };
    ["UDP", "TCP"].into_iter().filter(|transport| !has(transport)).map(str::to_owned).collect()
}

/// The cluster domain: as the kubelets give it to pods, as kubeadm was told, or as CoreDNS serves.
pub(super) fn domain(raw: &Raw) -> Option<String> {
    let kubelet = raw.kubelet.as_ref().ok().and_then(|map| {
        let config: KubeletConfiguration = config::parsed(map, "kubelet").ok()?;
        Some(config.cluster_domain)
    });
    let kubeadm = || {
        let map = raw.kubeadm.as_ref().ok()?;
        let config: ClusterConfiguration = config::parsed(map, "ClusterConfiguration").ok()?;
        Some(config.networking.dns_domain)
    };
    let coredns = || zones(raw).into_iter().next();
    let some = |domain: Option<String>| {
        domain.map(|it| it.trim_end_matches('.').to_owned()).filter(|it| !it.is_empty())
    };
    some(kubelet).or_else(|| some(kubeadm())).or_else(|| some(coredns()))
}

/// The zones of the plugin `kubernetes` in the Corefile that are no reverse zones.
pub(super) fn zones(raw: &Raw) -> Vec<String> {
    corefile(raw).map(served).unwrap_or_default()
}

fn corefile(raw: &Raw) -> Option<&str> {
    config::value(raw.coredns.as_ref().ok()?, "Corefile").ok()
}

fn served(corefile: &str) -> Vec<String> {
    let line = corefile.lines().map(str::trim).find(|line| line.starts_with("kubernetes "));
    let zones = line.into_iter().flat_map(str::split_whitespace).skip(1);
    let zones = zones.filter(|word| *word != "{").map(|zone| zone.trim_end_matches('.'));
    zones.filter(|zone| !zone.ends_with(".arpa")).map(str::to_owned).collect()
}

/// The servers that CoreDNS passes names outside the cluster on to, as far as its Corefile has their
/// addresses: of the files that it may name instead we know nothing.
pub(super) fn upstreams(raw: &Raw) -> Vec<IpAddr> {
    corefile(raw).map(forwarded).unwrap_or_default()
}

/// `forward . 192.0.2.53 tls://[2001:db8::53]:853 {`
fn forwarded(corefile: &str) -> Vec<IpAddr> {
    let mut words = corefile.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("forward") && words.next() == Some(".")).then_some(words)
    });
    let to = words.next().into_iter().flatten().take_while(|word| *word != "{");
    to.filter_map(|word| {
        let address = word.split_once("://").map_or(word, |(_, address)| address);
        let socket = || address.parse::<SocketAddr>().ok().map(|socket| socket.ip());
        address.parse().ok().or_else(socket)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::{super::example::*, *};
    use crate::net::IpFamily;

    #[test]
    fn the_service_may_have_another_name_but_not_another_label() {
        let services = from_value(json!([
            {"metadata": {"namespace": "kube-system", "name": "rke2-coredns-rke2-coredns"},
             "spec": {"clusterIP": "10.43.0.10"}},
        ]))
        .unwrap();
        let Fact::Known { value, source } =
            cluster_dns(&Ok(services), Vec::new(), Configured::default())
        else {
            panic!()
        };
        assert_eq!(source, "Service kube-system/rke2-coredns-rke2-coredns");
        assert_eq!(value.cluster_ips, ["10.43.0.10".parse::<std::net::IpAddr>().unwrap()]);

        // OpenShift's Service dns-default lies in openshift-dns.
        let services = from_value(json!([
            {"metadata": {"namespace": "openshift-dns", "name": "dns-default"},
             "spec": {"clusterIPs": ["172.30.0.10"]}},
        ]))
        .unwrap();
        let fact = cluster_dns(&Ok(services), Vec::new(), Configured::default());
        assert!(
            matches!(&fact, Fact::Known { source, .. } if source == "Service openshift-dns/dns-default")
        );

        assert_eq!(
            cluster_dns(&Ok(Vec::new()), Vec::new(), Configured::default()).why_unknown(),
            Some("no Service with label k8s-app=kube-dns in kube-system")
        );
    }

    #[test]
    fn a_pod_is_a_dns_pod_with_its_port_and_readiness() {
        let pod = from_value(json!({
            "metadata": {"namespace": "kube-system", "name": "coredns-x"},
            "spec": {"nodeName": "n2", "containers": [{"name": "c", "ports": [
                {"name": "dns", "containerPort": 5353, "protocol": "UDP"},
                {"name": "dns-tcp", "containerPort": 5354, "protocol": "TCP"},
            ]}]},
            "status": {
                "conditions": [{"type": "Ready", "status": "False"}],
                "podIPs": [{"ip": "10.0.0.2"}, {"ip": "fd00::2"}],
            },
        }))
        .unwrap();
        let dns = of_pod(&pod).unwrap();
        assert_eq!((dns.node.as_deref(), dns.ready), (Some("n2"), false));
        assert_eq!((dns.udp_port, dns.tcp_port), (5353, 5354));
        assert_eq!(dns.address(IpFamily::V6), "fd00::2".parse().ok());
    }

    #[test]
    fn endpoints_that_are_no_pods_are_passed_over() {
        let slice = from_value(json!({
            "metadata": {"name": "s"}, "addressType": "IPv4",
            "endpoints": [
                {"addresses": ["10.0.0.1"]},
                {"addresses": ["10.0.0.2"], "targetRef": {"kind": "Pod", "name": "coredns-x"}},
            ],
        }))
        .unwrap();
        let pods = of_slices(&[slice]);
        assert_eq!(pods.len(), 1);
        // Readiness that isn't stated counts as ready, a port that isn't as 53.
        assert!(pods[0].ready);
        assert_eq!((pods[0].namespace.as_str(), pods[0].tcp_port), ("kube-system", 53));
    }

    #[test]
    fn what_slices_of_one_family_leave_out_is_read_of_the_pods() {
        let slice = from_value(json!({
            "metadata": {"name": "s"}, "addressType": "IPv4",
            "endpoints": [
                {"addresses": ["10.0.0.2"], "targetRef": {"kind": "Pod", "name": "coredns-x"}},
                {"addresses": ["10.0.0.3"], "targetRef": {"kind": "Pod", "name": "coredns-y"}},
            ],
        }))
        .unwrap();
        let object = from_value(json!({
            "metadata": {"namespace": "kube-system", "name": "coredns-x"},
            "status": {"podIPs": [{"ip": "10.0.0.2"}, {"ip": "fd00::2"}]},
        }))
        .unwrap();
        let mut pods = of_slices(&[slice]);
        addressed(&mut pods, &[object]);
        let has = |pod: usize, family| pods[pod].address(family).is_some();
        assert!(has(0, IpFamily::V4) && has(0, IpFamily::V6), "{pods:?}");
        assert!(has(1, IpFamily::V4) && !has(1, IpFamily::V6), "{pods:?}");
    }

    #[test]
    fn a_pod_that_is_gone_or_no_longer_ready_is_away() {
        let dns = |pods: [(&str, bool); 2]| ClusterDns {
            cluster_ips: Vec::new(),
            pods: pods
                .map(|(name, ready)| DnsPod {
                    namespace: "kube-system".to_owned(),
                    name: name.to_owned(),
                    node: None,
                    ready,
                    tcp_port: 53,
                    udp_port: 53,
                    pod_ips: Vec::new(),
                })
                .to_vec(),
            domain: None,
            zones: Vec::new(),
            unpublished: Vec::new(),
            upstreams: Vec::new(),
        };
        let before = dns([("a", true), ("b", true)]);
        assert_eq!(before.away(&dns([("a", true), ("b", true)])), Vec::<String>::new());
        assert_eq!(before.away(&dns([("a", true), ("c", true)])), ["b"]);
        assert_eq!(before.away(&dns([("a", false), ("b", true)])), ["a"]);
    }

    #[test]
    fn the_domain_is_what_the_kubelets_tell_the_pods() {
        let kubelet = config_map("kubelet-config", &[("kubelet", "clusterDomain: kubelet.local")]);
        let config = "networking: {dnsDomain: kubeadm.local}";
        let kubeadm = config_map("kubeadm-config", &[("ClusterConfiguration", config)]);
        let corefile = ".:53 {\n    kubernetes ip6.arpa coredns.local. {\n    }\n}\n";
        let coredns = config_map("coredns", &[("Corefile", corefile)]);
        let raw = Raw { kubelet: Ok(kubelet), ..Raw::nothing() };
        let raw = Raw { kubeadm: Ok(kubeadm), coredns: Ok(coredns), ..raw };
        assert_eq!(domain(&raw).as_deref(), Some("kubelet.local"));
        let raw = Raw { kubelet: Raw::nothing().kubelet, ..raw };
        assert_eq!(domain(&raw).as_deref(), Some("kubeadm.local"));
        let raw = Raw { kubeadm: Raw::nothing().kubeadm, ..raw };
        assert_eq!(domain(&raw).as_deref(), Some("coredns.local"));
        assert_eq!(domain(&Raw::nothing()), None);
    }

    #[test]
    fn the_servers_that_names_are_passed_on_to_are_those_with_an_address() {
        let of = |line: &str| forwarded(&format!(".:53 {{\n    errors\n    {line}\n}}\n"));
        assert_eq!(
            of("forward . /etc/resolv.conf {\n      max_concurrent 1000\n    }"),
            [] as [IpAddr; 0]
        );
        let two: [IpAddr; 2] = ["192.0.2.53".parse().unwrap(), "2001:db8::53".parse().unwrap()];
        assert_eq!(of("forward . 192.0.2.53 tls://[2001:db8::53]:853 {\n    }"), two);
        assert_eq!(of("forward example.org 192.0.2.1"), [] as [IpAddr; 0]);
    }
}
