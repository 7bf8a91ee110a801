//! From a request to kubeadm's documents: no cluster, machine or file has a part in it.

use std::net::IpAddr;

use super::{
    config::{
        ApiEndpoint, ApiServer, Arg, BootstrapToken, ClusterConfiguration, Component, Conntrack,
        Discovery, Document, Etcd, EvictionHard, FileDiscovery, ImageMeta, InitConfiguration,
        JoinConfiguration, JoinControlPlane, KubeProxyConfiguration, KubeletConfiguration,
        LocalEtcd, Networking, NodeRegistration, to_yaml,
    },
    endpoint::{API_PORT, balancer},
    secrets::Secrets,
};
use crate::{
    components::Release,
    error::Result,
    node::{CONTAINERD_SOCKET, addresses},
    spec::{ClusterDns, Family, Spec},
    state::Subnet,
};

/// Where a joining node finds the certificate authority it is to trust.
pub(super) const DISCOVERY: &str = "/etc/kubernetes/testbed-discovery.conf";

/// Everything that the documents of one cluster are written from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) spec: &'a Spec,
    pub(super) subnet: Subnet,
    pub(super) release: &'a Release,
    pub(super) secrets: &'a Secrets,
}

impl Plan<'_> {
    /// What `kubeadm init` is given on the first node.
    pub(super) fn init(&self) -> Result<String> {
        let proxy = KubeProxyConfiguration {
            mode: self.spec.proxy_mode,
            // The table's size is the machine's, and not to be set from a node.
            conntrack: Conntrack { max_per_core: 0, min: 0 },
        };
        to_yaml(&[
            self.init_configuration().into(),
            self.cluster_configuration().into(),
            self.kubelet_configuration().into(),
            proxy.into(),
        ])
    }

    /// What `kubeadm join` is given on another node.
    pub(super) fn join(&self, number: u8) -> Result<String> {
        let control_plane = self.spec.is_control_plane(number).then(|| JoinControlPlane {
            local_api_endpoint: self.local_endpoint(number),
            certificate_key: self.secrets.certificate_key.0.clone(),
        });
        let taints = control_plane.is_some().then(Vec::new);
        let join: Document = JoinConfiguration {
            discovery: Discovery {
                file: FileDiscovery { kube_config_path: DISCOVERY },
                tls_bootstrap_token: self.secrets.token.0.clone(),
            },
            control_plane,
            node_registration: self.registration(number, taints),
            skip_phases: vec!["preflight"],
        }
        .into();
        to_yaml(&[join])
    }

    /// Whether there are several control planes, behind the balancer.
    fn balanced(&self) -> bool {
        self.spec.control_planes > 1
    }

    fn addresses(&self, number: u8) -> Vec<IpAddr> {
        addresses(self.spec, self.subnet, number)
    }

    /// Where a node's API server listens: kube-apiserver wants the family of the first Service
    /// range.
    fn local_endpoint(&self, number: u8) -> ApiEndpoint {
        ApiEndpoint {
            advertise_address: self.subnet.node(self.spec.primary(), number).to_string(),
            bind_port: API_PORT,
        }
    }

    fn init_configuration(&self) -> InitConfiguration {
        InitConfiguration {
            bootstrap_tokens: vec![BootstrapToken {
                token: self.secrets.token.0.clone(),
                ttl: "0s",
            }],
            local_api_endpoint: self.local_endpoint(1),
            // No taint: the control plane's node takes pods like the others.
            node_registration: self.registration(1, Some(Vec::new())),
            certificate_key: self.balanced().then(|| self.secrets.certificate_key.0.clone()),
            skip_phases: vec!["preflight"],
        }
    }

    fn registration(&self, number: u8, taints: Option<Vec<String>>) -> NodeRegistration {
        NodeRegistration {
            name: format!("n{number}"),
            cri_socket: format!("unix://{CONTAINERD_SOCKET}"),
            taints,
            image_pull_serial: false,
            kubelet_extra_args: vec![Arg::new("node-ip", list(&self.addresses(number)))],
        }
    }

    fn cluster_configuration(&self) -> ClusterConfiguration {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        names.extend(self.addresses(1).iter().map(IpAddr::to_string));
        if self.balanced() {
            let bridge = |&family: &Family| self.subnet.bridge(family).to_string();
            names.extend(self.spec.node_families.iter().map(bridge));
        }
        // The default of 20 queries a second makes the controllers' start last 4 s longer.
        let mut manager = vec![Arg::new("kube-api-qps", "200"), Arg::new("kube-api-burst", "400")];
        let mut scheduler = Vec::new();
        if !self.balanced() {
            // The only one of its kind needs no lease, and waits for none.
            manager.push(Arg::new("leader-elect", "false"));
            scheduler.push(Arg::new("leader-elect", "false"));
        }
        ClusterConfiguration {
            kubernetes_version: self.release.kubernetes.to_string(),
            cluster_name: self.spec.name.to_string(),
            control_plane_endpoint: balancer(self.spec, self.subnet)
                .map(|endpoint| endpoint.to_string()),
            encryption_algorithm: "ECDSA-P256",
            networking: Networking {
                pod_subnet: list(&self.spec.pod_cidrs),
                service_subnet: list(&self.spec.service_cidrs),
                dns_domain: "cluster.local",
            },
            api_server: ApiServer { cert_sans: names },
            controller_manager: Component { extra_args: manager },
            scheduler: Component { extra_args: scheduler },
            etcd: Etcd {
                local: LocalEtcd {
                    data_dir: "/var/lib/etcd",
                    extra_args: vec![Arg::new("unsafe-no-fsync", "true")],
                    image_tag: self.release.tags.etcd.clone(),
                },
            },
            dns: ImageMeta { image_tag: self.release.tags.coredns.clone() },
        }
    }

    fn kubelet_configuration(&self) -> KubeletConfiguration {
        KubeletConfiguration {
            cluster_dns: match self.spec.dns {
                ClusterDns::Kubeadm => Vec::new(),
                ClusterDns::Dual => self.spec.dns_addresses(),
            },
            cgroup_driver: "cgroupfs",
            fail_cgroup_v1: false,
            // The machine's swap and disks are not the cluster's to judge.
            fail_swap_on: false,
            image_gc_high_threshold_percent: 100,
            eviction_hard: EvictionHard {
                nodefs_available: "0%",
                nodefs_inodes_free: "0%",
                imagefs_available: "0%",
            },
        }
    }
}

