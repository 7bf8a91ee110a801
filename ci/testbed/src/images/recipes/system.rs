//! The images of the control plane and of kube-system's add-ons: one static program each, and for
//! kube-proxy the tools that it calls.

use std::path::Path;

use super::{
    super::{
        document::Descriptor,
        image::{self, Config},
        layer::Layer,
        names,
        packages::Packages,
        reference::Reference,
        store::Store,
    },
    KubernetesSources, Sources, base,
};
use crate::error::Result;

const REGISTRY: &str = "registry.k8s.io";

pub(super) fn write_pause(store: &Store, sources: &Sources<'_>) -> Result<Descriptor> {
    let mut layer = Layer::new(store)?;
    layer.copy(&sources.pause.join("pause"), "/pause", 0o755)?;
    let config = Config { entrypoint: &["/pause"], user: "65535:65535", ..Config::default() };
    image::write(
        store,
        &names::tagged(REGISTRY, "pause", names::PAUSE)?,
        &[layer.finish()?],
        &config,
    )
}

pub(super) fn write_coredns(store: &Store, sources: &Sources<'_>) -> Result<Descriptor> {
    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    layer.copy(&sources.coredns.join("coredns"), "/coredns", 0o755)?;
    let name = Reference::new(REGISTRY, "coredns/coredns", sources.coredns_tag)?;
    // It may bind port 53 all the same: containerd lets any port be bound by anybody in a pod.
    let config = Config {
        entrypoint: &["/coredns"],
        user: "65532:65532",
        working_dir: "/",
        ..Config::default()
    };
    image::write(store, &[name], &[layer.finish()?], &config)
}

pub(super) fn write_etcd(store: &Store, sources: &Sources<'_>) -> Result<Descriptor> {
    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    for program in ["etcd", "etcdctl"] {
        layer.copy(&sources.etcd.join(program), format!("/usr/local/bin/{program}"), 0o755)?;
    }
    let name = Reference::new(REGISTRY, "etcd", sources.etcd_tag)?;
    let config = Config { cmd: &["/usr/local/bin/etcd"], ..Config::default() };
    image::write(store, &[name], &[layer.finish()?], &config)
}

/// kube-apiserver, kube-controller-manager, kube-scheduler.
pub(super) fn write_control_plane(
    store: &Store,
    sources: &KubernetesSources<'_>,
    name: &str,
) -> Result<()> {
    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    write_kubernetes(store, sources, name, &[layer.finish()?])
}

pub(super) fn write_kube_proxy(store: &Store, sources: &KubernetesSources<'_>) -> Result<()> {
    const TOOLS: &[&str] = &["conntrack", "ipset", "iptables", "kmod", "nftables"];
    let mut layer = Layer::new(store)?;
    base(&mut layer)?;
    Packages::of(sources.rootfs)?.add(
        &mut layer,
        TOOLS,
        &["debconf", "dpkg", "init-system-helpers"],
    )?;
    write_kubernetes(store, sources, "kube-proxy", &[layer.finish()?])
}

/// An image of one of Kubernetes' own programs over other layers.
fn write_kubernetes(
    store: &Store,
    sources: &KubernetesSources<'_>,
    name: &str,
    below: &[Descriptor],
) -> Result<()> {
    let program = format!("/usr/local/bin/{name}");
    let mut layer = Layer::new(store)?;
    layer.copy(&Path::new(sources.programs).join(name), &program, 0o755)?;
    let layers = [below, &[layer.finish()?]].concat();
    let reference = Reference::new(REGISTRY, name, &sources.version.to_string())?;
    image::write(
        store,
        &[reference],
        &layers,
        &Config { entrypoint: &[&program], ..Config::default() },
    )?;
    Ok(())
}
