//! The image of flannel: flanneld and the tools that it calls.

use std::path::Path;

use super::base;
use crate::{
    error::Error,
    images::{
        image::{self, Config},
        layer::Layer,
        packages::Packages,
        reference::Reference,
        store::Store,
    },
};

/// What flannel's image is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlannelSources<'a> {
    /// A root file system of Debian.
    pub rootfs: &'a Path,
    /// The directory with busybox.
    pub busybox: &'a Path,
    /// The directory with flanneld.
    pub flannel: &'a Path,
    /// The version of flannel, which is the image's tag.
    pub version: &'a str,
}

/// The text that decides how this image comes out, beside that of the others.
pub(crate) const TEXT: &str = include_str!("flannel.rs");

pub(crate) fn write(store: &Store, sources: &FlannelSources<'_>) -> Result<(), Error> {
    const BUSYBOX: &str = "/usr/bin/busybox";
    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    layer.copy(&sources.busybox.join("busybox"), BUSYBOX, 0o755)?;
    // flannel's manifest copies the CNI configuration by it.
    layer.hard_link("/usr/bin/cp", BUSYBOX)?;
    let without = &["debconf", "dpkg", "init-system-helpers"];
    Packages::of(sources.rootfs)?.add(&mut layer, &["iptables"], without)?;
    let tools = layer.finish()?;
    let mut layer = Layer::new(store)?;
    layer.copy(&sources.flannel.join("flanneld"), "/opt/bin/flanneld", 0o755)?;
    let name = Reference::new("ghcr.io", "flannel-io/flannel", sources.version)?;
    let config = Config { entrypoint: &["/opt/bin/flanneld"], ..Config::default() };
    image::write(store, &[name], &[tools, layer.finish()?], &config)?;
    Ok(())
}
