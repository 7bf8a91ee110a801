//! A report's file: opened before the run, so that a bad path fails before anything is created,
//! and put in place whole at the end.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::Builder;

use super::streams;

/// Why a report's file can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It can't be opened for writing.
    #[error("cannot write {what} to {path}: {error}; nothing was started, choose another path")]
    Open {
        /// Which report (`the JUnit report`).
        what: &'static str,
        /// The path as given.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// Two reports would go to one place.
    #[error("{first} and {second} cannot both go to {path}; choose another path for one of them")]
    Same {
        /// One report.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// The path of both.
        path: PathBuf,
    },
}

/// An opened place for a report. Dropped unwritten, it leaves no file: an empty one would look like
/// a report.
#[derive(Debug)]
pub struct OutputFile {
    what: &'static str,
    path: PathBuf,
    place: Place,
    written: bool,
}

#[derive(Debug)]
enum Place {
    Stdout,
    /// A device, a pipe: what is written is gone.
    Stream(File),
    /// A file, by its real path, emptied so that the report of an earlier run can't be taken for
    /// this one's.
    File {
        real: PathBuf,
        file: File,
    },
}

impl OutputFile {
    /// Opens the place for a report (`what` it is, for messages). `-` is stdout.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn open(what: &'static str, path: &Path) -> Result<Self, OutputError> {
        let place = if path.as_os_str() == "-" {
            Place::Stdout
        } else {
            Self::place(path).map_err(|error| OutputError::Open {
                what,
                path: path.to_owned(),
                error,
            })?
        };
        Ok(Self { what, path: path.to_owned(), place, written: false })
    }

    fn place(path: &Path) -> io::Result<Place> {
        // Not truncated by opening: a pipe and a device have nothing to truncate.
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.is_file() {
            file.set_len(0)?;
            Ok(Place::File { real: fs::canonicalize(path)?, file })
        } else {
            Ok(Place::Stream(file))
        }
    }

    /// Whether it is stdout.
    pub const fn is_stdout(&self) -> bool {
        matches!(self.place, Place::Stdout)
    }

    /// Whether its name asks for a compressed file.
    pub fn wants_gzip(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
    }

    /// Refuses two reports in one place.
    ///
    /// # Errors
    /// Where `other` is the same file, or stdout as well.
    pub fn differs_from(&self, other: &Self) -> Result<(), OutputError> {
        let same = match (&self.place, &other.place) {
            (Place::Stdout, Place::Stdout) => true,
            (Place::File { real: a, .. }, Place::File { real: b, .. }) => a == b,
            _ => false,
        };
        if same {
            Err(OutputError::Same { first: self.what, second: other.what, path: self.path.clone() })
        } else {
            Ok(())
        }
    }

    /// The report and its place, for messages.
    pub fn describe(&self) -> String {
        format!("{} to {}", self.what, self.path.display())
    }

    /// Writes the whole report. What can't be written there, as on a full disk, is not lost: it goes
    /// to a new temporary file, or else to stderr.
    ///
    /// # Errors
    /// Whatever writing gives, with where the report went instead.
    pub fn write(mut self, content: &[u8]) -> io::Result<()> {
        self.try_write(content).map_err(|error| {
            let instead = match save(&self.path, content) {
                Ok(path) => format!("saved to {} instead", path.display()),
                Err(_) => match io::stderr().lock().write_all(content) {
                    Ok(()) => "printed to stderr instead".to_owned(),
                    Err(_) => "it is lost".to_owned(),
                },
            };
            io::Error::new(error.kind(), format!("{error}; {instead}"))
        })
    }

    fn try_write(&mut self, content: &[u8]) -> io::Result<()> {
        match &mut self.place {
            Place::Stdout => streams::write_to_stdout(content)?,
            Place::Stream(file) => file.write_all(content)?,
            Place::File { real, file } => match replace(real, file, content) {
                // The directory may be closed to us though the file is not.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    file.write_all(content)?;
                }
                other => other?,
            },
        }
        self.written = true;
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let (Place::File { real, .. }, false) = (&self.place, self.written) {
            // Where even that fails, the file stays empty, which no reader takes for a report.
            let _ = fs::remove_file(real);
        }
    }
}

/// Puts the content into a new temporary file with the same extension.
fn save(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let extension = path.extension().map(|it| format!(".{}", it.display())).unwrap_or_default();
    let mut file = Builder::new().prefix("dualstack-").suffix(&extension).tempfile()?;
    file.write_all(content)?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

/// Puts a new file with this content where the opened one is, in one step.
fn replace(real: &Path, opened: &File, content: &[u8]) -> io::Result<()> {
    let directory = real.parent().unwrap_or(Path::new("."));
    let mut new = Builder::new()
        .prefix(".dualstack-")
        .permissions(opened.metadata()?.permissions())
        .tempfile_in(directory)?;
    new.write_all(content)?;
    new.persist(real).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_replaces_the_one_of_an_earlier_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.xml");
        fs::write(&path, "old, and longer than the new one").unwrap();
        let output = OutputFile::open("the JUnit report", &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "", "a stale report must not survive");
        output.write(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_report_that_is_never_written_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.xml");
        drop(OutputFile::open("the JUnit report", &path).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn a_report_into_a_missing_directory_is_refused_with_the_path() {
        let error = OutputFile::open("the JUnit report", Path::new("/nowhere/r.xml")).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("cannot write the JUnit report to /nowhere/r.xml: "), "{text}");
    }

    #[test]
    fn two_reports_in_one_place_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report");
        let other = directory.path().join(".").join("report");
        let junit = OutputFile::open("the JUnit report", &path).unwrap();
        let record = OutputFile::open("the run record", &other).unwrap();
        assert!(junit.differs_from(&record).is_err());
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let output = OutputFile::open("the run record", Path::new("/dev/null")).unwrap();
        output.write(b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_report_for_which_the_disk_is_full_is_kept_elsewhere() {
        let output = OutputFile::open("the run record", Path::new("/dev/full")).unwrap();
        let text = output.write(b"all of it").unwrap_err().to_string();
        let (_, rest) = text.split_once("; saved to ").unwrap();
        let path = rest.strip_suffix(" instead").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "all of it");
        fs::remove_file(path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        OutputFile::open("the run record", &link).unwrap().write(b"{}").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "{}");
    }
}
