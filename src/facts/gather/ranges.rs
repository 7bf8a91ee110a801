//! Pod and Service ranges, from every place that states them.

use ipnet::IpNet;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::{
    config::{self, ClusterConfiguration},
    fetch::{Fetched, Missing},
    flags,
    raw::Raw,
};
use crate::facts::{Fact, Node, source::KUBE_SYSTEM};

/// Everything that states pod ranges, but for the pod network's own objects.
pub(super) fn pod_ranges(raw: &Raw, nodes: &[Node]) -> Vec<Fact<Vec<IpNet>>> {
    let mut facts = vec![kubeadm(raw, "podSubnet", |config| config.networking.pod_subnet)];
    facts.extend(flag(&raw.components, "kube-controller-manager", "--cluster-cidr"));
    facts.push(kube_proxy(raw));
    facts.push(of_nodes(nodes));
    facts
}

/// Everything that states Service ranges.
pub(super) fn service_ranges(raw: &Raw) -> Vec<Fact<Vec<IpNet>>> {
    let mut facts = match &raw.service_cidrs {
        Ok(all) if all.is_empty() => {
            vec![Fact::Absent { reason: "no ServiceCIDR found".to_owned() }]
        }
        Ok(all) => all
            .iter()
            .map(|cidr| {
                known(cidr.cidrs.iter().map(String::as_str), format!("ServiceCIDR {}", cidr.name))
            })
            .collect(),
        Err(missing) => vec![missing.clone().into()],
    };
    facts.push(kubeadm(raw, "serviceSubnet", |config| config.networking.service_subnet));
    facts.extend(flag(&raw.components, "kube-apiserver", "--service-cluster-ip-range"));
    facts.extend(flag(&raw.components, "kube-controller-manager", "--service-cluster-ip-range"));
    facts
}

/// Ranges from their notation, separated by commas.
pub(super) fn ranges(text: &str, source: String) -> Fact<Vec<IpNet>> {
    known(text.split(','), source)
}

/// Ranges from their notations; without any, or with one that is none, the fact is absent.
fn known<'a>(texts: impl Iterator<Item = &'a str>, source: String) -> Fact<Vec<IpNet>> {
    let texts: Vec<_> = texts.map(str::trim).filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return Fact::Absent { reason: format!("{source} is empty") };
    }
    let value: Result<Vec<IpNet>, _> =
        texts.iter().map(|text| text.parse().map_err(|_| text)).collect();
    match value {
        Ok(value) => Fact::Known { value, source },
        Err(text) => Fact::Absent { reason: format!("invalid range \"{text}\" in {source}") },
    }
}

fn kubeadm(
    raw: &Raw,
    field: &str,
    pick: impl FnOnce(ClusterConfiguration) -> String,
) -> Fact<Vec<IpNet>> {
    let map = match &raw.kubeadm {
        Ok(map) => map,
        Err(missing) => return missing.clone().into(),
    };
    match config::parsed(map, "ClusterConfiguration") {
        Ok(config) => {
            ranges(&pick(config), format!("networking.{field} of {}", config::source(map)))
        }
        Err(missing) => missing.into(),
    }
}

fn kube_proxy(raw: &Raw) -> Fact<Vec<IpNet>> {
    match super::kube_proxy::configuration(raw) {
        Ok((config, source)) => ranges(&config.cluster_cidr, format!("clusterCIDR of {source}")),
        Err(missing) => missing.into(),
    }
}

/// A flag of a component: once where its pods agree, else once for each value.
fn flag(pods: &Fetched<Vec<Pod>>, component: &str, name: &str) -> Vec<Fact<Vec<IpNet>>> {
    let pods = match pods {
        Ok(pods) => pods,
        Err(missing) => return vec![missing.clone().into()],
    };
    let mut seen: Vec<(&str, &Pod)> = Vec::new();
    for pod in flags::of_component(pods, component) {
        let value = flags::flag(pod, name).unwrap_or_default();
        if seen.iter().all(|(known, _)| *known != value) {
            seen.push((value, pod));
        }
    }
    if seen.is_empty() {
        let reason = format!("no Pod with label component={component} in {KUBE_SYSTEM}");
        return vec![Missing::Absent(reason).into()];
    }
    let source = |pod: &Pod| format!("{name} of Pod {KUBE_SYSTEM}/{}", pod.name_any());
    seen.into_iter().map(|(value, pod)| ranges(value, source(pod))).collect()
}

/// What the nodes' podCIDRs come to together. A range that can't be read is a finding about its
/// node, and left out here.
fn of_nodes(nodes: &[Node]) -> Fact<Vec<IpNet>> {
    let each: Vec<IpNet> = nodes
        .iter()
        .flat_map(|node| &node.pod_cidrs)
        .filter_map(|range| range.parse().ok())
        .collect();
    if each.is_empty() {
        return Fact::Absent { reason: "no node has spec.podCIDRs".to_owned() };
    }
    let source = "spec.podCIDRs of the nodes, taken together".to_owned();
    Fact::Known { value: IpNet::aggregate(&each), source }
}