/// Values as Kubernetes' flags list them.
fn list(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components;

    fn documents(spec: &Spec, number: u8) -> String {
        let plan = Plan {
            spec,
            subnet: Subnet::EXAMPLE,
            release: &components::release(spec.kubernetes).unwrap(),
            secrets: &Secrets::example(),
        };
        let yaml = if number == 1 { plan.init().unwrap() } else { plan.join(number).unwrap() };
        // Which values are quoted is the serialiser's business.
        yaml.replace('"', "")
    }

    fn spec() -> Spec {
        Spec::new("x".parse().unwrap())
    }

    #[test]
    fn the_primary_family_comes_first_everywhere() {
        let init = documents(&spec().with_families(&[Family::V6, Family::V4]), 1);
        for line in [
            "podSubnet: fd00:10:244::/56,10.244.0.0/16",
            "serviceSubnet: fd00:10:96::/112,10.96.0.0/16",
            "value: fd00:31:1::11,172.31.1.11",
            "advertiseAddress: fd00:31:1::11",
        ] {
            assert!(init.contains(line), "{line} is missing in\n{init}");
        }
    }

    #[test]
    fn a_single_stack_cluster_names_no_address_of_the_other_family() {
        let init = documents(&spec().with_families(&[Family::V6]), 1);
        assert!(!init.contains("172.31") && !init.contains("10.244"), "{init}");
        assert!(init.contains("value: fd00:31:1::11\n"), "{init}");
    }

    #[test]
    fn one_control_plane_needs_neither_endpoint_nor_election() {
        let init = documents(&spec(), 1);
        assert!(!init.contains("controlPlaneEndpoint") && !init.contains("certificateKey"));
        assert_eq!(init.matches("leader-elect").count(), 2, "{init}");
        assert!(!documents(&spec(), 2).contains("controlPlane"));
    }

    #[test]
    fn three_control_planes_have_an_endpoint_a_key_and_elections() {
        let spec = Spec { nodes: 4, control_planes: 3, ..spec() };
        let init = documents(&spec, 1);
        assert!(init.contains("controlPlaneEndpoint: 172.31.1.1:6443"), "{init}");
        assert!(init.contains("certificateKey") && !init.contains("leader-elect"), "{init}");
        for number in [2, 3] {
            let join = documents(&spec, number);
            assert!(join.contains(&format!("advertiseAddress: 172.31.1.1{number}")), "{join}");
        }
        assert!(!documents(&spec, 4).contains("controlPlane"));
    }

    #[test]
    fn an_ipv6_endpoint_has_brackets() {
        let spec = Spec { control_planes: 3, ..spec().with_families(&[Family::V6]) };
        let init = documents(&spec, 1);
        assert!(init.contains("[fd00:31:1::1]:6443"), "{init}");
    }

    #[test]
    fn pods_are_told_both_addresses_of_a_dual_dns_service() {
        let init = documents(&Spec { dns: ClusterDns::Dual, ..spec() }, 1);
        assert!(init.contains("clusterDNS"), "{init}");
        assert!(init.contains("- fd00:10:96::a"), "{init}");
    }
}
