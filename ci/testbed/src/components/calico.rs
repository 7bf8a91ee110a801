//! What Calico adds to a cluster: two images, its CNI plugin, and the definitions of its own objects.

use std::{fs, path::PathBuf};

use super::{
    catalogue::{CALICO, CALICO_RELEASE},
    plugins,
};
use crate::{
    cache::{Cache, Key},
    error::{Error, Result},
    images::{
        Store,
        recipes::{self, CalicoSources},
    },
    progress::Progress,
};

/// The release of Calico, and the tag of its images.
pub fn calico_version() -> &'static str {
    CALICO_RELEASE
}

/// What [`build`] made.
pub(super) struct Built {
    /// A directory of images.
    pub images: PathBuf,
    /// The CNI plugins, with Calico's among them.
    pub cni_bin: PathBuf,
    /// The file with the definitions.
    pub definitions: PathBuf,
}

/// Makes it. `root` is the artefact of the nodes' root file system.
pub(super) fn build(
    root: &PathBuf,
    busybox: &PathBuf,
    cni_plugins: &PathBuf,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<Built> {
    let calico = CALICO.build(cache, progress)?;
    let key = Key::of_artefacts("calico-images", &[&calico, root, busybox])
        .input("recipe", recipes::CALICO_TEXT.concat())
        .finish();
    let images = cache.artefact("calico-images", &key, "images of Calico", progress, |build| {
        let sources = CalicoSources {
            rootfs: &root.join("root"),
            busybox,
            calico: &calico,
            version: CALICO_RELEASE,
        };
        recipes::write_calico(&Store::at(build.directory()), &sources)
    })?;
    let key = Key::of_artefacts("cni-bin-calico", &[cni_plugins, &calico]).finish();
    let step = "CNI plugins with Calico's";
    let cni_bin = cache.artefact("cni-bin-calico", &key, step, progress, |build| {
        plugins::link(cni_plugins, build)?;
        // By the name that it is called by it is the one or the other.
        for name in ["calico", "calico-ipam"] {
            let link = build.directory().join(name);
            fs::hard_link(calico.join("calico"), &link).map_err(Error::io("link", &link))?;
        }
        Ok(())
    })?;
    let definitions = definitions(cache, progress)?.join(DEFINITIONS);
    Ok(Built { images, cni_bin, definitions })
}

const DEFINITIONS: &str = "crds.yaml";

/// The artefact with the manifest of the CustomResourceDefinitions, which lies in Calico's module.
fn definitions(cache: &Cache, progress: &dyn Progress) -> Result<PathBuf> {
    let key = Key::of("calico-definitions").input("go.sum", CALICO.go_sum).finish();
    let step = "definitions of Calico's objects";
    cache.artefact("calico-definitions", &key, step, progress, |build| {
        let path = CALICO.source(build)?.join("manifests").join(DEFINITIONS);
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let path = build.directory().join(DEFINITIONS);
        fs::write(&path, text).map_err(Error::io("write", &path))
    })
}
