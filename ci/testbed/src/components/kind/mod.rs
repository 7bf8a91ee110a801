//! What kind clusters are made of where there is no registry: an engine, kind itself, and a node image built by it.
//!
//! The node image is kind's own in all but three parts. Its base is made of Debian's packages for this machine's
//! release and of programs that clusters of the testbed have too; the images of kind's network agent and of its
//! volume provisioner are stand-ins (`images/recipes/kind.rs`); and machine-wide settings are hidden from its nodes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    Artefacts, LANES, busybox,
    catalogue::{self, KIND},
    debian::Debian,
    lanes,
};
use crate::{
    cache::{Build, Cache, Key},
    error::Error,
    images::{
        Reference, Store,
        recipes::{self, KindSources},
        save,
    },
    network::Cni,
    progress::{Progress, Silent},
};

/// What the engine's root file system has beside Debian's essential packages: podman with runc, for crun doesn't run
/// on hybrid control groups, and what both need for networks.
const ENGINE: &[&str] = &[
    "aardvark-dns",
    "ca-certificates",
    "iproute2",
    "iptables",
    "kmod",
    "mount",
    "netavark",
    "nftables",
    "podman",
    "procps",
    "runc",
    "usr-is-merged",
];

/// What kind's Dockerfile installs into its base image, but for what serves volumes of other machines.
const BASE: &[&str] = &[
    "bash",
    "ca-certificates",
    "conntrack",
    "curl",
    "dbus",
    "e2fsprogs",
    "ethtool",
    "iproute2",
    "iptables",
    "jq",
    "kmod",
    "libseccomp2",
    "mount",
    "nftables",
    "pigz",
    "procps",
    "systemd",
    "usr-is-merged",
    "util-linux",
];

/// The name of the base image. It is of no registry.
const BASE_IMAGE: &str = "localhost/kind-base:latest";

/// The pause image that kind's configuration of containerd names.
const SANDBOX: &str = "registry.k8s.io/pause:3.10";

/// What the product's workload is made of.
const WORKLOAD: &[&str] = &["docker.io/library/busybox:1.36", "docker.io/library/nginx:1.27"];

const BASE_SCRIPT: &str = include_str!("base.sh");
const IMAGE_SCRIPT: &str = include_str!("image.sh");
const ENGINE_SCRIPT: &str = include_str!("engine.sh");

/// The name of the enclosure in which a node image is built.
const BUILDER: &str = "kind-image";

/// Where everything lies that a kind cluster needs.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The root file system of the engine: podman and what it runs by. `engine.sh` beside it configures it.
    pub engine: PathBuf,
    /// The directory with `kind`.
    pub programs: PathBuf,
    /// The directory with `kubectl`.
    pub kubectl: PathBuf,
    /// podman's store with the node image, to be read only.
    pub storage: PathBuf,
    /// The name of the node image in it.
    pub image: String,
    /// An archive with the images of the product's workload.
    pub workload: PathBuf,
}

/// Makes everything that a kind cluster of the default Kubernetes needs, as far as it is not in the cache yet.
///
/// `testbed` is the testbed's own program, which runs the engine that builds the node image.
///
/// # Errors
/// The first failure of a step.
pub fn prepare(cache: &Cache, testbed: &Path, progress: &dyn Progress) -> Result<Parts, Error> {
    let artefacts = super::prepare(cache, catalogue::default_minor(), Cni::Ptp, progress)?;
    let debian = Debian::new()?;
    let cache = &cache.separate();
    let source = source(cache, progress)?;
    let [engine, base, programs, archives] = lanes::run(
        cache,
        LANES,
        [
            Box::new(|| engine(&debian, cache, progress)),
            Box::new(|| base(&debian, cache, progress, &source, &artefacts)),
            Box::new(|| KIND.build(cache, progress)),
            Box::new(|| archives(cache, progress, &source, &artefacts)),
        ],
    )?;
    let image = format!("localhost/kind-node:{}", artefacts.release.kubernetes);
    let build = NodeImage {
        testbed,
        name: &image,
        engine: &engine,
        programs: &programs,
        base: &base,
        archives: &archives,
    };
    let storage = build.artefact(cache, progress)?.join("storage");
    Ok(Parts {
        engine: engine.join("root"),
        programs,
        kubectl: artefacts.bin,
        storage,
        image,
        workload: archives.join("workload.tar"),
    })
}

/// Whether [`prepare`] would find everything in the cache, so that nothing that it builds with is needed.
pub fn is_prepared(cache: &Cache, testbed: &Path) -> bool {
    prepare(&cache.only_looking(), testbed, &Silent).is_ok()
}

