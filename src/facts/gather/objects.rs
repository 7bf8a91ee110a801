//! What other people run: Services and how their addresses are reserved, and pods.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use k8s_openapi::api::{core::v1::Service, discovery::v1::EndpointSlice};
use kube::ResourceExt;

use super::{
    fetch::{Fetch, Fetched, Missing},
    listed::{ListedAddress, ListedPod, ListedService},
    raw::Raw,
};
use crate::{
    cluster::{Cluster, ClusterError},
    facts::{
        Fact, KubernetesService, Pods, Sample, ServiceCidr, ServiceSlice, Services, Unreserved,
    },
    net::IpFamily,
};

/// How many pods are looked at, so that a large cluster doesn't hold up the run.
pub(super) const MOST_PODS: usize = 2_000;

/// The name of the API server's own Service.
pub(super) const KUBERNETES: &str = "kubernetes";
/// Its port, where it states none that can be read.
const HTTPS: u16 = 443;

/// The facts about the Services of all namespaces.
pub(super) struct OfServices {
    pub(super) of_all: Fact<Services>,
    pub(super) unreserved: Fact<Unreserved>,
}

impl OfServices {
    /// If it is not needed.
    pub(super) fn unasked() -> Self {
        Self { of_all: Missing::unasked().into(), unreserved: Missing::unasked().into() }
    }
}

/// Lists the Services and the IPAddresses. An address is reserved before its Service exists and
/// released after it is gone, so a Service that comes or goes between the two lists may look as if
/// it had none. Where one does, both are listed once more in the other order, and what only one of
/// the two rounds shows is left out.
pub(super) async fn services(fetch: &Fetch<'_>) -> Result<OfServices, ClusterError> {
    let services = fetch.all_services().await?;
    let addresses = fetch.ip_addresses().await?;
    let of_all = match &services {
        Ok(services) => known(of_services(services), "Services of all namespaces"),
        Err(missing) => missing.clone().into(),
    };
    let missing = match (&services, &addresses) {
        (Ok(services), Ok(addresses)) => unreserved(services, addresses),
        (Err(missing), _) | (_, Err(missing)) => {
            return Ok(OfServices { of_all, unreserved: missing.clone().into() });
        }
    };
    let missing = if missing.is_empty() {
        missing
    } else {
        let addresses = fetch.ip_addresses().await?;
        let services = fetch.all_services().await?;
        match (services, addresses) {
            (Ok(services), Ok(addresses)) => {
                let again = unreserved(&services, &addresses);
                missing.intersection(&again).cloned().collect()
            }
            _ => missing,
        }
    };
    let unreserved = known(samples(missing), "Services and IPAddresses");
    Ok(OfServices { of_all, unreserved })
}

/// The API server's own Service, with its slices.
pub(super) fn kubernetes_service(
    service: Fetched<Service>,
    slices: Fetched<Vec<EndpointSlice>>,
) -> Fact<KubernetesService> {
    let service = match service {
        Ok(service) => service,
        Err(missing) => return missing.into(),
    };
    let spec = service.spec.unwrap_or_default();
    let ips = spec.cluster_ips.iter().flatten();
    let mut ports = spec.ports.iter().flatten();
    let facts = KubernetesService {
        cluster_ips: ips.filter_map(|ip| ip.parse().ok()).collect(),
        port: ports.find_map(|port| u16::try_from(port.port).ok()).unwrap_or(HTTPS),
        slices: match slices {
            Ok(slices) => {
                known(slices.iter().map(slice).collect(), "EndpointSlices of default/kubernetes")
            }
            Err(missing) => missing.into(),
        },
        certified: Fact::Absent { reason: "it was not looked at".to_owned() },
    };
    known(facts, "Service default/kubernetes")
}

/// Looks which of the Service's ClusterIPs the API server's certificate is valid for.
pub(super) async fn certified(
    cluster: &Cluster,
    mut service: Fact<KubernetesService>,
) -> Fact<KubernetesService> {
    if let Fact::Known { value, .. } = &mut service {
        let mut valid = Vec::new();
        for &ip in &value.cluster_ips {
            match cluster.certifies(ip).await {
                Ok(true) => valid.push(ip),
                Ok(false) => {}
                Err(reason) => {
                    value.certified = Fact::Absent { reason };
                    return service;
                }
            }
        }
        value.certified = known(valid, "the API server's certificate");
    }
    service
}

