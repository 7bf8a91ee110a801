//! Loading images from archives, as `docker save` and OCI tools write them.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    digest::Digest,
    document::{
        CONFIG, Descriptor, DockerImage, Index, LAYER, LAYER_GZIP, MANIFEST, Manifest, Platform,
    },
    image::write_manifest,
    reference::Reference,
    store::Store,
};
use crate::error::{Error, Result};

/// What a gzip stream begins with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Loads every image of an archive into the directory at `root`, under the names it has in the
/// archive, and says which those are. Archives by `docker save` and OCI image layouts are read; the
/// archive itself must not be compressed.
///
/// # Errors
/// When the archive is of neither kind, has no name for an image, or anything can't be read or
/// written.
pub fn load(archive: &Path, root: &Path) -> Result<Vec<Reference>> {
    let archive = Archive::open(archive)?;
    let store = Store::at(root);
    // Docker writes both indexes since version 25. Its own has the names as people wrote them.
    if let Some(index) = archive.json::<Vec<DockerImage>>("manifest.json")? {
        load_docker(&archive, &store, &index)
    } else if let Some(index) = archive.json::<Index>("index.json")? {
        load_oci(&archive, &store, &index)
    } else {
        Err(archive.error("it has neither a manifest.json (docker save) nor an index.json (OCI)"))
    }
}

fn load_docker(archive: &Archive, store: &Store, index: &[DockerImage]) -> Result<Vec<Reference>> {
    let mut loaded = Vec::new();
    for image in index {
        let names = image
            .repo_tags
            .iter()
            .flatten()
            .map(|name| archive.name(name))
            .collect::<Result<Vec<_>>>()?;
        if names.is_empty() {
            return Err(archive.error("an image in it has no name; save it by name, not by id"));
        }
        let config = archive.put(store, CONFIG, &image.config)?;
        let layers =
            image.layers.iter().map(|path| archive.put(store, archive.layer_type(path)?, path));
        write_manifest(store, &names, config, layers.collect::<Result<_, _>>()?)?;
        loaded.extend(names);
    }
    Ok(loaded)
}

fn load_oci(archive: &Archive, store: &Store, index: &Index) -> Result<Vec<Reference>> {
    let mut loaded = Vec::new();
    for descriptor in &index.manifests {
        // containerd's own annotation has the whole name; the specification's may have the tag
        // alone.
        let name = ["io.containerd.image.name", "org.opencontainers.image.ref.name"]
            .into_iter()
            .find_map(|key| descriptor.annotations.get(key))
            .ok_or_else(|| {
                archive.error(
                    "an image in it has no name (annotation org.opencontainers.image.ref.name)",
                )
            })?;
        let name = archive.name(name)?;
        let manifest = put_oci(archive, store, descriptor)?;
        store.tag(&name, &manifest)?;
        loaded.push(name);
    }
    Ok(loaded)
}

/// Puts a manifest and all it refers to; of an index that for this machine's platform.
fn put_oci(archive: &Archive, store: &Store, descriptor: &Descriptor) -> Result<Digest> {
    let path = blob_path(&descriptor.digest);
    let kind = &descriptor.media_type;
    if kind.contains("index") || kind.contains("list") {
        let index: Index = archive.required(&path)?;
        let ours = |platform: &Platform| {
            platform.os == "linux" && platform.architecture == super::image::architecture()
        };
        let manifest =
            index.manifests.iter().find(|manifest| manifest.platform.as_ref().is_none_or(ours));
        let manifest = manifest
            .ok_or_else(|| archive.error("it has no image for this machine's architecture"))?;
        let direct = Descriptor { media_type: MANIFEST.into(), ..manifest.clone() };
        return put_oci(archive, store, &direct);
    }
    let manifest: Manifest = archive.required(&path)?;
    for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
        archive.put_checked(store, &blob.digest)?;
    }
    archive.put_checked(store, &descriptor.digest)
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.digits())
}

/// An archive, with the place of every file in it.
struct Archive {
    path: PathBuf,
    /// Offset and length in bytes.
    files: HashMap<String, (u64, u64)>,
}

