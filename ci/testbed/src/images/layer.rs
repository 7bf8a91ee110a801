//! Layers, written so that the same content always gives the same digest: no times, owners only
//! where they matter, entries in the order in which the recipe adds them.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use tar::{EntryType, Header};

use super::{
    document::{Descriptor, LAYER},
    store::{Blob, Store},
};
use crate::error::{Error, Result};

/// A layer that is being written. Of what is added twice under one path the first stays.
pub(super) struct Layer<'a> {
    store: &'a Store,
    tar: tar::Builder<Blob>,
    paths: HashSet<PathBuf>,
}

impl io::Write for Blob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<'a> Layer<'a> {
    pub(super) fn new(store: &'a Store) -> Result<Self> {
        Ok(Self { store, tar: tar::Builder::new(store.begin()?), paths: HashSet::new() })
    }

    /// Writes the layer's end and puts it into the store.
    pub(super) fn finish(self) -> Result<Descriptor> {
        let blob = self.tar.into_inner().map_err(Error::io("finish a layer", "of an image"))?;
        self.store.finish(LAYER, blob)
    }

    /// Whether something was added under this path.
    pub(super) fn has(&self, path: impl AsRef<Path>) -> bool {
        self.paths.contains(&inside(path.as_ref()))
    }

    pub(super) fn directory(&mut self, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        self.add(path.as_ref(), EntryType::Directory, mode, None, &mut io::empty(), 0)
    }

    /// A file of this content.
    pub(super) fn file(&mut self, path: impl AsRef<Path>, content: &str, mode: u32) -> Result<()> {
        let bytes = content.as_bytes();
        self.add(path.as_ref(), EntryType::Regular, mode, None, &mut &bytes[..], bytes.len() as u64)
    }

    /// A file with the content of one outside.
    pub(super) fn copy(&mut self, source: &Path, path: impl AsRef<Path>, mode: u32) -> Result<()> {
        let mut file = File::open(source).map_err(Error::io("open", source))?;
        let size = file.metadata().map_err(Error::io("read", source))?.len();
        self.add(path.as_ref(), EntryType::Regular, mode, None, &mut file, size)
    }

    pub(super) fn symlink(
        &mut self,
        path: impl AsRef<Path>,
        target: impl AsRef<Path>,
    ) -> Result<()> {
        let target = Some(target.as_ref());
        self.add(path.as_ref(), EntryType::Symlink, 0o777, target, &mut io::empty(), 0)
    }

    /// Another name of a file that was added before.
    pub(super) fn hard_link(
        &mut self,
        path: impl AsRef<Path>,
        target: impl AsRef<Path>,
    ) -> Result<()> {
        let target = inside(target.as_ref());
        self.add(path.as_ref(), EntryType::Link, 0o755, Some(&target), &mut io::empty(), 0)
    }

    /// What lies under `path` in the file system at `root`: a file, a link or a directory (without
    /// its content), with the mode it has there. Links in the way to it (`/lib` to `/usr/lib`) are
    /// followed, so it lies where they lead. What is not there is left out.
    pub(super) fn take(&mut self, root: &Path, path: &Path) -> Result<()> {
        let path = without_links(root, path);
        let source = root.join(&path);
        let Ok(metadata) = fs::symlink_metadata(&source) else { return Ok(()) };
        let mode = metadata.mode() & 0o7777;
        if metadata.is_dir() {
            self.directory(path, mode)
        } else if metadata.is_symlink() {
            let target = fs::read_link(&source).map_err(Error::io("read", &source))?;
            self.symlink(path, target)
        } else if metadata.is_file() {
            self.copy(&source, path, mode)
        } else {
            Ok(())
        }
    }

    fn add(
        &mut self,
        path: &Path,
        kind: EntryType,
        mode: u32,
        target: Option<&Path>,
        content: &mut dyn Read,
        size: u64,
    ) -> Result<()> {
        let path = inside(path);
        if path.as_os_str().is_empty() || self.paths.contains(&path) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.directory(parent, 0o755)?;
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let written = match target {
            Some(target) => self.tar.append_link(&mut header, &path, target),
            None => self.tar.append_data(&mut header, &path, content),
        };
        written.map_err(Error::io("add to a layer", &path))?;
        self.paths.insert(path);
        Ok(())
    }
}

/// A path as archives have it: relative to the root, without dots.
fn inside(path: &Path) -> PathBuf {
    path.components().filter(|component| matches!(component, Component::Normal(_))).collect()
}

