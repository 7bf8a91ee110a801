//! Reading what is to be linted: bounded in size, number and depth, and never silent about what
//! could not be read.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// What to lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, or a directory with all below it.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

impl From<&str> for Input {
    /// A path, or `-` for standard input.
    fn from(text: &str) -> Self {
        if text == "-" { Self::Stdin } else { Self::Path(text.into()) }
    }
}

/// How standard input is named.
pub(super) const STDIN: &str = "<stdin>";

impl Input {
    /// A path that doesn't exist or can't be reached, and why.
    pub(super) fn missing(&self) -> Option<(String, String)> {
        let Self::Path(path) = self else { return None };
        let error = fs::metadata(path).err()?;
        Some((display(path), because(&error)))
    }
}

/// Bounds of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that a file may have.
    pub file_bytes: u64,
    /// The most bytes that all files together may have.
    pub total_bytes: u64,
    /// The most files that are read.
    pub files: usize,
    /// How many values all files together may hold once aliases are expanded.
    pub values: usize,
    /// How many directories below a named one are descended into.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 8 << 20,
            total_bytes: 256 << 20,
            files: 20_000,
            values: 3_000_000,
            depth: 32,
        }
    }
}

/// A file that was found and is to be read.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Its name for people.
    pub(super) name: String,
    /// Where it is; nothing for standard input.
    pub(super) path: Option<PathBuf>,
    /// Why it can't be read, if that is known already.
    pub(super) failed: Option<String>,
    /// Whether it was found in a directory, and not named by itself.
    pub(super) found: bool,
}

/// What was found below the inputs.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files to read, in a stable order.
    pub(super) candidates: Vec<Candidate>,
    /// What was left out on the way, and why.
    pub(super) skipped: Vec<String>,
}

/// Lists the files that the inputs name.
pub(super) fn list_files(inputs: &[Input], limits: Limits) -> Found {
    let mut walk = Walk { limits, found: Found::default(), seen: HashSet::new() };
    for input in inputs {
        match input {
            Input::Stdin => walk.add(STDIN.into(), None, None),
            Input::Path(path) => walk.named(path),
        }
    }
    walk.found
}

struct Walk {
    limits: Limits,
    found: Found,
    /// Directories that were entered, by their real paths.
    seen: HashSet<PathBuf>,
}

impl Walk {
    fn add(&mut self, name: String, path: Option<PathBuf>, failed: Option<String>) {
        self.found.candidates.push(Candidate { name, path, failed, found: false });
    }

    fn found_in_directory(&mut self, path: PathBuf) {
        let name = display(&path);
        self.found.candidates.push(Candidate { name, path: Some(path), failed: None, found: true });
    }

    fn named(&mut self, path: &Path) {
        let name = display(path);
        match fs::metadata(path) {
            Err(error) => self.add(name, None, Some(because(&error))),
            Ok(metadata) if metadata.is_dir() => self.directory(path, 0),
            Ok(_) => self.add(name, Some(path.to_owned()), None),
        }
    }

    fn directory(&mut self, path: &Path, depth: usize) {
        let name = display(path);
        if depth > self.limits.depth {
            let most = self.limits.depth;
            self.found.skipped.push(format!("{name}: more than {most} directories deep"));
            return;
        }
        match fs::canonicalize(path) {
            Ok(real) if self.seen.insert(real.clone()) => {}
            Ok(_) => {
                self.found
                    .skipped
                    .push(format!("{name}: links back to a directory that was already read"));
                return;
            }
            Err(error) => {
                self.add(name, None, Some(because(&error)));
                return;
            }
        }
        let mut entries = match fs::read_dir(path) {
            Ok(entries) => entries.filter_map(Result::ok).map(|e| e.path()).collect::<Vec<_>>(),
            Err(error) => {
                self.add(name, None, Some(because(&error)));
                return;
            }
        };
        entries.sort();
        for entry in entries {
            if self.found.candidates.len() >= self.limits.files {
                let most = self.limits.files;
                self.found
                    .skipped
                    .push(format!("{name}: more than {most} files; the rest is not read"));
                return;
            }
            let hidden =
                entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            match fs::metadata(&entry) {
                Ok(metadata) if metadata.is_dir() && !hidden => self.directory(&entry, depth + 1),
                Ok(metadata) if metadata.is_file() && !hidden && is_configuration(&entry) => {
                    self.found_in_directory(entry);
                }
                Ok(_) => {}
                Err(error) => {
                    let name = display(&entry);
                    // A broken link is not a file that anybody meant to be read.
                    self.found.skipped.push(format!("{name}: {}", because(&error)));
                }
            }
        }
    }
}

/// Whether a file found in a directory is read: by its ending, and kernel settings by their place.
fn is_configuration(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    matches!(ending.to_ascii_lowercase().as_str(), "yaml" | "yml" | "json")
        || is_sysctl(path)
        || is_corefile(path)
        || is_unit(path)
        || is_cni(path)
}