impl Archive {
    fn open(path: &Path) -> Result<Self> {
        let mut archive = Self { path: path.to_owned(), files: HashMap::new() };
        let broken = |archive: &Self, error: std::io::Error| archive.error(error.to_string());
        let mut links: Vec<(String, String)> = Vec::new();
        if archive.begins_with(&GZIP, 0)? {
            return Err(archive.error("it is compressed; decompress it first, with gunzip"));
        }
        let mut tar = tar::Archive::new(archive.file()?);
        for entry in tar.entries_with_seek().map_err(|error| broken(&archive, error))? {
            let entry = entry.map_err(|error| broken(&archive, error))?;
            let name = entry.path().map_err(|error| broken(&archive, error))?.display().to_string();
            let name = name.trim_start_matches("./").to_owned();
            match entry.link_name().map_err(|error| broken(&archive, error))? {
                // Older versions of Docker link a layer that several images have.
                Some(target) => links.push((name, target.display().to_string())),
                None => {
                    let place = (entry.raw_file_position(), entry.size());
                    archive.files.insert(name, place);
                }
            }
        }
        for (name, target) in links {
            let target = target.trim_start_matches("../").trim_start_matches("./");
            if let Some(place) = archive.files.get(target).copied() {
                archive.files.insert(name, place);
            }
        }
        Ok(archive)
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error::Invalid(format!("could not load {}: {}", self.path.display(), reason.into()))
    }

    fn name(&self, text: &str) -> Result<Reference> {
        text.parse().map_err(|error: Error| self.error(error.to_string()))
    }

    fn file(&self) -> Result<File> {
        File::open(&self.path).map_err(Error::io("open", &self.path))
    }

    /// A file's content, as a reader; none if there is no such file.
    fn read(&self, name: &str) -> Result<Option<std::io::Take<File>>> {
        let Some((offset, length)) = self.files.get(name).copied() else { return Ok(None) };
        let mut file = self.file()?;
        file.seek(SeekFrom::Start(offset)).map_err(Error::io("read", &self.path))?;
        Ok(Some(file.take(length)))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(reader) = self.read(name)? else { return Ok(None) };
        serde_json::from_reader(std::io::BufReader::new(reader))
            .map(Some)
            .map_err(|error| self.error(format!("its {name} cannot be parsed: {error}")))
    }

    /// A document that has to be there.
    fn required<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.json(name)?.ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Error {
        self.error(format!("its file {name} is missing"))
    }

    /// Puts one file as a blob.
    fn put(&self, store: &Store, media_type: &str, name: &str) -> Result<Descriptor> {
        let mut reader = self.read(name)?.ok_or_else(|| self.missing(name))?;
        store.put_from(media_type, &mut reader)
    }

    /// Puts a blob of an OCI layout, which has to have the digest that it is named by.
    fn put_checked(&self, store: &Store, digest: &Digest) -> Result<Digest> {
        let put = self.put(store, LAYER, &blob_path(digest))?;
        if put.digest == *digest {
            Ok(put.digest)
        } else {
            Err(self.error(format!("its blob {digest} has the digest {}", put.digest)))
        }
    }

