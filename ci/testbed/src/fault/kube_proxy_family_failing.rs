//! A kube-proxy that can't write the rules of one family.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    about::About, json::from_json, kind::FaultKind, kube_proxy, kubectl,
    truth::without_new_services,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    run::{Run, wait_for},
    spec::{Family, ProxyMode},
};

/// Takes the tool away by which kube-proxy writes the rules of a family on a node, as where a
/// kernel lacks a module for it. The rules that it wrote before stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct KubeProxyFamilyFailing {
    /// The family whose rules it can't write.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

/// kube-proxy calls itself unhealthy once a change has waited for two of its periods of 30 s.
const PATIENCE: Duration = Duration::from_secs(150);

impl KubeProxyFamilyFailing {
    /// The Service that is the change which waits.
    fn service(&self) -> String {
        let family = self.family.to_string().to_lowercase();
        format!("fault-{family}-{}", self.node)
    }

    /// What kube-proxy says of its health in the family; `None` where it says nothing.
    fn health(&self, cluster: &Cluster) -> Result<Option<bool>> {
        let what = "ask kube-proxy for its health";
        // A new one is ready before it can be asked.
        let ask = "curl -s http://127.0.0.1:10256/livez || echo '{}'";
        let text = cluster.node(&self.node)?.command("sh").args(["-c", ask]).read(what)?;
        let page: serde_json::Value = from_json(what, &text)?;
        let healthy = page.pointer(&format!("/status/{}/healthy", self.family));
        Ok(healthy.and_then(serde_json::Value::as_bool))
    }
}

impl FaultKind for KubeProxyFamilyFailing {
    const ABOUT: About = About {
        does: "kube-proxy on a node can't write rules of the family any more: those that it wrote \
         stay, and no change of a Service arrives in the family",
        limits: "clusters without the family; kube-proxy's modes other than iptables",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the kube-proxy of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        if let Path::ProxyHealth { node, family } = path {
            return Some(Outcome::fails_if(*node == self.node && *family == self.family));
        }
        path.flow().filter(|flow| flow.family == self.family)?;
        without_new_services(&self.node, path)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node)?;
        let spec = &cluster.record().spec;
        if spec.proxy_mode != ProxyMode::Iptables {
            return Err(Error::Invalid(format!(
                "kube-proxy's mode {} writes the rules of both families by one tool",
                spec.proxy_mode
            )));
        }
        if spec.service_cidrs.iter().all(|range| Family::of_range(range) != self.family) {
            return Err(Error::Invalid(format!("the cluster has no {} Services", self.family)));
        }
        Ok(())
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        let tool = format!("/usr/sbin/{}-restore", self.family.iptables());
        cluster
            .node(&self.node)?
            .command("sh")
            .args(["-ec", &format!("rm -f /proc/$(pidof kube-proxy)/root{tool}")])
            .read("take a tool away from kube-proxy")?;
        let service = format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {}\nspec:\n  ipFamilyPolicy: SingleStack\n  \
             ipFamilies: [{}]\n  ports:\n    - port: 80\n",
            self.service(),
            self.family
        );
        let what = "create a Service that kube-proxy must learn of";
        cluster.kubectl()?.args(["apply", "-f", "-"]).feed(what, &service)?;
        let what = format!("kube-proxy on {} unhealthy in {}", self.node, self.family);
        wait_for(&what, PATIENCE, String::new, || {
            Ok((self.health(cluster)? == Some(false)).then_some(()))
        })
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        let service = self.service();
        let delete = ["delete", "service", service.as_str(), "--ignore-not-found"];
        kubectl::run(cluster, "delete the Service of the fault", &delete)?;
        // A new pod has all tools of its image.
        kube_proxy::SET.delete_pods(cluster, Some(&self.node))?;
        kube_proxy::SET.wait_until_ready(cluster)?;
        let what = format!("kube-proxy on {} healthy in {}", self.node, self.family);
        wait_for(&what, PATIENCE, String::new, || {
            Ok((self.health(cluster)? == Some(true)).then_some(()))
        })
    }
}