fn slice(slice: &EndpointSlice) -> ServiceSlice {
    let addresses = slice.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
    ServiceSlice {
        name: slice.name_any(),
        family: IpFamily::ALL.into_iter().find(|family| family.as_str() == slice.address_type),
        endpoints: addresses.filter_map(|address| address.parse().ok()).collect(),
    }
}

fn known<T>(value: T, source: &str) -> Fact<T> {
    Fact::Known { value, source: source.to_owned() }
}

/// The ServiceCIDRs.
pub(super) fn service_cidrs(raw: &Raw) -> Fact<Vec<ServiceCidr>> {
    match &raw.service_cidrs {
        Ok(cidrs) => known(cidrs.clone(), "ServiceCIDRs"),
        Err(missing) => missing.clone().into(),
    }
}

/// What the pods have.
pub(super) fn pods(fetched: Fetched<(Vec<ListedPod>, bool)>) -> Fact<Pods> {
    match fetched {
        Ok((pods, more)) => known(of_pods(&pods, more), "Pods of all namespaces"),
        Err(missing) => missing.into(),
    }
}

/// A Service's ClusterIPs; none for a headless one.
fn cluster_ips(service: &ListedService) -> impl Iterator<Item = IpAddr> {
    service.spec.cluster_ips.iter().filter_map(|ip| ip.parse().ok())
}

fn of_services(services: &[ListedService]) -> Services {
    let mut facts = Services::default();
    for service in services {
        let ips: Vec<IpAddr> = cluster_ips(service).collect();
        for &ip in &ips {
            *facts.cluster_ips.entry(IpFamily::of(ip)).or_default() += 1;
        }
        if ips.is_empty() {
            continue;
        }
        let policy = service.spec.ip_family_policy.as_deref();
        if matches!(policy, Some("PreferDualStack" | "RequireDualStack")) && ips.len() == 1 {
            facts.half_dual.add(service.metadata.full_name());
        }
        if service.spec.ip_families.is_empty() {
            facts.without_families.add(service.metadata.full_name());
        }
    }
    facts
}

/// The ClusterIPs without an IPAddress of their Service, each with that.
fn unreserved(
    services: &[ListedService],
    addresses: &[ListedAddress],
) -> BTreeSet<(IpAddr, String)> {
    let reserved: BTreeMap<IpAddr, String> = addresses
        .iter()
        .filter_map(|address| {
            let parent = address.spec.parent_ref.as_ref()?;
            Some((address.metadata.name.parse().ok()?, parent.full_name()))
        })
        .collect();
    services
        .iter()
        .flat_map(|service| cluster_ips(service).map(|ip| (ip, service.metadata.full_name())))
        .filter(|(ip, service)| reserved.get(ip) != Some(service))
        .collect()
}

fn samples(missing: BTreeSet<(IpAddr, String)>) -> Unreserved {
    let mut samples = Unreserved::new();
    for (ip, service) in missing {
        samples.entry(IpFamily::of(ip)).or_default().add(format!("{ip} of {service}"));
    }
    samples
}

