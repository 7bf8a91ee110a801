//! kube-proxy: whether one runs, and how it is configured.

use ipnet::IpNet;
use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::ConfigMap};
use kube::ResourceExt;

use super::{
    config::{self, KubeProxyConfiguration},
    daemon_sets::has_pods,
    fetch::{Fetched, Missing},
    flags,
    raw::Raw,
};
use crate::facts::{Fact, KubeProxy, Node, source::KUBE_SYSTEM};

/// kube-proxy's configuration, and where it lies: a file in a ConfigMap (kubeadm's or Amazon's) or
/// flags.
pub(super) fn configuration(raw: &Raw) -> Fetched<(KubeProxyConfiguration, String)> {
    let from = |map: &ConfigMap, key: &str| -> Fetched<(KubeProxyConfiguration, String)> {
        Ok((config::parsed(map, key)?, format!("{key} in {}", config::source(map))))
    };
    match (&raw.kube_proxy, &raw.kube_proxy_eks) {
        (Ok(map), _) => from(map, "config.conf"),
        (_, Ok(map)) => from(map, "config"),
        (Err(Missing::Absent(reason)), _) => {
            from_flags(raw).ok_or_else(|| Missing::Absent(reason.clone()))
        }
        (Err(missing), _) => Err(missing.clone()),
    }
}

/// The configuration of a kube-proxy that is given flags instead of a file.
fn from_flags(raw: &Raw) -> Option<(KubeProxyConfiguration, String)> {
    let pod = raw
        .components
        .as_ref()
        .ok()
        .and_then(|pods| flags::of_component(pods, "kube-proxy").next())
        .map(|pod| (pod.spec.as_ref(), format!("the flags of Pod kube-system/{}", pod.name_any())));
    let set = raw.daemon_sets.as_ref().ok().and_then(|sets| running(sets)).map(|set| {
        let spec = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        (spec, format!("the flags of DaemonSet kube-system/{}", set.name_any()))
    });
    let (spec, source) = pod.or(set)?;
    let containers = &spec?.containers;
    let flag = |name: &str| {
        let words = containers
            .iter()
            .flat_map(|container| container.command.iter().chain(&container.args).flatten());
        flags::in_words(words, name).unwrap_or_default().to_owned()
    };
    if !flag("--config").is_empty() {
        return None;
    }
    let addresses = flag("--nodeport-addresses");
    let list = addresses.split(',').filter(|range| !range.is_empty()).map(str::to_owned).collect();
    let config = KubeProxyConfiguration {
        mode: flag("--proxy-mode"),
        cluster_cidr: flag("--cluster-cidr"),
        node_port_addresses: Some(list),
        detect_local_mode: flag("--detect-local-mode"),
        healthz_bind_address: flag("--healthz-bind-address"),
        // The flag may stand there without a value: it is taken for unknown.
        iptables: None,
        nftables: None,
    };
    Some((config, source))
}

/// The DaemonSet kube-proxy, where it has pods to run.
fn running(sets: &[DaemonSet]) -> Option<&DaemonSet> {
    sets.iter().find(|set| {
        set.namespace().as_deref() == Some(KUBE_SYSTEM)
            && set.name_any() == "kube-proxy"
            && has_pods(set)
    })
}

/// kube-proxy as a fact. `cilium` is Cilium's ConfigMap, where Cilium is the pod network: it may
/// stand in for kube-proxy.
pub(super) fn kube_proxy(raw: &Raw, cilium: Option<&Fetched<ConfigMap>>) -> Fact<KubeProxy> {
    let as_pod = raw
        .components
        .as_ref()
        .is_ok_and(|pods| flags::of_component(pods, "kube-proxy").next().is_some());
    let as_set = raw.daemon_sets.as_ref().map(|sets| running(sets).is_some());
    match (as_pod, as_set) {
        (false, Ok(false)) => Fact::Absent { reason: why_none(raw, cilium) },
        // Where we may not look for it, its configuration is the only sign of it.
        _ => match configuration(raw) {
            Ok((config, source)) => fact(config, source),
            Err(missing) => missing.into(),
        },
    }
}

