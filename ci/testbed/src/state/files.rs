//! Files of the state, whole or not at all.

use std::{fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Context, Error, Result};

/// Reads a JSON file; `None` where there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).context(|| format!("read {}", path.display())),
    };
    serde_json::from_slice(&text).map(Some).map_err(|e| Error::Format {
        what: format!("understand {}", path.display()),
        reason: e.to_string(),
    })
}

/// Writes a JSON file whole or not at all: a reader, or a crash, never meets half of it.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_vec_pretty(value).map_err(|e| Error::Format {
        what: format!("write {}", path.display()),
        reason: e.to_string(),
    })?;
    write_whole(path, &text)
}

/// Writes a file beside its place and renames it there.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let write = || -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&beside, content)?;
        fs::rename(&beside, path)
    };
    write().context(|| format!("write {}", path.display()))
}

/// The kernel's id of this boot.
pub(crate) fn boot_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    Ok(fs::read_to_string(path).context(|| format!("read {path}"))?.trim().to_owned())
}
