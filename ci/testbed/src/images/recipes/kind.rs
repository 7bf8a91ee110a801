//! What stands in for the images that kind adds to a node's, and that no Go module proxy has: its
//! network agent, and the provisioner of local volumes.

use std::path::Path;

use super::{
    super::{
        image::{self, Config},
        layer::Layer,
        packages::Packages,
        reference::Reference,
        store::Store,
    },
    base,
};
use crate::error::Result;

/// What kind's images are made of, and the names that its manifests have for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindSources<'a> {
    /// A root file system of Debian.
    pub rootfs: &'a Path,
    /// The directory with busybox.
    pub busybox: &'a Path,
    /// The directory with kubectl.
    pub programs: &'a Path,
    pub network_agent: &'a Reference,
    pub volume_provisioner: &'a Reference,
    pub volume_helper: &'a Reference,
}

/// Gives each node its CNI configuration, its routes to the others' pods, and the masquerade rules.
/// It doesn't enforce NetworkPolicies, which kind's own agent does.
const NETWORK_AGENT: &str = include_str!("kind/network-agent.sh");

/// Nothing here asks for a volume.
const VOLUME_PROVISIONER: &str = "#!/bin/sh\nexec sleep 2147483647\n";

/// The text of all that decides how these images come out, beside that of the others.
pub(crate) const TEXT: &[&str] = &[include_str!("kind.rs"), NETWORK_AGENT];

pub(crate) fn write(store: &Store, sources: &KindSources<'_>) -> Result<()> {
    const BUSYBOX: &str = "/usr/bin/busybox";
    let busybox = sources.busybox.join("busybox");

    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    layer.copy(&busybox, BUSYBOX, 0o755)?;
    layer.copy(&sources.programs.join("kubectl"), "/usr/bin/kubectl", 0o755)?;
    layer.file("/usr/bin/network-agent", NETWORK_AGENT, 0o755)?;
    let without = &["debconf", "dpkg", "init-system-helpers"];
    Packages::of(sources.rootfs)?.add(&mut layer, &["iptables"], without)?;
    let config = Config { entrypoint: &["/usr/bin/network-agent"], ..Config::default() };
    let names = std::slice::from_ref(sources.network_agent);
    image::write(store, names, &[layer.finish()?], &config)?;

    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    layer.copy(&busybox, BUSYBOX, 0o755)?;
    for applet in ["mkdir", "rm", "sh", "sleep"] {
        layer.hard_link(format!("/usr/bin/{applet}"), BUSYBOX)?;
    }
    layer.file("/usr/bin/local-path-provisioner", VOLUME_PROVISIONER, 0o755)?;
    let names = [sources.volume_provisioner.clone(), sources.volume_helper.clone()];
    image::write(store, &names, &[layer.finish()?], &Config { cmd: &["sh"], ..Config::default() })?;
    Ok(())
}
