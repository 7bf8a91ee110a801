//! The control plane's static pods: stopped by taking their manifests away, and started again.

use std::time::Duration;

use crate::{
    cluster::Cluster,
    error::Result,
    run::{Run, wait_for},
};

/// How long kubelet may take to notice.
const PATIENCE: Duration = Duration::from_secs(120);

/// Takes a component's manifest away on the first node, or puts it back, and waits until its
/// process has gone or come.
pub(super) fn set(cluster: &Cluster, component: &str, runs: bool) -> Result<()> {
    let node = cluster.node("n1")?;
    let (there, away) = (
        format!("/etc/kubernetes/manifests/{component}.yaml"),
        format!("/etc/kubernetes/{component}.away"),
    );
    let (from, to) = if runs { (&away, &there) } else { (&there, &away) };
    let script = format!("[ ! -e {from} ] || mv {from} {to}");
    node.command("sh").args(["-c", &script]).read(&format!("move the manifest of {component}"))?;
    let state = if runs { "running" } else { "gone" };
    wait_for(&format!("{component} {state}"), PATIENCE, String::new, || {
        // A process's name is cut after 15 letters.
        let name: String = component.chars().take(15).collect();
        let found = node.command("pgrep").args(["-x", &name]).read("look for a process").is_ok();
        Ok((found == runs).then_some(()))
    })
}

/// Refuses a cluster in which another control plane takes over.
pub(super) fn refuse_several(cluster: &Cluster) -> Result<()> {
    if cluster.record().spec.control_planes > 1 {
        return Err(crate::error::Error::Invalid(
            "another control plane would take over: choose a cluster with one".to_owned(),
        ));
    }
    Ok(())
}