fn of_pods(pods: &[ListedPod], more: bool) -> Pods {
    let mut single_stack: BTreeMap<IpFamily, Sample> = BTreeMap::new();
    let mut seen = 0;
    for pod in pods {
        let ips = pod.status.pod_ips.iter().filter_map(|ip| ip.ip.parse().ok());
        let families: BTreeSet<IpFamily> = ips.map(IpFamily::of).collect();
        if pod.spec.host_network || families.is_empty() {
            continue;
        }
        seen += 1;
        if let (1, Some(&family)) = (families.len(), families.first()) {
            single_stack.entry(family).or_default().add(pod.metadata.full_name());
        }
    }
    Pods { seen, more, single_stack }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn service(name: &str, spec: Value) -> ListedService {
        from_value(json!({"metadata": {"namespace": "shop", "name": name}, "spec": spec})).unwrap()
    }

    fn address(ip: &str, service: &str) -> ListedAddress {
        from_value(json!({"metadata": {"name": ip}, "spec": {"parentRef": {
            "resource": "services", "namespace": "shop", "name": service,
        }}}))
        .unwrap()
    }

    #[test]
    fn services_that_were_left_half_converted_are_counted() {
        let facts = of_services(&[
            service(
                "whole",
                json!({"clusterIPs": ["10.96.0.1", "fd00:96::1"],
                "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}),
            ),
            service(
                "half",
                json!({"clusterIPs": ["10.96.0.2"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "PreferDualStack"}),
            ),
            service(
                "single",
                json!({"clusterIPs": ["10.96.0.3"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack"}),
            ),
            service("old", json!({"clusterIPs": ["10.96.0.4"], "ipFamilies": []})),
            service(
                "headless",
                json!({"clusterIPs": ["None"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "PreferDualStack"}),
            ),
            service("elsewhere", json!({"type": "ExternalName", "externalName": "a.example"})),
        ]);
        assert_eq!(facts.half_dual, Sample { count: 1, first: vec!["shop/half".to_owned()] });
        assert_eq!(facts.without_families, Sample { count: 1, first: vec!["shop/old".to_owned()] });
        assert_eq!(facts.cluster_ips, BTreeMap::from([(IpFamily::V4, 4), (IpFamily::V6, 1)]));
    }

    #[test]
    fn a_cluster_ip_is_reserved_by_an_ip_address_of_its_own_service() {
        let services = [
            service("a", json!({"clusterIPs": ["10.96.0.1", "fd00:96:0::1"]})),
            service("b", json!({"clusterIPs": ["10.96.0.2"]})),
            service("headless", json!({"clusterIPs": ["None"]})),
        ];
        let reserved = |more: Option<ListedAddress>| {
            let addresses = [address("10.96.0.1", "a"), address("fd00:96::1", "a")];
            let addresses: Vec<_> = addresses.into_iter().chain(more).collect();
            unreserved(&services, &addresses)
        };
        assert!(reserved(Some(address("10.96.0.2", "b"))).is_empty());
        for foreign in [None, Some(address("10.96.0.2", "a"))] {
            let missing = reserved(foreign);
            let samples = samples(missing);
            assert_eq!(samples[&IpFamily::V4].first, ["10.96.0.2 of shop/b"]);
            assert_eq!(samples.len(), 1);
        }
    }

    #[test]
    fn the_api_servers_own_service_is_read_with_its_slices() {
        let service: Service = from_value(json!({"spec": {
            "clusterIPs": ["10.96.0.1"], "ports": [{"port": 6443, "name": "https"}],
        }}))
        .unwrap();
        let slices: Vec<EndpointSlice> = vec![
            from_value(json!({
                "metadata": {"name": "kubernetes"},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["192.0.2.1"]}, {"addresses": ["192.0.2.2"]}],
            }))
            .unwrap(),
        ];
        let fact = kubernetes_service(Ok(service.clone()), Ok(slices));
        let known = fact.known().unwrap();
        assert_eq!((known.port, known.families().collect()), (6443, vec![IpFamily::V4]));
        let slice = &known.slices.known().unwrap()[0];
        assert_eq!((slice.family, slice.endpoints.len()), (Some(IpFamily::V4), 2));
        let forbidden = Missing::Forbidden("list endpointslices".to_owned());
        let fact = kubernetes_service(Ok(service), Err(forbidden.clone()));
        assert!(fact.known().unwrap().slices.why_unknown().is_some());
        assert!(matches!(kubernetes_service(Err(forbidden), Ok(vec![])), Fact::Forbidden { .. }));
    }

    #[test]
    fn pods_of_one_family_are_counted_unless_they_are_in_their_nodes_network() {
        let pod = |name: &str, host: bool, ips: &[&str]| -> ListedPod {
            let ips: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip})).collect();
            from_value(json!({
                "metadata": {"namespace": "shop", "name": name},
                "spec": {"hostNetwork": host, "containers": []},
                "status": {"podIPs": ips},
            }))
            .unwrap()
        };
        let pods = [
            pod("both", false, &["10.244.0.1", "fd00:244::1"]),
            pod("old", false, &["10.244.0.2"]),
            pod("host", true, &["192.0.2.1"]),
            pod("new", false, &[]),
        ];
        let facts = of_pods(&pods, false);
        assert_eq!(facts.seen, 2);
        assert_eq!(facts.single_stack.len(), 1);
        assert_eq!(facts.single_stack[&IpFamily::V4].first, ["shop/old"]);
    }

    #[test]
    fn a_sample_names_a_few_and_counts_all() {
        let mut sample = Sample::default();
        (0..20).for_each(|i| sample.add(i.to_string()));
        assert_eq!((sample.count, sample.first.len()), (20, 5));
    }
}
