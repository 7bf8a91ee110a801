//! What a cluster is made of: programs, the nodes' root file system and images, all built here once and cached.

mod apt;
mod busybox;
mod calico;
mod catalogue;
mod debian;
mod flannel;
mod go;
pub mod kind;
mod lanes;
mod pause;
mod plugins;
mod rootfs;

use std::{fs, path::PathBuf};

pub use calico::calico_version;
pub use catalogue::{default_minor, go_version, minors};
pub use flannel::flannel_version;

use crate::{
    cache::{Cache, Key},
    error::Error,
    images::{
        Store,
        recipes::{self, KubernetesSources, Sources},
    },
    network::Cni,
    progress::{Progress, Silent},
    version::{KubernetesMinor, Version},
};

/// The pause image that kubeadm's newest minors name; containerd has to be told of it as well.
const PAUSE_TAG: &str = "3.10.2";

/// How many artefacts are made at once. `go build` and `make` use every core by themselves; beside one that links or
/// downloads another can compile, and a third would only wait for memory.
const LANES: usize = 2;

/// The programs that a node runs or a person runs on it.
const PROGRAMS: &[&str] = &[
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "etcdctl",
    "kubeadm",
    "kubectl",
    "kubelet",
    "runc",
];

/// Everything that clusters of one version of Kubernetes are made of.
#[derive(Clone, Debug)]
pub struct Artefacts {
    /// Programs that nodes and the testbed run: kubelet, kubeadm, kubectl, containerd, containerd-shim-runc-v2, ctr,
    /// runc, etcdctl. All static, in one directory.
    pub bin: PathBuf,
    /// A root file system for nodes. It is shared: mount it read-only, or as the lower layer of an overlay.
    pub rootfs: PathBuf,
    /// The CNI plugins: ptp, bridge, host-local, portmap, loopback, and those that the pod network brings.
    pub cni_bin: PathBuf,
    /// The manifest of the CustomResourceDefinitions that the pod network has, where it has any.
    pub definitions: Option<PathBuf>,
    /// The directories that a registry with this version's images is served from.
    pub registry: Vec<PathBuf>,
    /// The release of Kubernetes.
    pub release: Release,
}

/// A release of Kubernetes as clusters are made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its version.
    pub kubernetes: Version,
    /// The tags of the images that a minor of kubeadm may name otherwise.
    pub tags: ImageTags,
}

/// The release that clusters of a minor are made of. Nothing is built.
///
/// # Errors
/// When there are no components of that minor.
pub fn release(kubernetes: KubernetesMinor) -> Result<Release, Error> {
    Ok(Release { kubernetes: catalogue::kubernetes(kubernetes)?.1, tags: ImageTags::new() })
}

/// The tags under which images are served that kubeadm's configuration can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageTags {
    /// Of `registry.k8s.io/etcd`: `etcd.local.imageTag`.
    pub etcd: String,
    /// Of `registry.k8s.io/coredns/coredns`: `dns.imageTag`.
    pub coredns: String,
    /// Of `registry.k8s.io/pause`: containerd's sandbox image.
    pub pause: String,
}

impl ImageTags {
    fn new() -> Self {
        Self {
            // The suffix is that of the image's own revisions, which upstream counts from 0.
            etcd: format!("{}-0", catalogue::ETCD.version().trim_start_matches('v')),
            coredns: catalogue::COREDNS.version().to_owned(),
            pause: PAUSE_TAG.to_owned(),
        }
    }
}