/// The artefact with those parts of kind's source that images are made by: its files for the base image at `files`,
/// and the names of the images that its manifests want, one per line, in `images.txt`.
fn source(cache: &Cache, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let key = Key::of_artefacts("kind-source", &[])
        .input("go.mod", KIND.go_mod)
        .input("go.sum", KIND.go_sum)
        .input("recipe", include_str!("mod.rs"))
        .finish();
    cache.artefact("kind-source", &key, "source of kind's images", progress, |build| {
        let kind = KIND.source(build)?;
        let text = |name: &str| {
            let path = kind.join("pkg/build/nodeimage").join(name);
            fs::read_to_string(&path).map_err(Error::io("read", &path))
        };
        let text = text("const_cni.go")? + &text("const_storage.go")?;
        let names = IMAGES.map(|constant| constant_of(&text, constant)).concat();
        if names.lines().count() != IMAGES.len() {
            return Err(build.error(format!("kind's source names no {}", IMAGES.join(" or "))));
        }
        let list = build.directory().join("images.txt");
        fs::write(&list, names).map_err(Error::io("write", &list))?;
        let files = build.directory().join("files");
        build.run(
            Command::new("cp")
                .args(["-r", "--no-preserve=mode,ownership"])
                .args([kind.join("images/base/files"), files]),
        )
    })
}

/// The constants of kind's source with the names of the images in its manifests.
const IMAGES: [&str; 3] = ["kindnetdImage", "storageProvisionerImage", "storageHelperImage"];

/// A line with the value of a constant of Go; nothing where there is none.
fn constant_of(source: &str, name: &str) -> String {
    let start = format!("const {name} = \"");
    let value = source.lines().find_map(|line| line.strip_prefix(&start)?.split('"').next());
    value.map(|value| format!("{value}\n")).unwrap_or_default()
}

/// The artefact with the engine's root file system at `root`, and `engine.sh`.
fn engine(debian: &Debian, cache: &Cache, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let key = debian.key("kind-engine", &format!("{ENGINE:?}{ENGINE_SCRIPT}"));
    let step = format!("container engine of {}", debian.codename());
    cache.artefact("kind-engine", &key, &step, progress, |build| {
        let root = debian.root(build, ENGINE)?;
        let script = root.join("engine/engine.sh");
        fs::create_dir(root.join("engine")).map_err(Error::io("create", root.join("engine")))?;
        fs::write(&script, ENGINE_SCRIPT).map_err(Error::io("write", &script))
    })
}

/// The artefact with the root file system of kind's base image at `root`.
fn base(
    debian: &Debian,
    cache: &Cache,
    progress: &dyn Progress,
    source: &Path,
    artefacts: &Artefacts,
) -> Result<PathBuf, Error> {
    let inputs = [source, &artefacts.bin, &artefacts.cni_bin].map(Path::to_owned);
    let key = debian.key(
        "kind-base",
        &format!(
            "{BASE:?}{BASE_SCRIPT}{}",
            Key::of_artefacts("kind-base", &inputs.each_ref()).finish()
        ),
    );
    let step = format!("base image of {}", debian.codename());
    cache.artefact("kind-base", &key, &step, progress, |build| {
        let root = debian.root(build, BASE)?;
        build.run(
            Command::new("sh")
                .args(["-c", BASE_SCRIPT, "base.sh"])
                .arg(root)
                .arg(source.join("files"))
                .args([&artefacts.bin, &artefacts.cni_bin]),
        )
    })
}

/// The artefact with `server`, which is what a release's kubernetes-server.tar.gz holds, and `workload.tar`.
///
/// kind pulls what no archive of the server names, so that of kube-proxy holds all else that a node needs.
fn archives(
    cache: &Cache,
    progress: &dyn Progress,
    source: &Path,
    artefacts: &Artefacts,
) -> Result<PathBuf, Error> {
    let busybox = busybox::build(cache, progress)?;
    let mut inputs = vec![source.to_owned(), busybox.clone(), artefacts.bin.clone()];
    inputs.extend(artefacts.registry.iter().cloned());
    let key = recipes::KIND_TEXT
        .iter()
        .fold(
            Key::of_artefacts("kind-archives", &inputs.iter().collect::<Vec<_>>()),
            |key, text| key.input("recipe", text),
        )
        .input("recipe", include_str!("mod.rs"))
        .finish();
    cache.artefact("kind-archives", &key, "archives for kind", progress, |build| {
        let list = source.join("images.txt");
        let list = fs::read_to_string(&list).map_err(Error::io("read", &list))?;
        let names = list.lines().map(str::parse).collect::<Result<Vec<Reference>, Error>>()?;
        let [network_agent, volume_provisioner, volume_helper] = &names[..] else {
            return Err(build.error("kind's source names other images than were expected"));
        };
        let own = build.directory().join("images");
        recipes::write_kind(
            &Store::at(&own),
            &KindSources {
                rootfs: &artefacts.rootfs,
                busybox: &busybox,
                programs: &artefacts.bin,
                network_agent,
                volume_provisioner,
                volume_helper,
            },
        )?;
        let stores: Vec<Store> = artefacts.registry.iter().chain([&own]).map(Store::at).collect();
        server(build, artefacts, &stores, names)?;
        let workload = references(WORKLOAD)?;
        save(&stores, &workload, &build.directory().join("workload.tar"))?;
        fs::remove_dir_all(&own).map_err(Error::io("remove", &own))
    })
}

