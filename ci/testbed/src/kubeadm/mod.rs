//! Kubernetes on the nodes, by the real `kubeadm init` and `kubeadm join`.
//!
//! What makes it quick without making it another cluster: the machine's own preflight stands for
//! kubeadm's; controllers don't wait for a lease where there is one of each; etcd keeps its data
//! in memory and does not sync it; nodes trust the certificate authority in a file, instead of
//! waiting for the signature of the public cluster-info.

mod config;
mod documents;
mod endpoint;
mod secrets;

use kube::config::{AuthInfo, Kubeconfig};
use serde_json::json;

use self::documents::{DISCOVERY, Plan};
pub use self::{
    endpoint::{API_PORT, balancer},
    secrets::Secrets,
};
use crate::{
    components::{self, Release},
    error::{Context, Error, Result},
    node::Node,
    run::Run,
    spec::{ClusterDns, Spec},
    state::{ClusterDir, Record, Subnet, write_whole},
};

/// Where kubeadm finds its configuration, inside a node.
const CONFIG: &str = "/etc/kubernetes/testbed-kubeadm.yaml";

/// The file that kubeadm is given on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The node's name.
    pub node: String,
    /// `init` or `join`.
    pub command: &'static str,
    /// The documents, as YAML.
    pub yaml: String,
}

/// What kubeadm is given on each node of a cluster like this, without bringing one up. Addresses
/// are those of the first subnet, and the secrets are for show.
pub fn configurations(spec: &Spec) -> Result<Vec<Configuration>> {
    spec.validate()?;
    let release = components::release(spec.kubernetes)?;
    let secrets = Secrets::example();
    let plan = Plan { spec, subnet: Subnet::EXAMPLE, release: &release, secrets: &secrets };
    let first = plan.init().map(|yaml| ("init", yaml));
    let others = (2..=spec.nodes).map(|number| plan.join(number).map(|yaml| ("join", yaml)));
    spec.node_names()
        .zip(std::iter::once(first).chain(others))
        .map(|(node, given)| given.map(|(command, yaml)| Configuration { node, command, yaml }))
        .collect()
}

/// The making of one cluster.
#[derive(Clone, Copy, Debug)]
pub struct Kubeadm<'a> {
    /// The cluster's directory, where logs and the administrator's kubeconfig go.
    pub dir: &'a ClusterDir,
    /// What was asked for, and where it lives.
    pub record: &'a Record,
    /// The release it is built from.
    pub release: &'a Release,
    /// What nodes join with.
    pub secrets: &'a Secrets,
}

impl Kubeadm<'_> {
    fn plan(&self) -> Plan<'_> {
        Plan {
            spec: &self.record.spec,
            subnet: self.record.subnet,
            release: self.release,
            secrets: self.secrets,
        }
    }

    /// Makes the first control plane, and leaves the administrator's kubeconfig in the cluster's
    /// directory.
    pub fn init(&self, node: &Node) -> Result<()> {
        node.write(CONFIG, &self.plan().init()?)?;
        let mut kubeadm = node.command("kubeadm");
        kubeadm.args(["init", "--config", CONFIG, "-v=1"]);
        if self.record.spec.control_planes > 1 {
            kubeadm.arg("--upload-certs");
        }
        let log = self.dir.join("logs/kubeadm-init.log");
        kubeadm.log_to(&format!("`kubeadm init` on {}", node.name), &log)?;
        let admin = node.path("/etc/kubernetes/admin.conf");
        let kubeconfig =
            std::fs::read(&admin).context(|| format!("read admin.conf of {}", node.name))?;
        write_whole(&self.dir.kubeconfig(), &kubeconfig)?;
        match self.record.spec.dns {
            ClusterDns::Kubeadm => Ok(()),
            ClusterDns::Dual => self.widen_dns(node),
        }
    }

    /// Gives the DNS Service, which kubeadm makes of one family, an address of each.
    fn widen_dns(&self, node: &Node) -> Result<()> {
        let spec = &self.record.spec;
        let patch = json!({ "spec": {
            "ipFamilyPolicy": "RequireDualStack",
            "ipFamilies": spec.service_families(),
            "clusterIPs": spec.dns_addresses(),
        }});
        node.command("kubectl")
            .args(["-n", "kube-system", "patch", "service", "kube-dns", "--type=merge", "-p"])
            .arg(patch.to_string())
            .read("make the Service kube-dns dual-stack")
            .map(drop)
    }

    /// Joins a node to a cluster that [`Kubeadm::init`] made: as a control plane if its number is
    /// among theirs, else as a worker.
    pub fn join(&self, node: &Node) -> Result<()> {
        node.write(DISCOVERY, &discovery(self.dir)?)?;
        node.write(CONFIG, &self.plan().join(node.number)?)?;
        let log = self.dir.join(format!("logs/kubeadm-join-{}.log", node.name));
        node.command("kubeadm")
            .args(["join", "--config", CONFIG, "-v=1"])
            .log_to(&format!("`kubeadm join` on {}", node.name), &log)
    }
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