#[cfg(test)]
mod tests {
    use super::{super::example::*, *};
    use crate::facts::ServiceCidr;

    /// A fact in one line: `?` for absent, `!` for forbidden.
    fn line(fact: &Fact<Vec<IpNet>>) -> String {
        match fact {
            Fact::Known { value, source } => {
                let value: Vec<_> = value.iter().map(ToString::to_string).collect();
                format!("{} <- {source}", value.join(" "))
            }
            Fact::Absent { reason } => format!("? {reason}"),
            Fact::Forbidden { reason } => format!("! {reason}"),
        }
    }

    #[test]
    fn an_invalid_range_is_reported_and_not_guessed() {
        let config = "networking: {podSubnet: '10.244.0.0/16,fd00::', serviceSubnet: ''}";
        let raw = Raw {
            kubeadm: Ok(config_map("kubeadm-config", &[("ClusterConfiguration", config)])),
            ..Raw::nothing()
        };
        let source = "of ConfigMap kube-system/kubeadm-config";
        assert_eq!(
            line(&pod_ranges(&raw, &[])[0]),
            format!("? invalid range \"fd00::\" in networking.podSubnet {source}")
        );
        assert_eq!(
            line(&service_ranges(&raw)[1]),
            format!("? networking.serviceSubnet {source} is empty")
        );
    }

    #[test]
    fn a_file_that_can_not_be_read_leaves_the_fact_absent() {
        for (data, reason) in [
            (
                ("ClusterConfiguration", "networking: ["),
                "? cannot parse ClusterConfiguration of ConfigMap kube-system/kubeadm-config: ",
            ),
            (
                ("Other", ""),
                "? ConfigMap kube-system/kubeadm-config has no key ClusterConfiguration",
            ),
        ] {
            let raw = Raw { kubeadm: Ok(config_map("kubeadm-config", &[data])), ..Raw::nothing() };
            let line = line(&pod_ranges(&raw, &[])[0]);
            assert!(line.starts_with(reason), "{line}");
        }
    }

    #[test]
    fn control_planes_that_agree_state_a_range_once_and_others_once_each() {
        let servers = |ranges: [&str; 3]| {
            let pods = ranges.iter().zip(["n1", "n2", "n3"]).map(|(range, node)| {
                let flag = format!("--service-cluster-ip-range={range}");
                component("kube-apiserver", node, &["kube-apiserver", &flag])
            });
            let raw = Raw { components: Ok(pods.collect()), ..Raw::nothing() };
            service_ranges(&raw).iter().skip(2).map(line).collect::<Vec<_>>()
        };
        let flag = "--service-cluster-ip-range of Pod kube-system/kube-apiserver";
        let manager = "? no Pod with label component=kube-controller-manager in kube-system";
        assert_eq!(
            servers(["10.96.0.0/16"; 3]),
            [format!("10.96.0.0/16 <- {flag}-n1"), manager.to_owned()]
        );
        assert_eq!(
            servers(["10.96.0.0/16", "10.96.0.0/16,fd00:96::/112", "10.96.0.0/16"]),
            [
                format!("10.96.0.0/16 <- {flag}-n1"),
                format!("10.96.0.0/16 fd00:96::/112 <- {flag}-n2"),
                manager.to_owned(),
            ]
        );
    }

    #[test]
    fn each_service_cidr_is_a_source_of_its_own() {
        let cidr = |name: &str, cidrs: &[&str]| ServiceCidr {
            name: name.to_owned(),
            cidrs: cidrs.iter().map(|&range| range.to_owned()).collect(),
            ready: true,
            message: String::new(),
        };
        let all = vec![cidr("kubernetes", &["10.96.0.0/24"]), cidr("more", &["10.97.0.0/16"])];
        let raw = Raw { service_cidrs: Ok(all), ..Raw::nothing() };
        assert_eq!(line(&service_ranges(&raw)[0]), "10.96.0.0/24 <- ServiceCIDR kubernetes");
        assert_eq!(line(&service_ranges(&raw)[1]), "10.97.0.0/16 <- ServiceCIDR more");
        let raw = Raw { service_cidrs: Ok(Vec::new()), ..Raw::nothing() };
        assert_eq!(line(&service_ranges(&raw)[0]), "? no ServiceCIDR found");
    }

    #[test]
    fn the_nodes_ranges_are_taken_together_without_those_that_are_none() {
        let node = |cidrs: &[&str]| {
            let json = serde_json::json!({"metadata": {"name": "n"}, "spec": {"podCIDRs": cidrs}});
            super::super::nodes::node(serde_json::from_value(json).unwrap())
        };
        let nodes = [node(&["10.244.0.0/24", "fd00::/64"]), node(&["10.244.1.0/24", "nonsense"])];
        assert_eq!(
            line(&of_nodes(&nodes)),
            "10.244.0.0/23 fd00::/64 <- spec.podCIDRs of the nodes, taken together"
        );
        assert_eq!(line(&of_nodes(&[node(&[])])), "? no node has spec.podCIDRs");
    }
}
