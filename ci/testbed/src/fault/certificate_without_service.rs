//! An API server whose certificate doesn't name the address at which pods find it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    run::{Run, wait_for},
    spec::Family,
};

/// Has kubeadm issue the API server's certificate for another range of Services, as one that was issued
/// before the range was changed. The API server takes it up by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct CertificateWithoutService {
    /// The node of the control plane.
    #[arg(long)]
    pub node: String,
}

/// The certificate and its key.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pair {
    certificate: String,
    key: String,
}

/// Where kubeadm keeps them, without the end of their names.
const FILES: &str = "/etc/kubernetes/pki/apiserver";

/// An API server looks at its files once a minute, if it doesn't see them change.
const PATIENCE: Duration = Duration::from_secs(90);

impl CertificateWithoutService {
    fn sh(&self, cluster: &Cluster, what: &str, script: &str) -> Result<String> {
        cluster.node(&self.node)?.command("sh").args(["-ec", script]).read(what)
    }

    /// Waits until the API server shows this certificate.
    fn wait_until_served(&self, cluster: &Cluster, certificate: &str) -> Result<()> {
        let shown = "openssl s_client -connect localhost:6443 -noservername </dev/null 2>/dev/null | \
                     openssl x509";
        let what = format!("the API server of {} with its other certificate", self.node);
        wait_for(&what, PATIENCE, String::new, || {
            let seen = self.sh(cluster, "read the certificate that is shown", shown);
            Ok(seen.is_ok_and(|seen| seen.trim() == certificate.trim()).then_some(()))
        })
    }
}

impl FaultKind for CertificateWithoutService {
    const ABOUT: About = About {
        does: "the API server's certificate names the first address of another range of Services in \
         place of the ClusterIP of its own Service",
        limits: "nodes without a control plane",
    };

    type Before = Pair;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n1".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the API server's certificate on {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        (*path == Path::Certificate).then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Pair> {
        let read = |end: &str| {
            self.sh(cluster, "read the API server's certificate", &format!("cat {FILES}.{end}"))
        };
        Ok(Pair { certificate: read("crt")?, key: read("key")? })
    }

    fn inject(&self, cluster: &Cluster, _: &Pair) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let addresses: Vec<String> = [Family::V4, Family::V6]
            .into_iter()
            .filter_map(|family| node.address(family))
            .map(|address| address.to_string())
            .collect();
        let primary = cluster.record().spec.service_cidrs.first().map(Family::of_range);
        let own = primary.and_then(|family| node.address(family)).ok_or_else(|| {
            Error::Invalid(format!("{} has no address of the first family", self.node))
        })?;
        // One that no cluster of the testbed has (RFC 2544, RFC 5180).
        let range = if primary == Some(Family::V6) { "2001:2::/112" } else { "198.18.0.0/16" };
        let issue = format!(
            "rm -f {FILES}.crt {FILES}.key; kubeadm init phase certs apiserver --service-cidr {range} \
             --apiserver-advertise-address {own} --apiserver-cert-extra-sans \
             localhost,127.0.0.1,::1,{}",
            addresses.join(",")
        );
        self.sh(cluster, "issue another certificate for the API server", &issue)?;
        let issued = self.read_state(cluster)?;
        self.wait_until_served(cluster, &issued.certificate)
    }

    fn revert(&self, cluster: &Cluster, before: &Pair) -> Result<()> {
        for (end, text) in [("crt", &before.certificate), ("key", &before.key)] {
            let what = "put the API server's certificate back";
            let write = format!("cat >{FILES}.{end}");
            cluster.node(&self.node)?.command("sh").args(["-ec", &write]).feed(what, text)?;
        }
        self.wait_until_served(cluster, &before.certificate)
    }
}
