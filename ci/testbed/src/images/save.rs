//! Saving images into an archive, as `docker save` does.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
};

use tar::{Builder, EntryType, Header};

use super::{
    digest::Digest,
    document::{DockerImage, Manifest},
    image::json,
    reference::Reference,
    store::Store,
};
use crate::error::{Error, Result};

/// Writes images into one archive that Docker, podman, containerd and `kind load image-archive`
/// read. Each name is taken from the first of the stores that has it.
///
/// The index `repositories` comes first: of what lists names, `kind build node-image` reads the
/// first thing in an archive, and that one has them all.
///
/// # Errors
/// When no store has an image, or anything can't be read or written.
pub fn save(stores: &[Store], names: &[Reference], archive: &Path) -> Result<()> {
    let mut images: BTreeMap<String, Saved> = BTreeMap::new();
    let mut repositories: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    for name in names {
        let (store, manifest) = store_of(stores, name)?;
        let image = match images.remove(&manifest.to_string()) {
            Some(known) => known,
            None => Saved::read(store, &manifest)?,
        };
        let repository = format!("{}/{}", name.registry(), name.repository());
        let tags = repositories.entry(repository).or_default();
        tags.insert(name.tag(), image.config.digits().to_owned());
        let image = Saved { names: [image.names, vec![name.to_string()]].concat(), ..image };
        images.insert(manifest.to_string(), image);
    }
    let index: Vec<DockerImage> = images
        .values()
        .map(|image| DockerImage {
            config: config_path(&image.config),
            repo_tags: Some(image.names.clone()),
            layers: image.layers.iter().map(layer_path).collect(),
        })
        .collect();
    let file = File::create(archive).map_err(Error::io("create", archive))?;
    let mut tar = Builder::new(file);
    add(&mut tar, "repositories", &json(&repositories)?)?;
    add(&mut tar, "manifest.json", &json(&index)?)?;
    let mut blobs = BTreeMap::new();
    for image in images.values() {
        blobs.insert(config_path(&image.config), image.store.blob(&image.config));
        for layer in &image.layers {
            blobs.insert(layer_path(layer), image.store.blob(layer));
        }
    }
    for (path, blob) in blobs {
        let mut file = File::open(&blob).map_err(Error::io("open", &blob))?;
        let size = file.metadata().map_err(Error::io("read", &blob))?.len();
        let mut header = header(size);
        tar.append_data(&mut header, &path, &mut file).map_err(Error::io("save", &blob))?;
    }
    tar.into_inner().map(drop).map_err(Error::io("finish", archive))
}

/// An image of an archive.
struct Saved<'a> {
    store: &'a Store,
    config: Digest,
    layers: Vec<Digest>,
    names: Vec<String>,
}

impl<'a> Saved<'a> {
    fn read(store: &'a Store, manifest: &Digest) -> Result<Self> {
        let path = store.blob(manifest);
        let text = fs::read(&path).map_err(Error::io("read", &path))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| Error::Format {
            what: format!("parse {}", path.display()),
            reason: error.to_string(),
        })?;
        let layers = manifest.layers.into_iter().map(|layer| layer.digest).collect();
        Ok(Self { store, config: manifest.config.digest, layers, names: Vec::new() })
    }
}

fn store_of<'a>(stores: &'a [Store], name: &Reference) -> Result<(&'a Store, Digest)> {
    for store in stores {
        if let Some(manifest) = store.resolve(name)? {
            return Ok((store, manifest));
        }
    }
    Err(Error::Artefact {
        what: format!("an archive with {name}"),
        reason: "that image was not built".to_owned(),
    })
}

fn config_path(config: &Digest) -> String {
    format!("{}.json", config.digits())
}

fn layer_path(layer: &Digest) -> String {
    format!("{}/layer.tar", layer.digits())
}

fn header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_mtime(0);
    header
}

fn add(tar: &mut Builder<File>, path: &str, content: &[u8]) -> Result<()> {
    let mut header = header(content.len() as u64);
    tar.append_data(&mut header, path, content).map_err(Error::io("save", path))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::Value;

    use super::{
        super::{
            archive::load,
            image::{self, Config},
            layer::Layer,
        },
        *,
    };

    fn store(names: &[Reference], content: &str) -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let mut layer = Layer::new(&store).unwrap();
        layer.file("/file", content, 0o644).unwrap();
        let layer = layer.finish().unwrap();
        image::write(&store, names, &[layer], &Config::default()).unwrap();
        (directory, store)
    }

    fn names(names: &[&str]) -> Vec<Reference> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn what_was_saved_is_what_is_loaded_from_the_archive() {
        let all = names(&["busybox:1.36", "busybox:1.37", "docker.io/kindest/kindnetd:v1"]);
        let (_one, busybox) = store(&all[..2], "busybox");
        let (_two, kindnetd) = store(&all[2..], "kindnetd");
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("images.tar");
        save(&[busybox.clone(), kindnetd.clone()], &all, &archive).unwrap();

        let root = directory.path().join("loaded");
        let (mut loaded, mut wanted) = (load(&archive, &root).unwrap(), all.clone());
        loaded.sort();
        wanted.sort();
        assert_eq!(loaded, wanted);
        let loaded = Store::at(&root);
        for (name, store) in all.iter().zip([&busybox, &busybox, &kindnetd]) {
            assert_eq!(loaded.resolve(name).unwrap(), store.resolve(name).unwrap(), "{name}");
        }
    }

    #[test]
    fn the_first_thing_in_an_archive_lists_every_name_in_full() {
        let all = names(&["busybox:1.36", "registry.k8s.io/pause:3.10"]);
        let (_directory, store) = store(&all, "x");
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("images.tar");
        save(&[store], &all, &archive).unwrap();
        let mut tar = tar::Archive::new(File::open(&archive).unwrap());
        let mut first = tar.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(first.path().unwrap().to_str(), Some("repositories"));
        let mut text = String::new();
        first.read_to_string(&mut text).unwrap();
        let listed: Value = serde_json::from_str(&text).unwrap();
        assert!(listed["docker.io/library/busybox"]["1.36"].is_string(), "{text}");
        assert!(listed["registry.k8s.io/pause"]["3.10"].is_string(), "{text}");
    }

    #[test]
    fn an_image_that_no_store_has_is_an_error_that_names_it() {
        let (_directory, store) = store(&names(&["busybox:1.36"]), "x");
        let archive = tempfile::NamedTempFile::new().unwrap();
        let error = save(&[store], &names(&["nginx:1.27"]), archive.path()).unwrap_err();
        assert!(error.to_string().contains("docker.io/library/nginx:1.27"), "{error}");
    }
}