/// Whether a file is a service of systemd, or a drop-in for one.
fn is_unit(path: &Path) -> bool {
    let ending = |part: Option<&Path>, ending: &str| {
        part.and_then(Path::extension).is_some_and(|own| own == ending)
    };
    let drop_in = path
        .parent()
        .and_then(Path::to_str)
        .is_some_and(|directory| directory.ends_with(".service.d"));
    ending(Some(path), "service") || (drop_in && ending(Some(path), "conf"))
}

/// Whether a file is CNI configuration: by its ending, or by where a node has it.
fn is_cni(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let directory = path.parent().and_then(Path::file_name);
    ending == "conflist" || (ending == "conf" && directory.is_some_and(|own| own == "net.d"))
}

/// Whether a file is a configuration of CoreDNS.
pub(super) fn is_corefile(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Corefile")
}

/// Whether a file is in the form of sysctl.conf(5).
pub(super) fn is_sysctl(path: &Path) -> bool {
    let named = |part: Option<&std::ffi::OsStr>, name: &str| part.is_some_and(|part| part == name);
    let directory = path.parent().and_then(Path::file_name);
    named(path.file_name(), "sysctl.conf")
        || (named(path.extension(), "conf") && named(directory, "sysctl.d"))
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

/// What went wrong, in words that follow "can't be read: ".
fn because(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// A text that was read, or why it could not be. What could be read before a flaw is kept.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) flaw: Option<String>,
    pub(super) fix: Option<String>,
}

impl Content {
    fn flawed(flaw: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { text: String::new(), flaw: Some(flaw.into()), fix: Some(fix.into()) }
    }
}

/// Reads one candidate.
pub(super) fn read(candidate: &Candidate, limits: Limits) -> Content {
    let what = match (&candidate.failed, &candidate.path) {
        (Some(failed), _) => {
            let flaw = format!("{} can't be read: {failed}", candidate.name);
            return Content { flaw: Some(flaw), ..Content::default() };
        }
        (None, Some(path)) => fs::File::open(path).and_then(|file| bounded(file, limits)),
        (None, None) => bounded(io::stdin().lock(), limits),
    };
    match what {
        Err(error) => {
            let flaw = format!("{} can't be read: {}", candidate.name, because(&error));
            Content { flaw: Some(flaw), ..Content::default() }
        }
        Ok(None) => {
            let most = limits.file_bytes;
            Content::flawed(
                format!("{} is larger than {most} bytes and was not read", candidate.name),
                "name the file with the configuration, or raise --max-file-size",
            )
        }
        Ok(Some(bytes)) => decode(bytes),
    }
}

/// Reads all there is, or nothing if it is more than the limit.
fn bounded(reader: impl Read, limits: Limits) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    let within = u64::try_from(bytes.len()).is_ok_and(|length| length <= limits.file_bytes);
    Ok(within.then_some(bytes))
}

/// Makes text of bytes: UTF-8, or UTF-16 with a byte-order mark.
pub(super) fn decode(bytes: Vec<u8>) -> Content {
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return utf16(rest, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes);
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Content::flawed(
            format!("not a text file: zero byte at offset {at}"),
            "name a YAML or JSON file",
        );
    }
    String::from_utf8(bytes).map_or_else(
        |error| {
            let at = error.utf8_error().valid_up_to();
            Content::flawed(
                format!("not UTF-8: invalid byte at offset {at}"),
                "convert the file to UTF-8, for example with iconv",
            )
        },
        |text| Content { text, ..Content::default() },
    )
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Content {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    let flaw = "this file is UTF-16; Kubernetes tools expect UTF-8";
    let fix = "convert the file to UTF-8, for example with iconv -f UTF-16 -t UTF-8";
    match String::from_utf16(&units) {
        Ok(text) if rest.is_empty() && !text.contains('\0') => {
            Content { text, flaw: Some(flaw.into()), fix: Some(fix.into()) }
        }
        _ => Content::flawed("this file looks like UTF-16, but is not text", fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(decode(b"\xEF\xBB\xBFa: 1".to_vec()).text, "a: 1");
    }

    #[test]
    fn utf_16_is_read_and_said() {
        let content = decode(b"\xFF\xFEa\0:\0 \x001\0".to_vec());
        assert_eq!(content.text, "a: 1");
        assert!(content.flaw.unwrap().contains("UTF-16"));
    }

    #[test]
    fn other_encodings_and_binary_files_are_named_with_the_offset() {
        assert!(decode(b"a: \xE9".to_vec()).flaw.unwrap().contains("offset 3"));
        assert!(decode(b"a\0".to_vec()).flaw.unwrap().contains("offset 1"));
    }

    #[test]
    fn no_more_is_read_than_the_limit_allows() {
        let limits = Limits { file_bytes: 4, ..Limits::default() };
        assert_eq!(bounded(&b"1234"[..], limits).unwrap(), Some(b"1234".to_vec()));
        assert_eq!(bounded(io::repeat(b'a'), limits).unwrap(), None);
    }
}
