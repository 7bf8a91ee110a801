//! Machine-wide limits that clusters need raised, and given back when the last one goes.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::files::{boot_id, read_json, write_json};
use crate::error::{Context, Result};

/// What is needed at least. One cluster of three nodes holds some 40 inotify instances, all of
/// the same user, of whom the kernel's default allows 128.
const NEEDED: [(&str, u64); 2] =
    [("fs/inotify/max_user_instances", 4096), ("fs/inotify/max_user_watches", 524_288)];

/// What was changed on the machine: `limits.json` beside the clusters' directories.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raised {
    /// A reboot undoes the changes by itself.
    boot_id: String,
    /// Name below /proc/sys to value before.
    before: BTreeMap<String, u64>,
}

/// Raises what is too low, after writing down what it was. The store must be locked.
pub(super) fn raise(store: &Path) -> Result<()> {
    raise_in(store, Path::new("/proc/sys"), &NEEDED)
}

/// Gives back what [`raise`] changed, unless somebody has changed it since. The store must be
/// locked, and without clusters.
pub(super) fn restore(store: &Path) -> Result<()> {
    restore_in(store, Path::new("/proc/sys"), &NEEDED)
}

fn file(store: &Path) -> PathBuf {
    store.join("limits.json")
}

fn raise_in(store: &Path, sysctl: &Path, needed: &[(&str, u64)]) -> Result<()> {
    let boot_id = boot_id()?;
    let mut raised = read_json::<Raised>(&file(store))?
        .filter(|raised| raised.boot_id == boot_id)
        .unwrap_or_else(|| Raised { boot_id, before: BTreeMap::new() });
    for &(name, least) in needed {
        let Some(now) = value(&sysctl.join(name)) else { continue };
        if now < least {
            raised.before.entry(name.to_owned()).or_insert(now);
            write_json(&file(store), &raised)?;
            let path = sysctl.join(name);
            fs::write(&path, least.to_string())
                .context(|| format!("raise {} from {now} to {least}", path.display()))?;
        }
    }
    Ok(())
}

fn restore_in(store: &Path, sysctl: &Path, needed: &[(&str, u64)]) -> Result<()> {
    let Some(raised) = read_json::<Raised>(&file(store))? else { return Ok(()) };
    if raised.boot_id == boot_id()? {
        for &(name, ours) in needed {
            let path = sysctl.join(name);
            if let Some(before) = raised.before.get(name)
                && value(&path) == Some(ours)
            {
                fs::write(&path, before.to_string())
                    .context(|| format!("set {} back to {before}", path.display()))?;
            }
        }
    }
    match fs::remove_file(file(store)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(e).context(|| format!("remove {}", file(store).display()))
        }
        _ => Ok(()),
    }
}

fn value(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: [(&str, u64); 1] = [("limit", 10)];

    fn machine(limit: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("limit");
        fs::write(&path, limit).unwrap();
        (dir, path)
    }

    #[test]
    fn a_limit_is_raised_once_and_given_back() {
        let (dir, limit) = machine("5");
        for _ in 0..2 {
            raise_in(dir.path(), dir.path(), &LIMIT).unwrap();
            assert_eq!(value(&limit), Some(10));
        }
        restore_in(dir.path(), dir.path(), &LIMIT).unwrap();
        assert_eq!(value(&limit), Some(5));
        assert!(!file(dir.path()).exists());
    }

    #[test]
    fn a_limit_that_is_high_enough_is_left_alone() {
        let (dir, limit) = machine("11");
        raise_in(dir.path(), dir.path(), &LIMIT).unwrap();
        restore_in(dir.path(), dir.path(), &LIMIT).unwrap();
        assert_eq!(value(&limit), Some(11));
    }

    #[test]
    fn a_limit_that_somebody_else_has_changed_since_is_theirs() {
        let (dir, limit) = machine("5");
        raise_in(dir.path(), dir.path(), &LIMIT).unwrap();
        fs::write(&limit, "99").unwrap();
        restore_in(dir.path(), dir.path(), &LIMIT).unwrap();
        assert_eq!(value(&limit), Some(99));
    }
}