/// Makes everything that a cluster of a minor of Kubernetes and of a pod network needs, as far as it is not in
/// the cache yet.
///
/// It blocks: for some minutes when nothing is there, hardly at all when everything is. Independent artefacts are made
/// side by side.
///
/// # Errors
/// The first failure of a step. The others are stopped then.
pub fn prepare(
    cache: &Cache,
    kubernetes: KubernetesMinor,
    cni: Cni,
    progress: &dyn Progress,
) -> Result<Artefacts, Error> {
    let (component, version) = catalogue::kubernetes(kubernetes)?;
    let debian = debian::Debian::new()?;
    let release = Release { kubernetes: version, tags: ImageTags::new() };
    let cache = &cache.separate();
    // The longest come first, so that the lanes end together.
    let [programs, root, coredns, containerd, busybox, etcd, runc, cni_bin, pause] = lanes::run(
        cache,
        LANES,
        [
            Box::new(|| component.build(cache, progress)),
            Box::new(|| rootfs::build(&debian, cache, progress)),
            Box::new(|| catalogue::COREDNS.build(cache, progress)),
            Box::new(|| catalogue::CONTAINERD.build(cache, progress)),
            Box::new(|| busybox::build(cache, progress)),
            Box::new(|| catalogue::ETCD.build(cache, progress)),
            Box::new(|| catalogue::RUNC.build(cache, progress)),
            Box::new(|| catalogue::CNI_PLUGINS.build(cache, progress)),
            Box::new(|| pause::build(cache, progress)),
        ],
    )?;
    let rootfs = root.join("root");
    let common = Sources {
        rootfs: &rootfs,
        busybox: &busybox,
        pause: &pause,
        etcd: &etcd,
        coredns: &coredns,
        etcd_tag: &release.tags.etcd,
        coredns_tag: &release.tags.coredns,
    };
    let own = KubernetesSources { rootfs: &rootfs, programs: &programs, version };
    let [common, own, bin] = lanes::run(
        cache,
        LANES,
        [
            Box::new(|| {
                let inputs = [&root, &busybox, &pause, &etcd, &coredns];
                images(cache, progress, "images", inputs, |store| {
                    recipes::write_common(store, &common)
                })
            }),
            Box::new(|| {
                let step = format!("images of Kubernetes {version}");
                images(cache, progress, &step, [&root, &programs], |store| {
                    recipes::write_kubernetes(store, &own)
                })
            }),
            Box::new(|| bin(cache, progress, &[&programs, &containerd, &runc, &etcd])),
        ],
    )?;
    let registry = vec![own, common];
    let mut artefacts = Artefacts { bin, rootfs, cni_bin, definitions: None, registry, release };
    match cni {
        Cni::Ptp => {}
        Cni::Flannel => {
            let [images, plugins] =
                flannel::build(&root, &busybox, &artefacts.cni_bin, cache, progress)?;
            artefacts.registry.push(images);
            artefacts.cni_bin = plugins;
        }
        Cni::Calico => {
            let made = calico::build(&root, &busybox, &artefacts.cni_bin, cache, progress)?;
            artefacts.registry.push(made.images);
            artefacts.cni_bin = made.cni_bin;
            artefacts.definitions = Some(made.definitions);
        }
    }
    Ok(artefacts)
}

/// Whether [`prepare`] would find everything in the cache, so that nothing that it builds with is needed.
pub fn is_prepared(cache: &Cache, kubernetes: KubernetesMinor, cni: Cni) -> bool {
    prepare(&cache.only_looking(), kubernetes, cni, &Silent).is_ok()
}

/// A directory of images, keyed by the artefacts they are made of and by how.
fn images<const N: usize>(
    cache: &Cache,
    progress: &dyn Progress,
    step: &str,
    inputs: [&PathBuf; N],
    write: impl FnOnce(&Store) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let key = recipes::TEXT
        .iter()
        .fold(Key::of_artefacts("images", &inputs), |key, text| key.input("recipe", text))
        .finish();
    cache.artefact("images", &key, step, progress, |build| write(&Store::at(build.directory())))
}

/// The programs that nodes run, from several artefacts in one directory. They are hard links: one copy on disk.
fn bin(cache: &Cache, progress: &dyn Progress, inputs: &[&PathBuf]) -> Result<PathBuf, Error> {
    let key = Key::of_artefacts("bin", inputs).input("programs", PROGRAMS.join(" ")).finish();
    cache.artefact("bin", &key, "programs of nodes", progress, |build| {
        for name in PROGRAMS {
            let source =
                inputs.iter().map(|directory| directory.join(name)).find(|path| path.exists());
            let source =
                source.ok_or_else(|| build.error(format!("no component has a program {name}")))?;
            let link = build.directory().join(name);
            fs::hard_link(&source, &link).map_err(Error::io("link", &link))?;
        }
        Ok(())
    })
}
