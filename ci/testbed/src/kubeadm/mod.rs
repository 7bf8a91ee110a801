//! Kubernetes on the nodes, by the real `kubeadm init` and `kubeadm join`.
//!
//! What makes it quick without making it another cluster: the machine's own preflight stands for
//! kubeadm's; controllers don't wait for a lease where there is one of each; etcd keeps its data
//! in memory and does not sync it; nodes trust the certificate authority in a file, instead of
//! waiting for the signature of the public cluster-info.

mod config;

use std::{io::Read, net::IpAddr};

use kube::config::{AuthInfo, Kubeconfig};

use self::config::{
    ApiEndpoint, ApiServer, Arg, BootstrapToken, ClusterConfiguration, Component, Conntrack,
    Discovery, Etcd, EvictionHard, FileDiscovery, ImageMeta, InitConfiguration, JoinConfiguration,
    KubeProxyConfiguration, KubeletConfiguration, LocalEtcd, Networking, NodeRegistration, to_yaml,
};
use crate::{
    components::Artefacts,
    error::{Context, Error, Result},
    node::{CONTAINERD_SOCKET, Node},
    run::Run,
    spec::Spec,
    state::{ClusterDir, Record, write_whole},
};

/// The port of the API server.
pub const API_PORT: u16 = 6443;

/// Where kubeadm finds its configuration, inside a node.
const CONFIG: &str = "/etc/kubernetes/testbed-kubeadm.yaml";
/// Where a joining node finds the certificate authority it is to trust.
const DISCOVERY: &str = "/etc/kubernetes/testbed-discovery.conf";

/// A bootstrap token: `[a-z0-9]{6}.[a-z0-9]{16}`.
#[derive(Clone, Debug)]
pub struct Token(String);

impl Token {
    /// A random one.
    pub fn generate() -> Result<Self> {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut bytes = [0; 22];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .context(|| "read random bytes".to_owned())?;
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
        let text = |part: &[u8]| part.iter().map(letter).collect::<String>();
        let (id, secret) = bytes.split_at(6);
        Ok(Self(format!("{}.{}", text(id), text(secret))))
    }
}

/// Makes the first control plane, and leaves the administrator's kubeconfig in the cluster's
/// directory.
pub fn init(
    dir: &ClusterDir,
    record: &Record,
    artefacts: &Artefacts,
    node: &Node,
    token: &Token,
) -> Result<()> {
    let spec = &record.spec;
    let documents = [
        init_configuration(spec, node, token).into(),
        cluster_configuration(spec, artefacts, node).into(),
        kubelet_configuration().into(),
        KubeProxyConfiguration {
            mode: spec.proxy_mode,
            // The table's size is the machine's, and not to be set from a node.
            conntrack: Conntrack { max_per_core: 0, min: 0 },
        }
        .into(),
    ];
    node.write(CONFIG, &to_yaml(&documents)?)?;
    node.command("kubeadm")
        .args(["init", "--config", CONFIG, "-v=1"])
        .log_to(&format!("`kubeadm init` on {}", node.name), &dir.join("logs/kubeadm-init.log"))?;
    let admin = node.path("/etc/kubernetes/admin.conf");
    let kubeconfig =
        std::fs::read(&admin).context(|| format!("read admin.conf of {}", node.name))?;
    write_whole(&dir.kubeconfig(), &kubeconfig)
}

/// Joins a worker to a cluster that [`init`] made.
pub fn join(dir: &ClusterDir, node: &Node, token: &Token) -> Result<()> {
    node.write(DISCOVERY, &discovery(dir)?)?;
    let join = JoinConfiguration {
        discovery: Discovery {
            file: FileDiscovery { kube_config_path: DISCOVERY },
            tls_bootstrap_token: token.0.clone(),
        },
        node_registration: registration(node, None),
        skip_phases: vec!["preflight"],
    };
    node.write(CONFIG, &to_yaml(&[join.into()])?)?;
    let log = dir.join(format!("logs/kubeadm-join-{}.log", node.name));
    node.command("kubeadm")
        .args(["join", "--config", CONFIG, "-v=1"])
        .log_to(&format!("`kubeadm join` on {}", node.name), &log)
}

/// The administrator's kubeconfig without the administrator: the API server's address and the
/// certificate authority to trust.
fn discovery(dir: &ClusterDir) -> Result<String> {
    let path = dir.kubeconfig();
    let understand =
        |reason: String| Error::Format { what: format!("understand {}", path.display()), reason };
    let mut config = Kubeconfig::read_from(&path).map_err(|e| understand(e.to_string()))?;
    for user in &mut config.auth_infos {
        // The entry itself must stay: kubeadm refuses a context without a user.
        user.auth_info = Some(AuthInfo::default());
    }
    serde_saphyr::to_string(&config).map_err(|e| understand(e.to_string()))
}

fn init_configuration(spec: &Spec, node: &Node, token: &Token) -> InitConfiguration {
    let advertise = node.address(spec.primary()).map_or_else(String::new, |a| a.to_string());
    InitConfiguration {
        bootstrap_tokens: vec![BootstrapToken { token: token.0.clone(), ttl: "0s" }],
        local_api_endpoint: ApiEndpoint { advertise_address: advertise, bind_port: API_PORT },
        // No taint: the control plane's node takes pods like the others.
        node_registration: registration(node, Some(Vec::new())),
        skip_phases: vec!["preflight"],
    }
}

fn registration(node: &Node, taints: Option<Vec<String>>) -> NodeRegistration {
    NodeRegistration {
        name: node.name.clone(),
        cri_socket: format!("unix://{CONTAINERD_SOCKET}"),
        taints,
        image_pull_serial: false,
        kubelet_extra_args: vec![Arg::new("node-ip", list(&node.addresses))],
    }
}

fn cluster_configuration(spec: &Spec, artefacts: &Artefacts, node: &Node) -> ClusterConfiguration {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend(node.addresses.iter().map(IpAddr::to_string));
    let alone = || Arg::new("leader-elect", "false");
    ClusterConfiguration {
        kubernetes_version: artefacts.kubernetes.to_string(),
        cluster_name: spec.name.to_string(),
        encryption_algorithm: "ECDSA-P256",
        networking: Networking {
            pod_subnet: list(&spec.pod_cidrs),
            service_subnet: list(&spec.service_cidrs),
            dns_domain: "cluster.local",
        },
        api_server: ApiServer { cert_sans: names },
        controller_manager: Component {
            // The default of 20 queries a second makes its start last 4 s longer.
            extra_args: vec![
                alone(),
                Arg::new("kube-api-qps", "200"),
                Arg::new("kube-api-burst", "400"),
            ],
        },
        scheduler: Component { extra_args: vec![alone()] },
        etcd: Etcd {
            local: LocalEtcd {
                data_dir: "/var/lib/etcd",
                extra_args: vec![Arg::new("unsafe-no-fsync", "true")],
                image_tag: artefacts.tags.etcd.clone(),
            },
        },
        dns: ImageMeta { image_tag: artefacts.tags.coredns.clone() },
    }
}

fn kubelet_configuration() -> KubeletConfiguration {
    KubeletConfiguration {
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

/// Values as Kubernetes' flags list them.
fn list(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_form_that_kubeadm_asks_for() {
        let token = Token::generate().unwrap().0;
        let (id, secret) = token.split_once('.').unwrap();
        assert_eq!((id.len(), secret.len()), (6, 16));
        assert!(token.chars().all(|c| c == '.' || c.is_ascii_lowercase() || c.is_ascii_digit()));
    }
}
