//! Control groups: where a cluster's processes are held, found and ended.
//!
//! Every process of a cluster is placed in `testbed/<cluster>/<member>` of every hierarchy before
//! it does anything, and its children inherit the place. So the group, not a list of process ids,
//! says what belongs to a cluster, and a crash at any moment loses nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Context, Error, Result},
    run::wait_for,
    spec::Name,
};

/// The directory that holds all clusters' groups, in each hierarchy.
const TOP: &str = "testbed";

/// One mounted hierarchy of control groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Where it is mounted.
    pub mount: PathBuf,
    /// Its controllers as the mount option names them (`cpu`, `name=systemd`); empty for cgroup v2.
    pub controllers: Vec<String>,
    /// Whether it is the unified hierarchy (cgroup v2).
    pub v2: bool,
}

impl Hierarchy {
    /// The last part of its mount point, by which it is found inside a node too.
    pub fn directory(&self) -> String {
        self.mount.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    }
}

/// All hierarchies of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchies(Vec<Hierarchy>);

impl Hierarchies {
    /// Reads what is mounted below /sys/fs/cgroup.
    pub fn detect() -> Result<Self> {
        let path = "/proc/self/mounts";
        let text = fs::read_to_string(path).context(|| format!("read {path}"))?;
        Ok(Self(parse_mounts(&text)))
    }

    /// Whether controllers are bound to cgroup v1 hierarchies.
    pub fn is_v1(&self) -> bool {
        self.0.iter().any(|h| !h.v2)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Hierarchy> {
        self.0.iter()
    }

    /// The controllers that can be used, whichever version they are bound to.
    pub fn controllers(&self) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for hierarchy in &self.0 {
            all.extend(hierarchy.controllers.iter().cloned());
            if hierarchy.v2 {
                let path = hierarchy.mount.join("cgroup.controllers");
                let text =
                    fs::read_to_string(&path).context(|| format!("read {}", path.display()))?;
                all.extend(text.split_whitespace().map(str::to_owned));
            }
        }
        Ok(all)
    }

    /// Makes the group of one member (a node, or the agent) of a cluster.
    pub fn create(&self, cluster: &Name, member: &str) -> Result<()> {
        for hierarchy in &self.0 {
            let mut group = hierarchy.mount.clone();
            for part in [TOP, cluster.as_str(), member] {
                if hierarchy.v2 && !self.is_v1() {
                    delegate(&group)?;
                }
                let parent = group.clone();
                group.push(part);
                make_group(&parent, &group)?;
            }
        }
        Ok(())
    }

    /// Places a process in a member's group.
    pub fn enter(&self, cluster: &Name, member: &str, pid: u32) -> Result<()> {
        for hierarchy in &self.0 {
            let file = cluster_group(hierarchy, cluster).join(member).join("cgroup.procs");
            fs::write(&file, pid.to_string())
                .context(|| format!("place process {pid} in {}", file.display()))?;
        }
        Ok(())
    }

    /// Whether any group of the cluster is there.
    pub fn exist(&self, cluster: &Name) -> bool {
        self.0.iter().any(|h| cluster_group(h, cluster).exists())
    }

    /// Stops every process of a member, and those it would start, or lets them go on.
    pub fn freeze(&self, cluster: &Name, member: &str, frozen: bool) -> Result<()> {
        let group = |h: &Hierarchy| cluster_group(h, cluster).join(member);
        let has = |file: &'static str| {
            self.0.iter().map(move |h| group(h).join(file)).find(|f| f.exists())
        };
        let (file, words, state) = match (has("cgroup.freeze"), has("freezer.state")) {
            (Some(file), _) => {
                let state = file.with_file_name("cgroup.events");
                (file, ["0", "1"], (state, ["frozen 0", "frozen 1"]))
            }
            (None, Some(file)) => {
                (file.clone(), ["THAWED", "FROZEN"], (file, ["THAWED", "FROZEN"]))
            }
            (None, None) => {
                return Err(Error::Invalid(format!(
                    "no control group can freeze {member}: neither cgroup v2 nor the freezer of v1 is mounted"
                )));
            }
        };
        let (of, wanted) = state;
        wait_for(
            &format!("{member} {}", if frozen { "frozen" } else { "thawed" }),
            Duration::from_secs(10),
            String::new,
            || {
                // The freezer of v1 may have to be told more than once.
                fs::write(&file, words[usize::from(frozen)])
                    .context(|| format!("write {}", file.display()))?;
                let now = fs::read_to_string(&of).context(|| format!("read {}", of.display()))?;
                Ok(now.lines().any(|line| line == wanted[usize::from(frozen)]).then_some(()))
            },
        )
    }

    /// Ends all processes of the cluster and removes its groups.
    ///
    /// Nothing is asked of the processes: PID 1 of a node takes everything in it along.
    pub fn destroy(&self, cluster: &Name) -> Result<()> {
        let limit = Duration::from_secs(20);
        let began = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            let mut left = None;
            for hierarchy in &self.0 {
                let group = cluster_group(hierarchy, cluster);
                if !group.exists() {
                    continue;
                }
                kill_all(&group);
                thaw(&group);
                if remove_tree(&group).is_err() {
                    left = Some(group);
                }
            }
            let Some(group) = left else { break };
            if began.elapsed() > limit {
                return Err(Error::Timeout {
                    what: format!("the end of all processes in {}", group.display()),
                    seconds: limit.as_secs(),
                    tail: String::new(),
                });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        for hierarchy in &self.0 {
            // Fails while other clusters live, which is as it should be.
            let _ = fs::remove_dir(hierarchy.mount.join(TOP));
        }
        Ok(())
    }
}

