//! Which pod network it is, by its DaemonSet or by what it leaves on the nodes; and the pod ranges
//! that some keep in objects of their own.

use ipnet::IpNet;
use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::ConfigMap};
use kube::{ResourceExt, core::DynamicObject};
use serde::Deserialize;

use super::{
    config,
    daemon_sets::{has_pods, image_tag},
    fetch::{Fetch, Fetched, Missing},
    ranges,
};
use crate::{
    cluster::ClusterError,
    facts::{Cni, Fact, Node, source::KUBE_SYSTEM},
};

/// A pod network and the DaemonSet by which it is known. Those that hand out the addresses come
/// before those that may merely enforce policies beside them.
const DAEMON_SETS: [(&str, &str); 15] = [
    ("aws-vpc-cni", "aws-node"),
    ("azure-cni", "azure-cns"),
    ("gke", "netd"),
    ("gke-dataplane-v2", "anetd"),
    ("canal", "canal"),
    ("canal", "rke2-canal"),
    ("cilium", "cilium"),
    ("calico", "calico-node"),
    ("flannel", "kube-flannel-ds"),
    ("flannel", "kube-flannel"),
    ("kindnet", "kindnet"),
    ("antrea", "antrea-agent"),
    ("kube-router", "kube-router"),
    ("ovn-kubernetes", "ovnkube-node"),
    ("weave", "weave-net"),
];

/// A pod network and the beginning of the annotations it leaves on nodes: the only sign of one
/// that isn't run as a DaemonSet (k3s has flannel built in), or where we may not list them.
const ANNOTATIONS: [(&str, &str); 7] = [
    ("cilium", "network.cilium.io/"),
    ("calico", "projectcalico.org/"),
    ("flannel", "flannel.alpha.coreos.com/"),
    ("antrea", "node.antrea.io/"),
    ("kube-router", "kube-router.io/"),
    ("ovn-kubernetes", "k8s.ovn.org/"),
    ("weave", "weave.works/"),
];

/// Which pod network it is.
pub(super) fn cni(sets: &Fetched<Vec<DaemonSet>>, nodes: &[Node]) -> Fact<Cni> {
    let by_set = sets.as_ref().ok().and_then(|sets| {
        DAEMON_SETS.iter().find_map(|(cni, name)| {
            let set = sets.iter().find(|set| set.name_any() == *name && has_pods(set))?;
            Some((*cni, set))
        })
    });
    if let Some((name, set)) = by_set {
        let source =
            format!("DaemonSet {}/{}", set.namespace().unwrap_or_default(), set.name_any());
        return Fact::Known {
            value: Cni { name: name.to_owned(), version: image_tag(set) },
            source,
        };
    }
    for (name, start) in ANNOTATIONS {
        let marked = nodes.iter().find_map(|node| {
            let key = node.network_annotations.keys().find(|key| key.starts_with(start))?;
            Some((node, key))
        });
        if let Some((node, key)) = marked {
            let source = format!("annotation {key} of Node {}", node.name);
            return Fact::Known { value: Cni { name: name.to_owned(), version: None }, source };
        }
    }
    match sets {
        Ok(_) => Fact::Absent {
            reason: "no known CNI: none has a DaemonSet or node annotations".to_owned(),
        },
        Err(missing) => missing.clone().into(),
    }
}

/// The pod ranges that the pod network keeps to itself, and Cilium's configuration.
pub(super) async fn pod_ranges(
    fetch: &Fetch<'_>,
    cni: &Fact<Cni>,
) -> Result<(Vec<Fact<Vec<IpNet>>>, Option<Fetched<ConfigMap>>), ClusterError> {
    let Fact::Known { value, source } = cni else { return Ok((Vec::new(), None)) };
    // It is configured where it runs: `DaemonSet namespace/name`.
    let namespace = source
        .strip_prefix("DaemonSet ")
        .and_then(|set| set.split_once('/'))
        .map_or(KUBE_SYSTEM, |(namespace, _)| namespace);
    match value.name.as_str() {
        "calico" | "canal" => Ok((calico(fetch).await?, None)),
        "flannel" => {
            let map = fetch.config_map(namespace, "kube-flannel-cfg").await?;
            // Built into k3s it has none, and uses the nodes' podCIDRs.
            let fact = match map {
                Err(Missing::Absent(_)) => return Ok((Vec::new(), None)),
                Err(missing) => missing.into(),
                Ok(map) => flannel(&map),
            };
            Ok((vec![fact], None))
        }
        "cilium" => {
            let map = fetch.config_map(namespace, "cilium-config").await?;
            let ranges = map.as_ref().ok().and_then(cilium).into_iter().collect();
            Ok((ranges, Some(map)))
        }
        _ => Ok((Vec::new(), None)),
    }
}

async fn calico(fetch: &Fetch<'_>) -> Result<Vec<Fact<Vec<IpNet>>>, ClusterError> {
    Ok(match fetch.ip_pools().await? {
        Ok(pools) => of_pools(&pools),
        Err(missing) => vec![missing.into()],
    })
}

/// The ranges of the pools that are in use.
fn of_pools(pools: &[DynamicObject]) -> Vec<Fact<Vec<IpNet>>> {
    let enabled = pools.iter().filter(|pool| pool.data["spec"]["disabled"] != true);
    enabled
        .map(|pool| {
            let cidr = pool.data["spec"]["cidr"].as_str().unwrap_or_default();
            ranges::ranges(cidr, format!("IPPool {}", pool.name_any()))
        })
        .collect()
}

/// flannel's net-conf.json.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NetConf {
    network: String,
    #[serde(rename = "IPv6Network")]
    ipv6_network: String,
}