fn server(
    build: &Build<'_>,
    artefacts: &Artefacts,
    stores: &[Store],
    mut with_proxy: Vec<Reference>,
) -> Result<(), Error> {
    let kubernetes = build.directory().join("server/kubernetes");
    let bin = kubernetes.join("server/bin");
    fs::create_dir_all(&bin).map_err(Error::io("create", &bin))?;
    let version = artefacts.release.kubernetes.to_string();
    let path = kubernetes.join("version");
    fs::write(&path, &version).map_err(Error::io("write", &path))?;
    for program in ["kubeadm", "kubectl", "kubelet"] {
        let link = bin.join(program);
        fs::hard_link(artefacts.bin.join(program), &link).map_err(Error::io("link", &link))?;
    }
    let tags = &artefacts.release.tags;
    with_proxy.extend(references(&[
        &format!("registry.k8s.io/etcd:{}", tags.etcd),
        &format!("registry.k8s.io/coredns/coredns:{}", tags.coredns),
        SANDBOX,
    ])?);
    for name in ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"] {
        let mut images = references(&[&format!("registry.k8s.io/{name}:{version}")])?;
        if name == "kube-proxy" {
            images.append(&mut with_proxy);
        }
        save(stores, &images, &bin.join(format!("{name}.tar")))?;
    }
    Ok(())
}

fn references<T: AsRef<str>>(names: &[T]) -> Result<Vec<Reference>, Error> {
    names.iter().map(|name| name.as_ref().parse()).collect()
}

/// How the node image is built: by kind, within an engine that is gone afterwards.
struct NodeImage<'a> {
    testbed: &'a Path,
    name: &'a str,
    engine: &'a Path,
    programs: &'a Path,
    base: &'a Path,
    archives: &'a Path,
}

impl NodeImage<'_> {
    /// The artefact with podman's store at `storage`.
    fn artefact(&self, cache: &Cache, progress: &dyn Progress) -> Result<PathBuf, Error> {
        let inputs = [self.engine, self.programs, self.base, self.archives].map(Path::to_owned);
        let key = Key::of_artefacts("kind-image", &inputs.each_ref())
            .input("script", IMAGE_SCRIPT)
            .input("name", self.name)
            .finish();
        cache.artefact("kind-image", &key, "node image of kind", progress, |build| {
            let storage = build.directory().join("storage");
            fs::create_dir(&storage).map_err(Error::io("create", &storage))?;
            let mut command = Command::new(self.testbed);
            command.args(["--name", BUILDER, "enclose", "--root"]).arg(self.engine.join("root"));
            let binds = [
                (self.programs.join("kind"), "/usr/local/bin/kind"),
                (self.base.join("root"), "/base"),
                (self.archives.join("server"), "/server"),
            ];
            for (from, to) in binds {
                command.arg("--bind").arg(format!("{}:{to}", from.display()));
            }
            command.arg("--bind-writable").arg(format!("{}:/storage", storage.display()));
            command.args(["--", "sh", "-c", IMAGE_SCRIPT, "image.sh", BASE_IMAGE, self.name]);
            build.run(&command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_constant_is_found_in_the_source_of_go() {
        let source = "package x\n\nconst a = \"one\"\nconst ab = \"docker.io/x:v1\" // it\n";
        assert_eq!(constant_of(source, "ab"), "docker.io/x:v1\n");
        assert_eq!(constant_of(source, "c"), "");
    }

    #[test]
    fn the_workload_is_what_the_product_deploys() {
        let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/../../manifests");
        let mut images: Vec<String> = fs::read_dir(manifests)
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .flat_map(|text| {
                let images = text.lines().filter_map(|line| line.trim().strip_prefix("image: "));
                images.map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        images.sort();
        images.dedup();
        assert_eq!(images, WORKLOAD);
    }
}
