//! The images of Calico: its agent with the tools that it calls, and what configures the CNI plugin.

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

/// What Calico's images are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CalicoSources<'a> {
    /// A root file system of Debian.
    pub rootfs: &'a Path,
    /// The directory with busybox.
    pub busybox: &'a Path,
    /// The directory with Calico's programs.
    pub calico: &'a Path,
    /// The release of Calico, which is the images' tag.
    pub version: &'a str,
}

const START: &str = include_str!("calico/start.sh");

/// The text that decides how these images come out, beside that of the others.
pub(crate) const TEXT: &[&str] = &[include_str!("calico.rs"), START];

pub(crate) fn write(store: &Store, sources: &CalicoSources<'_>) -> Result<()> {
    write_node(store, sources)?;
    write_cni(store, sources)
}

fn write_node(store: &Store, sources: &CalicoSources<'_>) -> Result<()> {
    const BUSYBOX: &str = "/usr/bin/busybox";
    const TOOLS: &[&str] = &["conntrack", "iproute2", "ipset", "iptables"];
    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    layer.copy(&sources.busybox.join("busybox"), BUSYBOX, 0o755)?;
    for name in ["cat", "sh", "sleep"] {
        layer.hard_link(format!("/usr/bin/{name}"), BUSYBOX)?;
    }
    let without = &["debconf", "dpkg", "init-system-helpers"];
    Packages::of(sources.rootfs)?.add(&mut layer, TOOLS, without)?;
    let tools = layer.finish()?;
    let mut layer = Layer::new(store)?;
    // Probes call it there.
    layer.copy(&sources.calico.join("calico-node"), "/usr/bin/calico-node", 0o755)?;
    layer.file("/usr/bin/start", START, 0o755)?;
    let name = Reference::new("docker.io", "calico/node", sources.version)?;
    let config = Config { entrypoint: &["/usr/bin/start"], ..Config::default() };
    image::write(store, &[name], &[tools, layer.finish()?], &config)?;
    Ok(())
}

fn write_cni(store: &Store, sources: &CalicoSources<'_>) -> Result<()> {
    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    layer.copy(&sources.calico.join("install"), "/opt/cni/bin/install", 0o755)?;
    let name = Reference::new("docker.io", "calico/cni", sources.version)?;
    let config = Config { cmd: &["/opt/cni/bin/install"], ..Config::default() };
    image::write(store, &[name], &[layer.finish()?], &config)?;
    Ok(())
}
