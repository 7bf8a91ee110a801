//! How each image is made.

mod base;
mod busybox;
mod calico;
mod flannel;
mod kind;
mod nginx;
mod sources;
mod system;

use super::store::Store;
use crate::error::Error;

use base::base;
pub(crate) use calico::{CalicoSources, TEXT as CALICO_TEXT, write as write_calico};
pub(crate) use flannel::{FlannelSources, TEXT as FLANNEL_TEXT, write as write_flannel};
pub(crate) use kind::{KindSources, TEXT as KIND_TEXT, write as write_kind};
pub(crate) use sources::{KubernetesSources, Sources};

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
    include_str!("base.rs"),
    include_str!("busybox.rs"),
    include_str!("nginx.rs"),
    include_str!("sources.rs"),
    include_str!("nginx/10-listen-on-ipv6-by-default.sh"),
    include_str!("nginx/15-local-resolvers.envsh"),
    include_str!("nginx/20-envsubst-on-templates.sh"),
    include_str!("nginx/default.conf"),
    include_str!("nginx/docker-entrypoint.sh"),
    include_str!("nginx/nginx.conf"),
    include_str!("nginx/nginx.sh"),
    include_str!("system.rs"),
    include_str!("../document.rs"),
    include_str!("../image.rs"),
    include_str!("../layer.rs"),
    include_str!("../names.rs"),
    include_str!("../packages.rs"),
    include_str!("../store.rs"),
];