/// The same place in the file system at `root`, reached by no link but perhaps the last element.
fn without_links(root: &Path, path: &Path) -> PathBuf {
    let elements: Vec<_> = inside(path).iter().map(ToOwned::to_owned).collect();
    let Some((last, parents)) = elements.split_last() else { return PathBuf::new() };
    let mut place = PathBuf::new();
    for element in parents {
        let next = place.join(element);
        place = match fs::read_link(root.join(&next)) {
            Ok(target) if target.is_absolute() => inside(&target),
            Ok(target) => place.join(target),
            Err(_) => next,
        };
    }
    place.join(last)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The entries of a layer: kind, path, mode, link target, content.
    fn entries(store: &Store, layer: &Descriptor) -> Vec<(EntryType, String, u32, String, String)> {
        let mut archive = tar::Archive::new(File::open(store.blob(&layer.digest)).unwrap());
        let entry = |entry: io::Result<tar::Entry<'_, File>>| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            let link = entry
                .link_name()
                .unwrap()
                .map(|path| path.display().to_string())
                .unwrap_or_default();
            let path = entry.path().unwrap().display().to_string();
            (entry.header().entry_type(), path, entry.header().mode().unwrap(), link, content)
        };
        archive.entries().unwrap().map(entry).collect()
    }

    fn paths(store: &Store, layer: &Descriptor) -> Vec<String> {
        entries(store, layer).into_iter().map(|(_, path, ..)| path).collect()
    }

    #[test]
    fn parents_are_added_once_and_the_first_of_two_stays() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let mut layer = Layer::new(&store).unwrap();
        layer.file("/etc/one", "first", 0o644).unwrap();
        layer.file("etc/one", "second", 0o600).unwrap();
        layer.symlink("/etc/two", "one").unwrap();
        layer.hard_link("/bin/three", "/etc/one").unwrap();
        let entries = entries(&store, &layer.finish().unwrap());
        let text = |kind, path: &str, mode, link: &str, content: &str| {
            (kind, path.into(), mode, link.into(), content.into())
        };
        assert_eq!(
            entries,
            [
                text(EntryType::Directory, "etc", 0o755, "", ""),
                text(EntryType::Regular, "etc/one", 0o644, "", "first"),
                text(EntryType::Symlink, "etc/two", 0o777, "one", ""),
                text(EntryType::Directory, "bin", 0o755, "", ""),
                text(EntryType::Link, "bin/three", 0o755, "etc/one", ""),
            ]
        );
    }

    #[test]
    fn the_same_content_gives_the_same_digest_whenever_its_files_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path().join("store"));
        let source = directory.path().join("source");
        let digest = |seconds| {
            fs::write(&source, "content").unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            File::options().write(true).open(&source).unwrap().set_modified(time).unwrap();
            let mut layer = Layer::new(&store).unwrap();
            layer.copy(&source, "/file", 0o755).unwrap();
            layer.finish().unwrap().digest
        };
        assert_eq!(digest(1), digest(2));
    }

    #[test]
    fn what_is_taken_through_a_linked_directory_lies_where_the_link_leads() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir_all(root.join("usr/lib/deep")).unwrap();
        symlink("usr/lib", root.join("lib")).unwrap();
        fs::write(root.join("usr/lib/deep/libm.so"), "m").unwrap();
        symlink("libm.so", root.join("usr/lib/deep/libm.so.6")).unwrap();
        let store = Store::at(directory.path().join("store"));
        let mut layer = Layer::new(&store).unwrap();
        for path in ["/lib/deep/libm.so", "/lib/deep/libm.so.6", "/lib/missing", "/usr/lib"] {
            layer.take(&root, Path::new(path)).unwrap();
        }
        assert!(layer.has("/usr/lib/deep/libm.so.6") && !layer.has("/lib/deep/libm.so"));
        let layer = layer.finish().unwrap();
        assert_eq!(
            paths(&store, &layer),
            ["usr", "usr/lib", "usr/lib/deep", "usr/lib/deep/libm.so", "usr/lib/deep/libm.so.6"]
        );
    }

    #[test]
    fn a_long_path_is_kept_whole() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(150));
        let mut layer = Layer::new(&store).unwrap();
        layer.file(&long, "", 0o644).unwrap();
        layer.symlink("link", &long).unwrap();
        let layer = layer.finish().unwrap();
        let entries = entries(&store, &layer);
        assert_eq!(entries[1].1, long);
        assert_eq!(entries[2].3, long);
    }
}
