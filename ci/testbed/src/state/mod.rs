//! What is kept on disk: one directory per cluster, and the locks that keep commands apart.
//!
//! ```text
//! <root>/                       /var/lib/testbed/clusters, or $TESTBED_STATE_DIR
//!   limits.json                 machine-wide limits before they were raised
//!   <name>/                     locked (flock) while a command changes the cluster
//!     cluster.json              the spec, the subnet's number, the boot it belongs to
//!     agent.json                the agent's process
//!     kubeconfig                administrator's, usable from the machine
//!     faults/                   one file per injected fault
//!     images/                   images loaded by hand
//!     logs/                     kubeadm, agent
//!     nodes/<node>/             process, overlay layers, containerd, kubelet, logs
//! ```
//!
//! Nothing else on the machine refers to a cluster but its control groups and one veth: network
//! namespaces and mounts belong to its processes alone and go when they go.
//!
//! Whoever holds both locks takes the cluster's first and the store's second.

mod files;
mod limits;
mod process;
mod subnet;

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use self::files::{boot_id, read_json, write_json, write_whole};
pub use self::{process::ProcessId, subnet::Subnet};
use crate::{
    error::{Context, Result},
    spec::{Name, Spec},
};

/// Where the clusters' directories lie.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// A cluster as it was brought up: `cluster.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// What was asked for.
    pub spec: Spec,
    /// The addresses it lives on.
    pub subnet: Subnet,
    /// The kernel's boot id: after a reboot, process ids in the directory mean nothing.
    pub boot_id: String,
    /// Whether `up` came to its end.
    pub complete: bool,
}

impl Store {
    /// The machine's store.
    pub fn open() -> Self {
        let root = std::env::var_os("TESTBED_STATE_DIR")
            .map_or_else(|| PathBuf::from("/var/lib/testbed/clusters"), PathBuf::from);
        Self { root }
    }

    /// The directory of one cluster, whether it exists or not.
    pub fn cluster(&self, name: &Name) -> ClusterDir {
        ClusterDir { root: self.root.clone(), path: self.root.join(name.as_str()) }
    }

    /// The names of all clusters that have a directory, sorted.
    pub fn names(&self) -> Result<Vec<Name>> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e).context(|| format!("list {}", self.root.display())),
        };
        let mut names: Vec<Name> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(names)
    }

    /// Finds a subnet that neither another cluster nor the machine nor the cluster itself (for its
    /// pods and Services) uses, and writes the cluster's
    /// record while no other command can choose the same.
    pub fn allocate(&self, spec: &Spec) -> Result<Record> {
        let _lock = self.lock()?;
        let mut taken = Vec::new();
        for name in self.names()? {
            if let Some(record) = self.cluster(&name).record()? {
                taken.push(record.subnet);
            }
        }
        let mut used = subnet::machine_ranges()?;
        used.extend(spec.pod_cidrs.iter().chain(&spec.service_cidrs));
        let record = Record {
            spec: spec.clone(),
            subnet: Subnet::choose(&taken, &used)?,
            boot_id: boot_id()?,
            complete: false,
        };
        self.cluster(&spec.name).write_record(&record)?;
        Ok(record)
    }

    /// Raises the machine's limits as far as clusters need it. They are given back when the last
    /// cluster's directory is removed.
    pub fn raise_limits(&self) -> Result<()> {
        let _lock = self.lock()?;
        limits::raise(&self.root)
    }

    /// Makes the directory if need be, and waits until no other command holds it.
    fn lock(&self) -> Result<Flock<fs::File>> {
        loop {
            fs::create_dir_all(&self.root).context(|| format!("create {}", self.root.display()))?;
            if let Some(lock) = lock_dir(&self.root)? {
                return Ok(lock);
            }
        }
    }
}

/// One cluster's directory.
#[derive(Clone, Debug)]
pub struct ClusterDir {
    root: PathBuf,
    path: PathBuf,
}

/// Holds a cluster for one command; others wait.
#[derive(Debug)]
pub struct ClusterLock {
    _held: Flock<fs::File>,
}

