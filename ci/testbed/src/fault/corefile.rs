//! CoreDNS's configuration: read, replaced, and taken up by new pods.

use std::time::Duration;

use serde_json::{Value, json};

use super::{json::from_json, kubectl};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    run::{Run, wait_for},
    spec::Family,
};

/// What all faults have in common that are an edit of the Corefile: within an `impl FaultKind`,
/// with what the fault makes of the Corefile.
macro_rules! edited {
    ($edit:expr) => {
        /// The Corefile.
        type Before = String;

        fn touches(&self) -> String {
            "the Corefile".to_owned()
        }

        fn read_state(&self, cluster: &Cluster) -> Result<String> {
            corefile::read(cluster)
        }

        fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
            let edit: fn(&Self, &str) -> Result<String> = $edit;
            corefile::replace(cluster, &edit(self, before)?)
        }

        fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
            corefile::replace(cluster, before)
        }
    };
}
pub(super) use edited;

/// The Corefile as it is in the cluster.
pub(super) fn read(cluster: &Cluster) -> Result<String> {
    cluster
        .kubectl()?
        .args(["-n", "kube-system", "get", "configmap", "coredns", "-o"])
        .arg("jsonpath={.data.Corefile}")
        .read("read the Corefile")
}

/// Replaces the Corefile and the pods that have read the old one, and waits for the new pods.
pub(super) fn replace(cluster: &Cluster, corefile: &str) -> Result<()> {
    let patch = json!({ "data": { "Corefile": corefile } }).to_string();
    cluster
        .kubectl()?
        .args(["-n", "kube-system", "patch", "configmap", "coredns", "--type=merge", "-p", &patch])
        .read("replace the Corefile")?;
    // CoreDNS would take it up by itself, but up to two minutes later.
    delete_pods(cluster)?;
    wait_until_scaled(cluster)
}

/// The Corefile with this answer, and no record, for a family's record type. CoreDNS asks its plugins in an
/// order of its own, in which `template` comes before `kubernetes`, wherever it is written.
pub(super) fn answering(corefile: &str, family: Family, code: &str) -> Result<String> {
    let record = match family {
        Family::V4 => "A",
        Family::V6 => "AAAA",
    };
    let (head, rest) = corefile.split_once("{\n").ok_or_else(|| {
        Error::Invalid("the Corefile does not begin with a server block".to_owned())
    })?;
    Ok(format!("{head}{{\n    template IN {record} . {{\n        rcode {code}\n    }}\n{rest}"))
}

/// How many CoreDNS pods there are to be.
pub(super) fn replicas(cluster: &Cluster) -> Result<u32> {
    let what = "read the replicas of CoreDNS";
    let text = cluster
        .kubectl()?
        .args(["-n", "kube-system", "get", "deployment", "coredns", "-o"])
        .arg("jsonpath={.spec.replicas}")
        .read(what)?;
    from_json(what, &text)
}

/// Sets how many CoreDNS pods there are to be, and waits until there are as many, all ready.
pub(super) fn scale(cluster: &Cluster, replicas: u32) -> Result<()> {
    cluster
        .kubectl()?
        .args(["-n", "kube-system", "scale", "deployment", "coredns"])
        .arg(format!("--replicas={replicas}"))
        .read("scale CoreDNS")?;
    if replicas == 0 {
        // They would take five seconds to say farewell.
        delete_pods(cluster)?;
    }
    wait_until_scaled(cluster)
}

fn delete_pods(cluster: &Cluster) -> Result<()> {
    cluster
        .kubectl()?
        .args(["-n", "kube-system", "delete", "pods", "-l", "k8s-app=kube-dns"])
        .args(["--grace-period=1", "--wait=true"])
        .read("replace the pods of CoreDNS")
        .map(drop)
}

fn wait_until_scaled(cluster: &Cluster) -> Result<()> {
    wait_for("CoreDNS as it is to be", Duration::from_secs(60), String::new, || {
        let object = kubectl::get(
            cluster,
            "read the state of CoreDNS",
            &["-n", "kube-system", "deployment", "coredns"],
        )?;
        // Figures that are zero are left out.
        let figure = |pointer| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let wanted = figure("/spec/replicas");
        let seen = figure("/metadata/generation") == figure("/status/observedGeneration");
        let there = [figure("/status/replicas"), figure("/status/readyReplicas")];
        Ok((seen && there == [wanted; 2]).then_some(()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_goes_into_the_first_server_block() {
        let text = answering(".:53 {\n    errors\n}\n", Family::V6, "SERVFAIL").unwrap();
        let start = ".:53 {\n    template IN AAAA . {\n        rcode SERVFAIL\n    }\n";
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with("    errors\n}\n"), "{text}");
    }
}