    /// Layers of Docker are not compressed as a rule, but may be.
    fn layer_type(&self, name: &str) -> Result<&'static str> {
        let (offset, _) = *self.files.get(name).ok_or_else(|| self.missing(name))?;
        Ok(if self.begins_with(&GZIP, offset)? { LAYER_GZIP } else { LAYER })
    }

    /// Whether these bytes stand at an offset.
    fn begins_with(&self, mark: &[u8], offset: u64) -> Result<bool> {
        let mut file = self.file()?;
        file.seek(SeekFrom::Start(offset)).map_err(Error::io("read", &self.path))?;
        let mut found = vec![0; mark.len()];
        Ok(file.read_exact(&mut found).is_ok() && found == mark)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::{super::image::architecture, *};

    fn tar(directory: &Path, files: &[(&str, Vec<u8>)]) -> PathBuf {
        let path = directory.join("image.tar");
        let mut tar = tar::Builder::new(File::create(&path).unwrap());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, content.as_slice()).unwrap();
        }
        tar.finish().unwrap();
        path
    }

    fn bytes(value: &Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    fn manifest(store: &Store, name: &str) -> Value {
        let digest = store.resolve(&name.parse().unwrap()).unwrap().unwrap();
        serde_json::from_slice(&fs::read(store.blob(&digest)).unwrap()).unwrap()
    }

    #[test]
    fn an_archive_of_docker_save_is_loaded_under_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let index = json!([{ "Config": "c.json", "RepoTags": ["mine:dev", "registry.k8s.io/\
         mine:v1"], "Layers": ["l/layer.tar", "z.tar.gz"] }]);
        let path = tar(
            directory.path(),
            &[
                ("c.json", b"{}".to_vec()),
                ("l/layer.tar", b"plain".to_vec()),
                ("z.tar.gz", vec![0x1f, 0x8b, 8, 0]),
                ("manifest.json", bytes(&index)),
            ],
        );
        let store = Store::at(directory.path().join("store"));
        let loaded = load(&path, &directory.path().join("store")).unwrap();
        let names: Vec<_> = loaded.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["docker.io/library/mine:dev", "registry.k8s.io/mine:v1"]);
        let manifest = manifest(&store, "mine:dev");
        assert_eq!(manifest["layers"][0]["mediaType"], LAYER);
        assert_eq!(manifest["layers"][1]["mediaType"], LAYER_GZIP);
        let layer = store.blob(&manifest["layers"][0]["digest"].as_str().unwrap().parse().unwrap());
        assert_eq!(fs::read(layer).unwrap(), b"plain");
    }

    /// The files of an OCI layout with one image of one layer behind an index of two platforms.
    fn oci_layout() -> Vec<(String, Vec<u8>)> {
        let blob =
            |content: Vec<u8>| (format!("blobs/sha256/{}", Digest::of(&content).digits()), content);
        let digest = |content: &[u8]| Digest::of(content).to_string();
        let (config, layer) = (b"{}".to_vec(), b"layer".to_vec());
        let manifest = bytes(&json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "digest": digest(&config), "size": 2 }, "layers": [{ "digest": digest(&layer), "size": 5 }],
        }));
        let index = bytes(&json!({ "schemaVersion": 2, "manifests": [
            {
                "mediaType": MANIFEST, "digest": digest(b"other"),
                "platform": { "os": "linux", "architecture": "s390x" },
            },
            {
                "mediaType": MANIFEST, "digest": digest(&manifest),
                "platform": { "os": "linux", "architecture": architecture() },
            },
        ] }));
        let top = bytes(&json!({ "schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest(&index),
            "annotations": { "io.containerd.image.name": "docker.io/library/\
             mine:dev", "org.opencontainers.image.ref.name": "dev" },
        }] }));
        vec![blob(config), blob(layer), blob(manifest), blob(index), ("index.json".into(), top)]
    }

    #[test]
    fn an_oci_archive_is_loaded_for_this_machines_platform() {
        let directory = tempfile::tempdir().unwrap();
        let files = oci_layout();
        let files: Vec<_> =
            files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
        let path = tar(directory.path(), &files);
        let root = directory.path().join("store");
        let loaded = load(&path, &root).unwrap();
        assert_eq!(loaded[0].to_string(), "docker.io/library/mine:dev");
        let manifest = manifest(&Store::at(&root), "mine:dev");
        assert_eq!(manifest["layers"][0]["digest"], Digest::of(b"layer").to_string());
    }

    #[test]
    fn a_blob_that_is_not_what_its_name_says_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = oci_layout();
        files[1].1 = b"forged".to_vec();
        let files: Vec<_> =
            files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
        let error =
            load(&tar(directory.path(), &files), &directory.path().join("store")).unwrap_err();
        assert!(error.to_string().contains("has the digest"), "{error}");
    }

    #[test]
    fn what_is_no_image_archive_is_told_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = tar(directory.path(), &[("hello", b"world".to_vec())]);
        let error = load(&path, directory.path()).unwrap_err();
        assert!(error.to_string().contains("neither"), "{error}");
        fs::write(&path, [0x1f, 0x8b, 8, 0]).unwrap();
        let error = load(&path, directory.path()).unwrap_err();
        assert!(error.to_string().contains("gunzip"), "{error}");
        fs::write(&path, "no archive at all").unwrap();
        assert!(load(&path, directory.path()).is_err());
        assert!(load(&directory.path().join("missing"), directory.path()).is_err());
    }

    #[test]
    fn an_image_without_a_name_is_refused_with_advice() {
        let directory = tempfile::tempdir().unwrap();
        let index = json!([{ "Config": "c.json", "RepoTags": null, "Layers": [] }]);
        let path =
            tar(directory.path(), &[("c.json", b"{}".to_vec()), ("manifest.json", bytes(&index))]);
        let error = load(&path, directory.path()).unwrap_err();
        assert!(error.to_string().contains("by name"), "{error}");
    }
}