impl ClusterDir {
    /// A cluster's directory, by its path.
    pub fn at(path: &Path) -> Self {
        let root = path.parent().unwrap_or(path).to_owned();
        Self { root, path: path.to_owned() }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory if need be and waits until no other command works on the cluster.
    pub fn lock(&self) -> Result<ClusterLock> {
        loop {
            fs::create_dir_all(&self.path).context(|| format!("create {}", self.path.display()))?;
            if let Some(lock) = lock_dir(&self.path)? {
                return Ok(ClusterLock { _held: lock });
            }
        }
    }

    /// Like [`ClusterDir::lock`], but only if the directory exists.
    pub fn lock_existing(&self) -> Result<Option<ClusterLock>> {
        while self.path.is_dir() {
            if let Some(lock) = lock_dir(&self.path)? {
                return Ok(Some(ClusterLock { _held: lock }));
            }
        }
        Ok(None)
    }

    /// The record, or nothing where `up` never got so far.
    pub fn record(&self) -> Result<Option<Record>> {
        self.read("cluster.json")
    }

    /// Replaces the record.
    pub fn write_record(&self, record: &Record) -> Result<()> {
        self.write("cluster.json", record)
    }

    /// A path inside the directory.
    pub fn join(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path.join(relative)
    }

    /// The directory of one node.
    pub fn node(&self, node: &str) -> PathBuf {
        self.path.join("nodes").join(node)
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    /// Reads a JSON file of the directory; `None` where there is none.
    pub fn read<T: DeserializeOwned>(&self, relative: impl AsRef<Path>) -> Result<Option<T>> {
        read_json(&self.path.join(relative))
    }

    /// Writes a JSON file of the directory whole or not at all.
    pub fn write<T: Serialize>(&self, relative: impl AsRef<Path>, value: &T) -> Result<()> {
        write_json(&self.path.join(relative), value)
    }

    /// Removes the directory and, when it was the last, the store.
    pub fn remove(&self) -> Result<()> {
        // Held to the end, if there is a store at all: nobody begins a cluster meanwhile.
        let _store = lock_dir(&self.root)?;
        match fs::remove_dir_all(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(e).context(|| format!("remove {}", self.path.display()));
            }
            _ => {}
        }
        let store = Store { root: self.root.clone() };
        if store.names()?.is_empty() {
            limits::restore(&self.root)?;
            // Fails if somebody else keeps files there, which is theirs to do.
            let _ = fs::remove_dir(&self.root);
        }
        Ok(())
    }
}

/// Locks a directory; `None` if it was removed or replaced meanwhile.
fn lock_dir(path: &Path) -> Result<Option<Flock<fs::File>>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).context(|| format!("open {}", path.display())),
    };
    let lock = Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, e)| e)
        .context(|| format!("lock {}", path.display()))?;
    let held = lock.metadata().context(|| format!("look at {}", path.display()))?;
    let current = fs::metadata(path).is_ok_and(|m| m.ino() == held.ino() && m.dev() == held.dev());
    Ok(current.then_some(lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("clusters");
        (dir, Store { root })
    }

    #[test]
    fn two_clusters_never_share_a_subnet() {
        let (_dir, store) = store();
        let a = store.allocate(&Spec::new("a".parse().unwrap())).unwrap();
        let b = store.allocate(&Spec::new("b".parse().unwrap())).unwrap();
        assert_ne!(a.subnet, b.subnet);
        assert_eq!(store.names().unwrap().len(), 2);
    }

    #[test]
    fn the_last_cluster_takes_the_store_with_it() {
        let (_dir, store) = store();
        let name: Name = "a".parse().unwrap();
        store.allocate(&Spec::new(name.clone())).unwrap();
        store.cluster(&name).remove().unwrap();
        assert!(!store.root.exists());
    }

    #[test]
    fn a_lock_outlives_the_removal_of_its_directory() {
        let (_dir, store) = store();
        let dir = store.cluster(&"a".parse().unwrap());
        let first = dir.lock().unwrap();
        dir.remove().unwrap();
        // The removed directory's lock must not be mistaken for that of a new one.
        let second = dir.lock().unwrap();
        assert!(dir.path().is_dir());
        drop((first, second));
    }

    #[test]
    fn an_absent_cluster_has_nothing_to_lock() {
        let (_dir, store) = store();
        assert!(store.cluster(&"a".parse().unwrap()).lock_existing().unwrap().is_none());
    }
}