fn flannel(map: &ConfigMap) -> Fact<Vec<IpNet>> {
    match config::parsed::<NetConf>(map, "net-conf.json") {
        Ok(conf) => {
            let text = format!("{},{}", conf.network, conf.ipv6_network);
            ranges::ranges(&text, format!("net-conf.json in {}", config::source(map)))
        }
        Err(missing) => missing.into(),
    }
}

/// Cilium's own ranges, where it doesn't use the nodes' podCIDRs.
fn cilium(map: &ConfigMap) -> Option<Fact<Vec<IpNet>>> {
    if config::value(map, "ipam") != Ok("cluster-pool") {
        return None;
    }
    let pool = |family: &str| {
        let on = config::value(map, &format!("enable-ipv{family}")) != Ok("false");
        let pool = config::value(map, &format!("cluster-pool-ipv{family}-cidr"));
        // Several ranges are separated by spaces.
        if on { pool.unwrap_or_default().replace(' ', ",") } else { String::new() }
    };
    let source = format!("cluster-pool-ipv4-cidr and -ipv6-cidr in {}", config::source(map));
    Some(ranges::ranges(&format!("{},{}", pool("4"), pool("6")), source))
}

#[cfg(test)]
mod tests {
    use super::{super::example::*, *};

    fn known(sets: &[DaemonSet], nodes: &[Node]) -> Option<(String, Option<String>, String)> {
        match cni(&Ok(sets.to_vec()), nodes) {
            Fact::Known { value, source } => Some((value.name, value.version, source)),
            _ => None,
        }
    }

    fn annotated(key: &str) -> Node {
        let json = serde_json::json!({"metadata": {"name": "n1", "annotations": {key: "x"}}});
        super::super::nodes::node(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn the_one_that_hands_out_addresses_counts_before_one_that_guards() {
        let sets = [
            daemon_set("calico-node", "docker.io/calico/node:v3.30.1", 3, &[]),
            daemon_set("aws-node", "x.dkr.ecr.example/amazon-k8s-cni:v1.20.0", 3, &[]),
        ];
        let (name, version, source) = known(&sets, &[]).unwrap();
        assert_eq!((name.as_str(), version.as_deref()), ("aws-vpc-cni", Some("v1.20.0")));
        assert_eq!(source, "DaemonSet kube-system/aws-node");
        assert_eq!(known(&sets[..1], &[]).unwrap().0, "calico");
    }

    #[test]
    fn one_that_is_switched_off_does_not_count() {
        let sets = [
            daemon_set("aws-node", "amazon-k8s-cni", 0, &[]),
            daemon_set("cilium", "quay.io/cilium/cilium:v1.18.1@sha256:00", 3, &[]),
        ];
        let (name, version, _) = known(&sets, &[]).unwrap();
        assert_eq!((name.as_str(), version.as_deref()), ("cilium", Some("v1.18.1")));
    }

    #[test]
    fn an_image_may_have_no_tag_and_its_registry_a_port() {
        let set = daemon_set("kindnet", "localhost:5000/kindnetd", 1, &[]);
        assert_eq!(known(&[set], &[]).unwrap().1, None);
    }

    #[test]
    fn one_that_is_built_in_is_known_by_the_nodes() {
        let key = "flannel.alpha.coreos.com/backend-type";
        let (name, version, source) = known(&[], &[annotated(key)]).unwrap();
        assert_eq!((name.as_str(), version), ("flannel", None));
        assert_eq!(source, format!("annotation {key} of Node n1"));
    }

    #[test]
    fn one_that_nobody_knows_is_absent_and_one_that_we_may_not_see_forbidden() {
        let nodes = [annotated("example.org/x")];
        assert!(matches!(cni(&Ok(Vec::new()), &nodes), Fact::Absent { .. }));
        let hidden = Err(Missing::Forbidden("list daemonsets.apps".into()));
        let forbidden = Fact::Forbidden { reason: "list daemonsets.apps".into() };
        assert_eq!(cni(&hidden, &nodes), forbidden);
    }

    #[test]
    fn ciliums_ranges_are_those_of_the_families_it_has_on() {
        let config = |ipam: &str, ipv6: &str| {
            let data = [
                ("ipam", ipam),
                ("enable-ipv6", ipv6),
                ("cluster-pool-ipv4-cidr", "10.0.0.0/16 10.1.0.0/16"),
                ("cluster-pool-ipv6-cidr", "fd00::/104"),
            ];
            cilium(&config_map("cilium-config", &data))
        };
        let count = |fact: Option<Fact<Vec<IpNet>>>| fact.unwrap().known().unwrap().len();
        assert_eq!(count(config("cluster-pool", "true")), 3);
        assert_eq!(count(config("cluster-pool", "false")), 2);
        assert_eq!(config("kubernetes", "true"), None);
    }

    #[test]
    fn calicos_pools_count_unless_they_are_off() {
        let pool = |name: &str, spec: serde_json::Value| -> DynamicObject {
            let json = serde_json::json!({"apiVersion": "crd.projectcalico.org/v1",
                "kind": "IPPool", "metadata": {"name": name}, "spec": spec});
            serde_json::from_value(json).unwrap()
        };
        let facts = of_pools(&[
            pool("v4", serde_json::json!({"cidr": "192.168.0.0/16", "disabled": true})),
            pool("v6", serde_json::json!({"cidr": "fd00::/48"})),
        ]);
        let source = "IPPool v6".to_owned();
        assert_eq!(facts, [Fact::Known { value: vec!["fd00::/48".parse().unwrap()], source }]);
    }
}
