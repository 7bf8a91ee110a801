//! A directory of images: blobs under their digests, and names that point at them.
//!
//! ```text
//! blobs/sha256/<64 digits>              layers, configurations and manifests
//! names/<registry>/<repository>:<tag>   the digest of a manifest
//! ```
//!
//! Everything is written under another name and renamed, so that a reader beside a writer sees
//! whole files only.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::PathBuf,
};

use tempfile::NamedTempFile;

use super::{
    digest::{Digest, Digesting},
    document::Descriptor,
    reference::Reference,
};
use crate::error::{Error, Result};

/// A directory of images.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in a directory, which need not be there as long as nothing is put into it.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a blob lies, or would lie.
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.digits())
    }

    /// The digest of the manifest that a name points at; none if there is no such name.
    ///
    /// # Errors
    /// When what is there can't be read or is no digest.
    pub fn resolve(&self, reference: &Reference) -> Result<Option<Digest>> {
        let path = self.name(reference);
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|error| {
                Error::io("read", &path)(io::Error::new(io::ErrorKind::InvalidData, error))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    /// Lets a name point at a manifest, whatever it pointed at before.
    pub(super) fn tag(&self, reference: &Reference, manifest: &Digest) -> Result<()> {
        let path = self.name(reference);
        let directory = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
        let mut file =
            NamedTempFile::new_in(directory).map_err(Error::io("create a file in", directory))?;
        io::Write::write_all(&mut file, manifest.to_string().as_bytes())
            .map_err(Error::io("write", &path))?;
        file.persist(&path).map_err(|error| Error::io("write", &path)(error.error))?;
        Ok(())
    }

    /// Puts a blob of which all bytes are at hand.
    pub(super) fn put(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor> {
        self.put_from(media_type, &mut &bytes[..])
    }

    /// Puts a blob that is read to its end.
    pub(super) fn put_from(
        &self,
        media_type: &str,
        reader: &mut dyn io::Read,
    ) -> Result<Descriptor> {
        let mut blob = self.begin()?;
        io::copy(reader, &mut blob.writer).map_err(Error::io("write a blob to", &self.root))?;
        self.finish(media_type, blob)
    }

    /// Begins a blob that is written bit by bit.
    pub(super) fn begin(&self) -> Result<Blob> {
        let directory = self.root.join("blobs/sha256");
        fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
        let file =
            NamedTempFile::new_in(&directory).map_err(Error::io("create a file in", &directory))?;
        Ok(Blob { writer: Digesting::new(io::BufWriter::with_capacity(1 << 18, file)) })
    }

    /// Puts a blob in its place.
    pub(super) fn finish(&self, media_type: &str, blob: Blob) -> Result<Descriptor> {
        let (buffer, digest, size) = blob.writer.finish();
        let path = self.blob(&digest);
        let file =
            buffer.into_inner().map_err(|error| Error::io("write", &path)(error.into_error()))?;
        readable(file.as_file()).map_err(Error::io("open up", &path))?;
        file.persist(&path).map_err(|error| Error::io("write", &path)(error.error))?;
        Ok(Descriptor {
            media_type: media_type.to_owned(),
            digest,
            size,
            annotations: BTreeMap::new(),
            platform: None,
        })
    }

    fn name(&self, reference: &Reference) -> PathBuf {
        let file = format!("{}:{}", reference.repository(), reference.tag());
        self.root.join("names").join(reference.registry()).join(file)
    }
}

/// Temporary files are their owner's alone, blobs are for everybody.
fn readable(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
}

/// A blob that is being written. Dropped before it is finished, it leaves nothing.
pub(super) struct Blob {
    pub writer: Digesting<io::BufWriter<NamedTempFile>>,
}

#[cfg(test)]
mod tests {
    use super::{super::document::LAYER, *};

    /// The paths of every file in a store.
    fn files(root: &std::path::Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(root).into_iter().flatten().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                found.extend(files(&entry.path()));
            } else {
                found.push(entry.path());
            }
        }
        found
    }

    #[test]
    fn a_blob_lies_under_its_digest() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let put = store.put(LAYER, b"layer").unwrap();
        assert_eq!((put.digest.clone(), put.size), (Digest::of(b"layer"), 5));
        assert_eq!(fs::read(store.blob(&put.digest)).unwrap(), b"layer");
    }

    #[test]
    fn a_name_points_at_what_it_was_last_given() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let name: Reference = "busybox:1.37".parse().unwrap();
        assert_eq!(store.resolve(&name).unwrap(), None);
        for content in [b"one", b"two"] {
            store.tag(&name, &Digest::of(content)).unwrap();
            assert_eq!(store.resolve(&name).unwrap(), Some(Digest::of(content)));
        }
    }

    #[test]
    fn a_repository_may_be_named_as_the_beginning_of_another() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        for name in ["registry.k8s.io/coredns:v1", "registry.k8s.io/coredns/coredns:v1"] {
            store.tag(&name.parse().unwrap(), &Digest::of(name.as_bytes())).unwrap();
        }
        assert_eq!(files(directory.path()).len(), 2);
    }

    #[test]
    fn a_blob_that_is_not_finished_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut blob = Store::at(directory.path()).begin().unwrap();
        io::Write::write_all(&mut blob.writer, b"half").unwrap();
        drop(blob);
        assert!(files(directory.path()).is_empty());
    }

    #[test]
    fn a_broken_name_is_an_error_and_not_an_unknown_image() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let name: Reference = "busybox".parse().unwrap();
        store.tag(&name, &Digest::of(b"")).unwrap();
        fs::write(directory.path().join("names/docker.io/library/busybox:latest"), "nonsense")
            .unwrap();
        assert!(store.resolve(&name).is_err());
    }
}
