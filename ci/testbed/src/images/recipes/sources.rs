//! What the images are made of.

use std::path::Path;

use crate::version::Version;

/// What the images are made of that are the same for every version of Kubernetes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// A root file system of Debian.
    pub rootfs: &'a Path,
    /// Directories with the programs.
    pub busybox: &'a Path,
    pub pause: &'a Path,
    pub etcd: &'a Path,
    pub coredns: &'a Path,
    /// The tags of the images that kubeadm may name otherwise.
    pub etcd_tag: &'a str,
    pub coredns_tag: &'a str,
}

/// What the images of one version of Kubernetes are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KubernetesSources<'a> {
    /// A root file system of Debian.
    pub rootfs: &'a Path,
    /// The directory with Kubernetes' programs.
    pub programs: &'a Path,
    pub version: Version,
}
