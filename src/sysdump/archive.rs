//! The archive: files, a table of what they are, and one compressed tar of them.

use std::{fmt::Write, io};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

/// No file but the record and its reports may be larger, in bytes.
const LARGEST: usize = 8 << 20;

/// So much do all of them make at most, besides the record and its reports.
const LARGEST_SUM: usize = 64 << 20;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it lies.
    pub path: String,
    /// What it is, in a phrase.
    pub what: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Files, and why others are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Archive {
    /// The files, in order.
    pub entries: Vec<Entry>,
    /// What is missing, and why: full phrases.
    pub missing: Vec<String>,
    sum: usize,
}

impl Archive {
    /// An empty one, of which this much is known to be missing.
    pub(crate) fn without(missing: Vec<String>) -> Self {
        Self { missing, ..Self::default() }
    }

    /// Adds a file that has to be there.
    pub(crate) fn add(&mut self, path: &str, what: &str, content: Vec<u8>) {
        self.entries.push(Entry { path: path.to_owned(), what: what.to_owned(), content });
    }

    /// Adds a file, unless that makes the archive too large; then it says so.
    pub(crate) fn add_bounded(&mut self, path: &str, what: &str, content: Vec<u8>) {
        let size = content.len();
        if size > LARGEST || self.sum + size > LARGEST_SUM {
            self.missing.push(format!("{path} ({what}): left out, because it is {}", bytes(size)));
        } else {
            self.sum += size;
            self.add(path, what, content);
        }
    }

    /// All of it as one compressed tar, whose files lie in a directory of this name. The table of
    /// contents comes first.
    ///
    /// # Errors
    /// A path is too long for a tar.
    pub(crate) fn pack(
        mut self,
        name: &str,
        introduction: &str,
        at: Timestamp,
    ) -> io::Result<Vec<u8>> {
        let contents = self.contents(introduction).into_bytes();
        let table =
            Entry { path: "CONTENTS.md".to_owned(), what: String::new(), content: contents };
        self.entries.insert(0, table);
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        for Entry { path, content, .. } in self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len().try_into().unwrap_or(u64::MAX));
            header.set_mode(0o644);
            header.set_mtime(seconds);
            tar.append_data(&mut header, format!("{name}/{path}"), content.as_slice())?;
        }
        tar.into_inner()?.finish()
    }

    fn contents(&self, introduction: &str) -> String {
        let mut text = format!("{introduction}\n\n| file | size | what it is |\n|---|---|---|\n");
        for Entry { path, what, content } in &self.entries {
            // Writing to a String can't fail.
            let _ = writeln!(text, "| `{path}` | {} | {what} |", bytes(content.len()));
        }
        if !self.missing.is_empty() {
            text.push_str("\nWhat is missing:\n\n");
            for missing in &self.missing {
                let _ = writeln!(text, "- {missing}");
            }
        }
        text
    }
}

/// A size for people.
pub(crate) fn bytes(size: usize) -> String {
    match size {
        0..1024 => format!("{size} bytes"),
        1024..1_048_576 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn an_archive_begins_with_what_is_in_it_and_what_is_not() {
        let mut archive = Archive::default();
        archive.add("run.json", "the record", b"{}".to_vec());
        archive.add_bounded("cluster/nodes.json", "the nodes", vec![b' '; LARGEST + 1]);
        let packed = archive.pack("dump", "# A dump", Timestamp::UNIX_EPOCH).unwrap();
        let mut tar = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let files: Vec<(String, String)> = tar
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let path = entry.path().unwrap().display().to_string();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                (path, text)
            })
            .collect();
        assert_eq!(files.len(), 2);
        assert_eq!(files[1], ("dump/run.json".to_owned(), "{}".to_owned()));
        let (path, contents) = &files[0];
        assert_eq!(path, "dump/CONTENTS.md");
        assert!(contents.starts_with("# A dump"), "{contents}");
        assert!(contents.contains("| `run.json` | 2 bytes | the record |"), "{contents}");
        assert!(
            contents.contains("- cluster/nodes.json (the nodes): left out, because it is 8 MiB"),
            "{contents}"
        );
    }
}
