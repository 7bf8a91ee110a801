//! The cluster's DNS: its Service, the pods behind it, its domain.

use std::collections::BTreeMap;

use k8s_openapi::api::{core::v1, discovery::v1::EndpointSlice};
use kube::ResourceExt;

use super::{
    config::{self, ClusterConfiguration, KubeletConfiguration},
    fetch::{Fetch, Fetched, Missing},
    raw::Raw,
};
use crate::{
    cluster::ClusterError,
    facts::{ClusterDns, DnsPod, Fact, source::KUBE_SYSTEM},
};

/// The Service's name by convention; the label stays the same where it has another.
pub(super) const SERVICE: &str = "kube-dns";
/// The label of the Service and its pods.
pub(super) const LABEL: &str = "k8s-app=kube-dns";
/// The port's name by convention.
const TCP_PORT: &str = "dns-tcp";
/// DNS over TCP (RFC 7766).
const DEFAULT_PORT: u16 = 53;

/// The DNS Service: the one of the usual name, or else the first with the label.
fn service(raw: &Raw) -> Fetched<&v1::Service> {
    let services = raw.dns_services.as_ref().map_err(Clone::clone)?;
    let usual = services.iter().find(|service| service.name_any() == SERVICE);
    usual
        .or(services.first())
        .ok_or_else(|| Missing::Absent(format!("no Service with label {LABEL} in {KUBE_SYSTEM}")))
}

/// The pods behind the DNS Service: from its EndpointSlices, or else by its selector.
pub(super) async fn pods(fetch: &Fetch<'_>, raw: &Raw) -> Result<Vec<DnsPod>, ClusterError> {
    let Ok(service) = service(raw) else { return Ok(Vec::new()) };
    let slices = if service.name_any() == SERVICE {
        raw.dns_slices.clone()
    } else {
        fetch.endpoint_slices(KUBE_SYSTEM, &service.name_any()).await?
    };
    match slices {
        Ok(slices) if !slices.is_empty() => Ok(of_slices(&slices)),
        _ => {
            let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
            let Some(selector) = selector else { return Ok(Vec::new()) };
            let labels: Vec<_> =
                selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let pods = fetch.pods(KUBE_SYSTEM, &labels.join(",")).await?;
            Ok(pods.unwrap_or_default().iter().filter_map(of_pod).collect())
        }
    }
}

/// The pods of a Service's slices, each once: a dual-stack Service has a slice for each family.
fn of_slices(slices: &[EndpointSlice]) -> Vec<DnsPod> {
    let mut pods = BTreeMap::new();
    for slice in slices {
        let ports = slice.ports.iter().flatten();
        let tcp_port = ports
            .filter(|port| port.name.as_deref() == Some(TCP_PORT))
            .find_map(|port| port.port.and_then(|port| u16::try_from(port).ok()))
            .unwrap_or(DEFAULT_PORT);
        for endpoint in &slice.endpoints {
            let Some(pod) =
                endpoint.target_ref.as_ref().filter(|it| it.kind.as_deref() == Some("Pod"))
            else {
                continue;
            };
            let Some(name) = pod.name.clone() else { continue };
            // Unset means unknown, which consumers take for ready.
            let ready = endpoint.conditions.as_ref().and_then(|is| is.ready).unwrap_or(true);
            pods.entry(name.clone()).or_insert_with(|| DnsPod {
                namespace: pod.namespace.clone().unwrap_or_else(|| KUBE_SYSTEM.to_owned()),
                name,
                node: endpoint.node_name.clone(),
                ready,
                tcp_port,
            });
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
    let tcp_port = spec
        .containers
        .iter()
        .flat_map(|container| container.ports.iter().flatten())
        .find(|port| port.name.as_deref() == Some(TCP_PORT))
        .and_then(|port| u16::try_from(port.container_port).ok())
        .unwrap_or(DEFAULT_PORT);
    Some(DnsPod {
        namespace: pod.namespace()?,
        name: pod.name_any(),
        node: spec.node_name.clone(),
        ready,
        tcp_port,
    })
}

/// The cluster's DNS as a fact.
pub(super) fn cluster_dns(raw: &Raw, pods: Vec<DnsPod>) -> Fact<ClusterDns> {
    let service = match service(raw) {
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
            domain: domain(raw),
        },
        source: format!("Service {KUBE_SYSTEM}/{}", service.name_any()),
    }
}

/// The cluster domain: as the kubelets give it to pods, as kubeadm was told, or as CoreDNS serves.
fn domain(raw: &Raw) -> Option<String> {
    let kubelet = raw.kubelet.as_ref().ok().and_then(|map| {
        let config: KubeletConfiguration = config::parsed(map, "kubelet").ok()?;
        Some(config.cluster_domain)
    });
    let kubeadm = || {
        let map = raw.kubeadm.as_ref().ok()?;
        let config: ClusterConfiguration = config::parsed(map, "ClusterConfiguration").ok()?;
        Some(config.networking.dns_domain)
    };
    let coredns = || served(config::value(raw.coredns.as_ref().ok()?, "Corefile").ok()?);
    let some = |domain: Option<String>| {
        domain.map(|it| it.trim_end_matches('.').to_owned()).filter(|it| !it.is_empty())
    };
    some(kubelet).or_else(|| some(kubeadm())).or_else(|| some(coredns()))
}

/// The first zone of the plugin `kubernetes` in a Corefile that is no reverse zone.
fn served(corefile: &str) -> Option<String> {
    let line = corefile.lines().map(str::trim).find(|line| line.starts_with("kubernetes "))?;
    let mut zones = line.split_whitespace().skip(1).filter(|word| *word != "{");
    zones.find(|zone| !zone.trim_end_matches('.').ends_with(".arpa")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::{super::example::*, *};

    #[test]
    fn the_service_may_have_another_name_but_not_another_label() {
        let services = from_value(json!([
            {"metadata": {"namespace": "kube-system", "name": "rke2-coredns-rke2-coredns"},
             "spec": {"clusterIP": "10.43.0.10"}},
        ]))
        .unwrap();
        let raw = Raw { dns_services: Ok(services), ..Raw::nothing() };
        let Fact::Known { value, source } = cluster_dns(&raw, Vec::new()) else { panic!() };
        assert_eq!(source, "Service kube-system/rke2-coredns-rke2-coredns");
        assert_eq!(value.cluster_ips, ["10.43.0.10".parse::<std::net::IpAddr>().unwrap()]);

        let raw = Raw { dns_services: Ok(Vec::new()), ..Raw::nothing() };
        assert_eq!(
            cluster_dns(&raw, Vec::new()).why_unknown(),
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
            "status": {"conditions": [{"type": "Ready", "status": "False"}]},
        }))
        .unwrap();
        let dns = of_pod(&pod).unwrap();
        assert_eq!((dns.node.as_deref(), dns.ready, dns.tcp_port), (Some("n2"), false, 5354));
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
}