/// The same fact on k3s, which has kube-proxy within its own process and no object that says so
/// (<https://docs.k3s.io/architecture>).
pub(super) fn said_of_k3s(fact: Fact<KubeProxy>, nodes: &[Node]) -> Fact<KubeProxy> {
    let is_k3s = nodes.iter().any(|node| node.kubelet_version.contains("+k3s"));
    match fact {
        Fact::Absent { .. } if is_k3s => Fact::Absent {
            reason:
                "k3s runs kube-proxy within its own process, whose configuration the cluster does \
                     not show"
                    .to_owned(),
        },
        other => other,
    }
}

fn why_none(raw: &Raw, cilium: Option<&Fetched<ConfigMap>>) -> String {
    let mut reason =
        "kube-proxy is not running: no DaemonSet or static pod in kube-system".to_owned();
    if raw.kube_proxy.is_ok() {
        reason.push_str(", although its ConfigMap exists");
    }
    if let Some(Ok(map)) = cilium
        && let Ok(replacement) = config::value(map, "kube-proxy-replacement")
        && !matches!(replacement, "false" | "disabled")
    {
        reason.push_str("; Cilium replaces it (kube-proxy-replacement in ");
        reason.push_str(&config::source(map));
        reason.push(')');
    }
    reason
}

fn fact(config: KubeProxyConfiguration, source: String) -> Fact<KubeProxy> {
    let cluster_cidrs: Result<Vec<IpNet>, _> = config
        .cluster_cidr
        .split(',')
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .map(|range| range.parse().map_err(|_| range.to_owned()))
        .collect();
    match cluster_cidrs {
        Ok(cluster_cidrs) => Fact::Known {
            value: KubeProxy {
                mode: config.mode,
                cluster_cidrs,
                node_port_addresses: config.node_port_addresses.unwrap_or_default(),
                localhost_node_ports: config
                    .iptables
                    .as_ref()
                    .and_then(|mode| mode.localhost_node_ports),
                masquerade_all: [config.iptables, config.nftables]
                    .into_iter()
                    .flatten()
                    .map(|mode| mode.masquerade_all)
                    .reduce(|one, other| one || other),
                detect_local_mode: config.detect_local_mode,
                healthz_bind_address: config.healthz_bind_address,
            },
            source,
        },
        Err(range) => {
            Missing::Absent(format!("invalid range \"{range}\" in clusterCIDR of {source}")).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::example::*, *};

    const CONFIG: &str = "kind: KubeProxyConfiguration\nmode: ipvs\n\
        clusterCIDR: 10.244.0.0/16,fd00:244::/56\nnodePortAddresses: \
        [10.0.0.0/8]\nhealthzBindAddress: 127.0.0.1:10256\n\
        iptables:\n  localhostNodePorts: false\n  masqueradeAll: false\n\
        nftables:\n  masqueradeAll: true\n";

    fn proxy(args: &[&str], pods: i32) -> DaemonSet {
        daemon_set("kube-proxy", "registry.k8s.io/kube-proxy:v1.36.3", pods, args)
    }

    fn forbidden<T>() -> Fetched<T> {
        Err(Missing::Forbidden("the permission".to_owned()))
    }

    #[test]
    fn kubeadms_is_read_from_its_config_map() {
        let raw = Raw {
            kube_proxy: Ok(config_map("kube-proxy", &[("config.conf", CONFIG)])),
            daemon_sets: Ok(vec![proxy(&["--config=/var/lib/kube-proxy/config.conf"], 3)]),
            ..Raw::nothing()
        };
        let expected = KubeProxy {
            mode: "ipvs".into(),
            cluster_cidrs: vec!["10.244.0.0/16".parse().unwrap(), "fd00:244::/56".parse().unwrap()],
            node_port_addresses: vec!["10.0.0.0/8".into()],
            masquerade_all: Some(true),
            localhost_node_ports: Some(false),
            detect_local_mode: String::new(),
            healthz_bind_address: "127.0.0.1:10256".into(),
        };
        assert_eq!(kube_proxy(&raw, None).known(), Some(&expected));
        // Where the DaemonSets may not be listed, the ConfigMap is sign enough.
        let raw = Raw { daemon_sets: forbidden(), ..raw };
        assert_eq!(kube_proxy(&raw, None).known(), Some(&expected));
    }

    #[test]
    fn amazons_config_map_has_another_name() {
        let raw = Raw {
            kube_proxy_eks: Ok(config_map("kube-proxy-config", &[("config", "mode: iptables")])),
            daemon_sets: Ok(vec![proxy(&[], 1)]),
            ..Raw::nothing()
        };
        assert_eq!(kube_proxy(&raw, None).known().unwrap().mode, "iptables");
    }

    #[test]
    fn one_that_is_a_static_pod_is_read_from_its_flags() {
        let flags = ["kube-proxy", "--proxy-mode=nftables", "--cluster-cidr", "10.42.0.0/16"];
        let raw = Raw {
            components: Ok(vec![component("kube-proxy", "n1", &flags)]),
            daemon_sets: Ok(Vec::new()),
            ..Raw::nothing()
        };
        let Fact::Known { value, source } = kube_proxy(&raw, None) else { panic!() };
        assert_eq!(source, "the flags of Pod kube-system/kube-proxy-n1");
        assert_eq!(value.mode, "nftables");
        assert_eq!(value.cluster_cidrs, ["10.42.0.0/16".parse().unwrap()]);
    }

    #[test]
    fn a_configuration_that_we_may_not_see_is_not_taken_for_the_defaults() {
        let raw = Raw {
            kube_proxy: forbidden(),
            daemon_sets: Ok(vec![proxy(&["--config=/var/lib/kube-proxy/config.conf"], 3)]),
            ..Raw::nothing()
        };
        let fact = kube_proxy(&raw, None);
        assert_eq!(fact, Fact::Forbidden { reason: "the permission".into() });
        // Nor one whose file lies where nobody looks.
        let raw = Raw { kube_proxy: Raw::nothing().kube_proxy, ..raw };
        assert!(matches!(kube_proxy(&raw, None), Fact::Absent { .. }));
    }

    #[test]
    fn cilium_in_its_place_is_said() {
        let raw = Raw {
            kube_proxy: Ok(config_map("kube-proxy", &[("config.conf", CONFIG)])),
            daemon_sets: Ok(vec![proxy(&[], 0)]),
            ..Raw::nothing()
        };
        let cilium = Ok(config_map("cilium-config", &[("kube-proxy-replacement", "true")]));
        assert_eq!(
            kube_proxy(&raw, Some(&cilium)).why_unknown(),
            Some(
                "kube-proxy is not running: no DaemonSet or static pod in kube-system, although its \
                 ConfigMap exists; Cilium replaces it (kube-proxy-replacement in ConfigMap \
                 kube-system/cilium-config)"
            )
        );
        let cilium = Ok(config_map("cilium-config", &[("kube-proxy-replacement", "false")]));
        let raw = Raw { kube_proxy: Raw::nothing().kube_proxy, ..raw };
        assert_eq!(
            kube_proxy(&raw, Some(&cilium)).why_unknown(),
            Some("kube-proxy is not running: no DaemonSet or static pod in kube-system")
        );
    }

    #[test]
    fn on_k3s_it_is_said_to_run_inside_another_process() {
        let mut node = crate::lab::node("n1");
        let none = || kube_proxy(&Raw { daemon_sets: Ok(Vec::new()), ..Raw::nothing() }, None);
        let plain = said_of_k3s(none(), std::slice::from_ref(&node));
        assert!(plain.why_unknown().unwrap().starts_with("kube-proxy is not running"));
        node.kubelet_version = "v1.34.1+k3s1".to_owned();
        let k3s = said_of_k3s(none(), &[node]);
        assert!(k3s.why_unknown().unwrap().starts_with("k3s runs kube-proxy within"));
    }

    #[test]
    fn a_cluster_cidr_that_is_none_is_said() {
        let config = "clusterCIDR: 10.244.0.0";
        let raw = Raw {
            kube_proxy: Ok(config_map("kube-proxy", &[("config.conf", config)])),
            daemon_sets: Ok(vec![proxy(&[], 1)]),
            ..Raw::nothing()
        };
        let fact = kube_proxy(&raw, None);
        assert!(
            fact.why_unknown()
                .unwrap()
                .starts_with("invalid range \"10.244.0.0\" in clusterCIDR of ")
        );
    }
}
