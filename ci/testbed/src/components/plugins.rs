//! The CNI plugins of every cluster, to which a pod network adds its own.

use std::{fs, path::Path};

use crate::{
    cache::Build,
    error::{Error, Result},
};

/// Puts the plugins of a directory into that of a build. They are hard links: one copy on disk.
pub(super) fn link(plugins: &Path, build: &Build<'_>) -> Result<()> {
    for entry in fs::read_dir(plugins).map_err(Error::io("list", plugins))? {
        let entry = entry.map_err(Error::io("list", plugins))?;
        let link = build.directory().join(entry.file_name());
        fs::hard_link(entry.path(), &link).map_err(Error::io("link", &link))?;
    }
    Ok(())
}
