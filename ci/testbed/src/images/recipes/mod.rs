//! How each image is made.

mod busybox;
mod nginx;
mod system;

use std::path::Path;

use super::error::Error;
use super::layer::Layer;
use super::store::Store;
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

/// Writes the images that are the same for every version of Kubernetes.
pub(crate) fn write_common(store: &Store, sources: &Sources<'_>) -> Result<(), Error> {
    system::write_pause(store, sources)?;
    system::write_coredns(store, sources)?;
    system::write_etcd(store, sources)?;
    busybox::write(store, sources)?;
    nginx::write(store, sources)?;
    Ok(())
}

/// Writes the images of one version of Kubernetes.
pub(crate) fn write_kubernetes(
    store: &Store,
    sources: &KubernetesSources<'_>,
) -> Result<(), Error> {
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        system::write_control_plane(store, sources, name)?;
    }
    system::write_kube_proxy(store, sources)
}

/// The text of all that decides how images come out, for the key of what they are kept under.
pub(crate) const TEXT: &[&str] = &[
    include_str!("mod.rs"),
    include_str!("busybox.rs"),
    include_str!("nginx.rs"),
    include_str!("nginx/10-listen-on-ipv6-by-default.sh"),
    include_str!("nginx/15-local-resolvers.envsh"),
    include_str!("nginx/20-envsubst-on-templates.sh"),
    include_str!("nginx/default.conf"),
    include_str!("nginx/docker-entrypoint.sh"),
    include_str!("nginx/nginx.conf"),
    include_str!("nginx/nginx.sh"),
    include_str!("system.rs"),
    include_str!("../image.rs"),
    include_str!("../layer.rs"),
    include_str!("../names.rs"),
    include_str!("../packages.rs"),
    include_str!("../store.rs"),
];

/// Accounts and directories that programs expect wherever they run. The links of the merged /usr come with them.
fn base(layer: &mut Layer<'_>) -> Result<(), Error> {
    const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nginx:x:101:101:nginx user:/nonexistent:/bin/false
nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
";
    const GROUP: &str = "\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
tty:x:5:
www-data:x:33:
nginx:x:101:
nonroot:x:65532:
nogroup:x:65534:
";
    layer.file("/etc/passwd", PASSWD, 0o644)?;
    layer.file("/etc/group", GROUP, 0o644)?;
    layer.file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0o644)?;
    layer.directory("/tmp", 0o1777)?;
    layer.directory("/root", 0o700)?;
    for directory in
        ["/dev", "/proc", "/run", "/sys", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin"]
    {
        layer.directory(directory, 0o755)?;
    }
    for link in ["bin", "lib", "lib64", "sbin"] {
        layer.symlink(link, Path::new("usr").join(link))?;
    }
    layer.symlink("/var/run", "/run")
}
