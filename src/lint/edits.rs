//! `--fix` and `--diff`: what has one right answer, written into the files.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use similar::TextDiff;

use super::{
    Report,
    source::{Edit, SourceId, Sources},
};

/// What a byte-order mark looks like in UTF-8; sources are read without it.
const MARK: char = '\u{feff}';

/// A file and what its text becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The file's name, or `<stdin>`.
    pub(super) name: String,
    /// The text as it was read.
    old: String,
    /// The text with every edit made.
    new: String,
    /// How many edits that are.
    pub(super) edits: usize,
}

/// The files that the findings' edits change. Where two edits overlap the first one is made.
pub(super) fn changes(report: &Report) -> Vec<Change> {
    let mut by_source: BTreeMap<SourceId, Vec<&Edit>> = BTreeMap::new();
    for edit in report.findings.iter().flat_map(|finding| &finding.edits) {
        if report.sources.get(edit.span.source).is_file {
            by_source.entry(edit.span.source).or_default().push(edit);
        }
    }
    by_source.into_iter().filter_map(|(id, edits)| change(&report.sources, id, edits)).collect()
}

fn change(sources: &Sources, id: SourceId, mut edits: Vec<&Edit>) -> Option<Change> {
    let source = sources.get(id);
    let mut new = String::with_capacity(source.text.len());
    let (mut done, mut count) = (0, 0);
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    edits.dedup();
    for edit in edits {
        // A value is written inside its quotes, if it has any; one that is written otherwise than
        // it reads is left alone.
        let written = sources.text(edit.span);
        let Some(inside) = written.find(&edit.old) else { continue };
        let start = edit.span.start + inside;
        if start < done {
            continue;
        }
        new.push_str(source.text.get(done..start)?);
        new.push_str(&edit.new);
        done = start + edit.old.len();
        count += 1;
    }
    new.push_str(source.text.get(done..)?);
    let (name, old) = (source.name.clone(), source.text.clone());
    (count > 0 && new != old).then_some(Change { name, old, new, edits: count })
}

impl Change {
    /// As a unified diff.
    pub(super) fn diff(&self) -> String {
        let diff = TextDiff::from_lines(&self.old, &self.new);
        diff.unified_diff().header(&self.name, &self.name).to_string()
    }

    /// Replaces the file.
    ///
    /// # Errors
    ///
    /// If it can't be written, is no longer what was read, or is not plain UTF-8.
    pub(super) fn write(&self) -> io::Result<()> {
        let path = fs::canonicalize(&self.name)?;
        let now = fs::read_to_string(&path)?;
        let text = now.strip_prefix(MARK).unwrap_or(&now);
        if text != self.old {
            return Err(io::Error::other("it changed, or has line breaks of old Macs"));
        }
        let mark = if now.starts_with(MARK) { MARK.to_string() } else { String::new() };
        replace(&path, &format!("{mark}{}", self.new))
    }
}

/// Replaces a file at once, with the same permissions.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
