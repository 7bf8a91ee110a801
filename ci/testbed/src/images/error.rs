//! Why an image could not be written or read.

use std::io;
use std::path::{Path, PathBuf};

use super::reference::InvalidReference;

/// Why an image could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be read or written.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `create`, `rename`, …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What came back.
        source: io::Error,
    },
    /// A file is no image archive, or a broken one.
    #[error("{} is no image archive that can be loaded: {reason}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A program or file that an image is made of is missing.
    #[error("the image {image} can't be made: {reason}")]
    Recipe {
        /// The image.
        image: String,
        /// What is missing.
        reason: String,
    },
    /// A name that is no image's.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
}

impl Error {
    /// Turns an I/O error into one that says what was tried on what.
    pub(crate) fn io(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }
}
