//! The book of injected faults: one file for each in the cluster's directory, written before the
//! cluster is touched and removed when the fault is undone.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalogue::Fault;
use crate::{
    cluster::Cluster,
    error::{Context, Error, Result},
    state::{ProcessId, read_json},
};

/// A fault in the book.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Active {
    /// Which fault.
    pub fault: Fault,
    /// Its number in the order of injection.
    pub order: u64,
    /// The process that undoes it when it ends; `None` for one that is to stay until it is
    /// reverted by hand.
    pub owner: Option<ProcessId>,
    /// Whether the injection came to its end.
    pub complete: bool,
    /// What the fault found before.
    before: Value,
}

impl Active {
    /// Whether nobody is left to undo it: its owner is gone, or was killed while injecting it.
    pub fn is_abandoned(&self) -> bool {
        self.owner.map_or(!self.complete, |owner| !owner.is_alive())
    }
}

/// A fault that is undone when this value goes.
#[derive(Debug)]
pub struct Injection<'a> {
    cluster: &'a Cluster,
    fault: Option<Fault>,
}

impl Injection<'_> {
    /// Undoes the fault now, and says whether that worked.
    pub fn revert(mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), |fault| revert(self.cluster, &fault).map(drop))
    }
}

impl Drop for Injection<'_> {
    fn drop(&mut self) {
        if let Some(fault) = self.fault.take()
            && let Err(error) = revert(self.cluster, &fault)
        {
            // The book still has it: the next `up` tries again.
            tracing::error!(%fault, %error, "not reverted");
        }
    }
}

/// Injects a fault for as long as the returned value lives.
pub fn injected<'a>(cluster: &'a Cluster, fault: &Fault) -> Result<Injection<'a>> {
    let owner = ProcessId::of(std::process::id().cast_signed())?;
    enter(cluster, fault, Some(owner))?;
    Ok(Injection { cluster, fault: Some(fault.clone()) })
}

/// Injects a fault that stays until it is reverted. Returns whether it was not there yet.
pub fn inject(cluster: &Cluster, fault: &Fault) -> Result<bool> {
    enter(cluster, fault, None)
}

fn enter(cluster: &Cluster, fault: &Fault, owner: Option<ProcessId>) -> Result<bool> {
    let _lock = cluster.dir().lock()?;
    if let Some(family) = fault.family()
        && !cluster.record().spec.node_families.contains(&family)
    {
        return Err(Error::Invalid(format!(
            "the cluster has no {family} that `{fault}` could break"
        )));
    }
    let (there, needed) = (cluster.record().spec.cni, fault.erased().network());
    if there != needed {
        return Err(Error::Invalid(format!(
            "`{}` is a fault of clusters with --cni {needed}, and this one has {there}",
            fault.name()
        )));
    }
    let others = active(cluster)?;
    if let Some(same) = others.iter().find(|other| other.fault == *fault) {
        if same.complete && owner.is_none() {
            return Ok(false);
        }
        return Err(Error::Invalid(format!("the fault `{fault}` is injected already")));
    }
    let touches = |fault: &Fault| fault.erased().touches();
    if let Some(other) = others.iter().find(|other| touches(&other.fault) == touches(fault)) {
        return Err(Error::Invalid(format!(
            "the faults `{fault}` and `{}` would disturb each other: revert the other one first",
            other.fault
        )));
    }
    let before = fault.erased().read_state(cluster)?;
    let order = others.iter().map(|other| other.order + 1).max().unwrap_or(0);
    let entry = Active { fault: fault.clone(), order, owner, complete: false, before };
    cluster.dir().write(file(fault), &entry)?;
    if let Err(error) = fault.erased().inject(cluster, &entry.before) {
        // What it did so far is undone; if that fails as well, the book still has it.
        if let Err(second) = undo(cluster, &entry) {
            tracing::error!(%fault, error = %second, "not reverted");
        }
        return Err(error);
    }
    cluster.dir().write(file(fault), &Active { complete: true, ..entry })?;
    Ok(true)
}

/// Undoes a fault. Returns whether it was there.
pub fn revert(cluster: &Cluster, fault: &Fault) -> Result<bool> {
    let _lock = cluster.dir().lock()?;
    match cluster.dir().read::<Active>(file(fault))? {
        Some(entry) => undo(cluster, &entry).map(|()| true),
        None => Ok(false),
    }
}

/// Undoes all faults, the latest first, and returns them.
pub fn revert_all(cluster: &Cluster) -> Result<Vec<Fault>> {
    revert_where(cluster, |_| true)
}

/// Undoes the faults whose processes were killed before they could.
pub fn revert_abandoned(cluster: &Cluster) -> Result<Vec<Fault>> {
    revert_where(cluster, Active::is_abandoned)
}

fn revert_where(cluster: &Cluster, which: impl Fn(&Active) -> bool) -> Result<Vec<Fault>> {
    let _lock = cluster.dir().lock()?;
    let mut undone = Vec::new();
    for entry in active(cluster)?.into_iter().rev().filter(which) {
        undo(cluster, &entry)?;
        undone.push(entry.fault);
    }
    Ok(undone)
}

fn undo(cluster: &Cluster, entry: &Active) -> Result<()> {
    let fault = &entry.fault;
    fault.erased().revert(cluster, &entry.before)?;
    let path = cluster.dir().join(file(fault));
    fs::remove_file(&path).context(|| format!("remove {}", path.display()))
}

/// The faults in the book, in the order in which they were injected.
pub fn active(cluster: &Cluster) -> Result<Vec<Active>> {
    let dir = cluster.dir().join("faults");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e).context(|| format!("list {}", dir.display())),
    };
    let mut all = Vec::new();
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.extension().is_some_and(|extension| extension == "json")
            && let Some(entry) = read_json::<Active>(&path)?
        {
            all.push(entry);
        }
    }
    all.sort_by_key(|entry| entry.order);
    Ok(all)
}

/// The file of a fault, within the cluster's directory.
fn file(fault: &Fault) -> PathBuf {
    PathBuf::from("faults")
        .join(format!("{}.json", fault.to_string().replace(" --", ",").replace(' ', "=")))
}