/// A cluster's group in one hierarchy.
fn cluster_group(hierarchy: &Hierarchy, cluster: &Name) -> PathBuf {
    hierarchy.mount.join(TOP).join(cluster.as_str())
}

fn parse_mounts(text: &str) -> Vec<Hierarchy> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let mount = PathBuf::from(fields.next()?);
            let kind = fields.next()?;
            let options = fields.next()?;
            let v2 = kind == "cgroup2";
            if !(v2 || kind == "cgroup") || !mount.starts_with("/sys/fs/cgroup") {
                return None;
            }
            let controllers =
                if v2 { Vec::new() } else { controllers(options).map(str::to_owned).collect() };
            Some(Hierarchy { mount, controllers, v2 })
        })
        .collect()
}

/// The controllers among a cgroup v1 mount's options, which also hold the general ones.
fn controllers(options: &str) -> impl Iterator<Item = &str> {
    const GENERAL: [&str; 11] = [
        "rw",
        "ro",
        "nosuid",
        "nodev",
        "noexec",
        "noatime",
        "relatime",
        "nodiratime",
        "clone_children",
        "xattr",
        "none",
    ];
    options.split(',').filter(|o| !GENERAL.contains(o) && !o.starts_with("release_agent="))
}

fn make_group(parent: &Path, group: &Path) -> Result<()> {
    match fs::create_dir(group) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(e).context(|| format!("create the control group {}", group.display()));
        }
        _ => {}
    }
    // A v1 cpuset takes no process before it has been given processors and memory.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let (from, to) = (parent.join(file), group.join(file));
        let empty = fs::read_to_string(&to).is_ok_and(|s| s.trim().is_empty());
        let v1 = group.join("cpuset.memory_migrate").exists();
        if v1 && empty {
            let value = fs::read(&from).context(|| format!("read {}", from.display()))?;
            fs::write(&to, value).context(|| format!("write {}", to.display()))?;
        }
    }
    Ok(())
}

/// cgroup v2: lets a group's children have all the controllers it has itself.
pub(crate) fn delegate(group: &Path) -> Result<()> {
    let path = group.join("cgroup.controllers");
    let available = fs::read_to_string(&path).context(|| format!("read {}", path.display()))?;
    let wish: Vec<String> = available.split_whitespace().map(|c| format!("+{c}")).collect();
    let control = group.join("cgroup.subtree_control");
    fs::write(&control, wish.join(" ")).context(|| {
        format!("hand the controllers of {} down (are processes in it itself?)", group.display())
    })
}

/// Sends SIGKILL to every process in a group and below it, once.
fn kill_all(group: &Path) {
    // One write and no race where the kernel offers it (cgroup v2, Linux 5.14).
    if fs::write(group.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    let Ok(tree) = subgroups(group) else { return };
    for dir in tree {
        let Ok(procs) = fs::read_to_string(dir.join("cgroup.procs")) else { continue };
        for pid in procs.split_whitespace().filter_map(|p| p.parse().ok()).filter(|&p| p > 0) {
            match kill(Pid::from_raw(pid), Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => tracing::debug!(pid, %error, "not killed"),
            }
        }
    }
}

/// A frozen process (cgroup v1 freezer) dies only when it is thawed.
fn thaw(group: &Path) {
    let Ok(tree) = subgroups(group) else { return };
    for dir in tree {
        let state = dir.join("freezer.state");
        if state.exists() && fs::read_to_string(&state).is_ok_and(|s| s.trim() != "THAWED") {
            let _ = fs::write(&state, "THAWED");
        }
    }
}

/// A group and all below it, deepest first.
fn subgroups(group: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            all.extend(subgroups(&entry.path())?);
        }
    }
    all.push(group.to_owned());
    Ok(all)
}

fn remove_tree(group: &Path) -> io::Result<()> {
    for dir in subgroups(group)? {
        match fs::remove_dir(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_machine_has_v1_controllers_and_a_v2_hierarchy() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
            cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n\
            cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,name=systemd 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n\
            cgroup /elsewhere cgroup rw,cpu 0 0\n";
        let found = parse_mounts(mounts);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(found[0].directory(), "cpu,cpuacct");
        assert_eq!(found[1].controllers, ["name=systemd"]);
        assert!(found[2].v2);
        assert!(Hierarchies(found).is_v1());
    }

    #[test]
    fn a_unified_machine_is_not_v1() {
        let found = parse_mounts("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n");
        assert!(!Hierarchies(found).is_v1());
    }
}
