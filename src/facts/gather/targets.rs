//! The Services that the operator named, and their endpoints.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::api::{
    core::v1::Service,
    discovery::v1::{EndpointPort, EndpointSlice},
};

use super::fetch::{Fetch, Fetched};
use crate::{
    cluster::ClusterError,
    facts::{Fact, Target, TargetEndpoint, TargetName, TargetPort, TargetService},
    net::IpFamily,
};

/// What Kubernetes takes a port's protocol for that names none.
const TCP: &str = "TCP";

/// Reads one of them.
pub(super) async fn target(fetch: &Fetch<'_>, name: &TargetName) -> Result<Target, ClusterError> {
    let (service, slices) = tokio::try_join!(
        fetch.service(&name.namespace, &name.name),
        fetch.endpoint_slices(&name.namespace, &name.name),
    )?;
    Ok(read(name, service, slices))
}

fn read(
    name: &TargetName,
    service: Fetched<Service>,
    slices: Fetched<Vec<EndpointSlice>>,
) -> Target {
    let service = match service {
        Ok(service) => known(of_service(service), format!("Service {name}")),
        Err(missing) => missing.into(),
    };
    let endpoints = match slices {
        Ok(slices) => known(of_slices(&slices), format!("EndpointSlices of {name}")),
        Err(missing) => missing.into(),
    };
    Target { name: name.clone(), service, endpoints }
}

const fn known<T>(value: T, source: String) -> Fact<T> {
    Fact::Known { value, source }
}

fn of_service(service: Service) -> TargetService {
    let spec = service.spec.unwrap_or_default();
    let kind = spec.type_.unwrap_or_else(|| "ClusterIP".to_owned());
    let ips = spec.cluster_ips.unwrap_or_default();
    let families = spec.ip_families.unwrap_or_default();
    let ports = spec.ports.unwrap_or_default();
    TargetService {
        cluster_ips: ips.iter().filter_map(|ip| ip.parse().ok()).collect(),
        families: families.iter().filter_map(|family| family_of(family)).collect(),
        policy: spec.ip_family_policy.unwrap_or_default(),
        external_name: spec.external_name.filter(|_| kind == "ExternalName"),
        has_selector: spec.selector.is_some_and(|selector| !selector.is_empty()),
        ports: ports
            .iter()
            .filter_map(|port| numbered(Some(port.port), port.protocol.as_deref()))
            .collect(),
        kind,
    }
}

fn family_of(text: &str) -> Option<IpFamily> {
    IpFamily::ALL.into_iter().find(|family| family.as_str() == text)
}

fn numbered(number: Option<i32>, protocol: Option<&str>) -> Option<TargetPort> {
    let number = number.and_then(|number| u16::try_from(number).ok()).filter(|it| *it != 0)?;
    Some(TargetPort { number, protocol: protocol.unwrap_or(TCP).to_owned() })
}

/// The endpoints by address: one may be in several slices, with other ports in each.
fn of_slices(slices: &[EndpointSlice]) -> Vec<TargetEndpoint> {
    let mut by_address: BTreeMap<IpAddr, TargetEndpoint> = BTreeMap::new();
    for slice in slices.iter().filter(|slice| family_of(&slice.address_type).is_some()) {
        let of_slice = slice.ports.iter().flatten();
        let of_slice: Vec<TargetPort> = of_slice
            .filter_map(|EndpointPort { port, protocol, .. }| numbered(*port, protocol.as_deref()))
            .collect();
        for endpoint in &slice.endpoints {
            let ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready);
            let pod = endpoint.target_ref.as_ref();
            let pod = pod.filter(|it| it.kind.as_deref() == Some("Pod"));
            for address in endpoint.addresses.iter().filter_map(|address| address.parse().ok()) {
                let known = by_address.entry(address).or_insert_with(|| TargetEndpoint {
                    address,
                    ready: false,
                    pod: pod.and_then(|pod| pod.name.clone()),
                    node: endpoint.node_name.clone(),
                    ports: Vec::new(),
                });
                // Unknown is to be taken for ready.
                known.ready |= ready.unwrap_or(true);
                known.ports.extend(of_slice.iter().cloned());
                known.ports.sort();
                known.ports.dedup();
            }
        }
    }
    by_address.into_values().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::gather::fetch::Missing;

    fn object<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn name() -> TargetName {
        "team/web".parse().unwrap()
    }

    fn service(spec: serde_json::Value) -> TargetService {
        of_service(object(json!({"spec": spec})))
    }

    #[test]
    fn a_service_is_read_with_what_it_asked_for_and_what_it_got() {
        let web = service(json!({
            "type": "NodePort",
            "clusterIP": "10.96.0.7",
            "clusterIPs": ["10.96.0.7", "fd00::7"],
            "ipFamilies": ["IPv4", "IPv6"],
            "ipFamilyPolicy": "PreferDualStack",
            "selector": {"app": "web"},
            "ports": [{"port": 80, "targetPort": "http"}, {"port": 53, "protocol": "UDP"}],
        }));
        assert_eq!(web.cluster_ip(IpFamily::V6), Some("fd00::7".parse().unwrap()));
        assert_eq!(web.families, IpFamily::ALL);
        assert!(web.has_selector && !web.is_headless() && !web.is_external());
        let ports: Vec<String> = web.ports.iter().map(ToString::to_string).collect();
        assert_eq!(ports, ["80", "53 UDP"]);
    }

    #[test]
    fn headless_and_external_services_have_no_addresses() {
        let headless = service(json!({"clusterIP": "None", "clusterIPs": ["None"]}));
        assert!(headless.is_headless() && !headless.is_external());
        let external = service(json!({"type": "ExternalName", "externalName": "db.example"}));
        assert!(external.is_external() && !external.is_headless());
    }

    #[test]
    fn endpoints_are_put_together_from_all_slices() {
        let slice = |port: u16, ready: serde_json::Value| {
            object::<EndpointSlice>(json!({
                "metadata": {"name": "web-x"},
                "addressType": "IPv6",
                "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
                "endpoints": [{
                    "addresses": ["fd00::8"],
                    "conditions": {"ready": ready},
                    "nodeName": "n2",
                    "targetRef": {"kind": "Pod", "name": "web-1"},
                }],
            }))
        };
        let endpoints = of_slices(&[slice(8443, json!(false)), slice(8080, json!(null))]);
        let [endpoint] = endpoints.as_slice() else { panic!("{endpoints:?}") };
        assert!(endpoint.ready, "unknown is ready");
        assert_eq!(
            (endpoint.pod.as_deref(), endpoint.node.as_deref()),
            (Some("web-1"), Some("n2"))
        );
        let ports: Vec<u16> = endpoint.ports.iter().map(|port| port.number).collect();
        assert_eq!(ports, [8080, 8443]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let absent = Missing::Absent("Service team/web not found".to_owned());
        let target = read(&name(), Err(absent), Ok(Vec::new()));
        assert_eq!(target.service.why_unknown(), Some("Service team/web not found"));
        assert_eq!(target.endpoints.known(), Some(&Vec::new()));
    }
}
