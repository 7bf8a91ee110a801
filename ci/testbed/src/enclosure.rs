//! A command in a root file system and in namespaces of its own, of which nothing is left when it
//! ends.
//!
//! It is found as a cluster is: by its control group and its directory in the store. So `down` ends
//! it whatever state it is in, and the machine's raised limits are given back with the last of
//! both.

use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    str::FromStr,
};

use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sys::wait::{WaitStatus, wait},
    unistd::sethostname,
};
use serde::{Deserialize, Serialize};

use crate::{
    cgroup::Hierarchies,
    cluster,
    error::{Context, Error, Result},
    node::{self, boot, mounts},
    spec::Name,
    state::{ClusterDir, ProcessId, Store, read_json},
};

/// The hidden subcommand that becomes the first process within.
pub const ENCLOSED: &str = "__enclosed";

/// What the group of an enclosure is called below the one of its name.
const MEMBER: &str = "enclosure";
/// Who holds the enclosure.
const HOLDER: &str = "holder.json";
/// What the first process within is told.
const PLAN: &str = "enclosure.json";

/// A directory of the machine that is seen inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    from: PathBuf,
    to: PathBuf,
    writable: bool,
}

impl Bind {
    /// The same, but what is written there inside is written on the machine.
    #[must_use]
    pub fn writable(self) -> Self {
        Self { writable: true, ..self }
    }
}

impl FromStr for Bind {
    type Err = Error;

    /// Reads `FROM:TO`, two absolute paths.
    fn from_str(text: &str) -> Result<Self> {
        let absolute = |path: &str| path.starts_with('/').then(|| PathBuf::from(path));
        let parts =
            text.split_once(':').and_then(|(from, to)| Some((absolute(from)?, absolute(to)?)));
        let (from, to) = parts
            .ok_or_else(|| Error::Invalid(format!("'{text}' is not a mount: use /FROM:/TO")))?;
        Ok(Self { from, to, writable: false })
    }
}

/// What is to be enclosed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enclosure {
    /// Its name, which is that of no cluster, and becomes its host name.
    pub name: Name,
    /// The file system that it is over. Nothing is written there.
    pub root: PathBuf,
    /// What else it sees of the machine.
    pub binds: Vec<Bind>,
    /// The command with its arguments.
    pub command: Vec<String>,
}

/// An enclosure as its first process has to make it.
#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    enclosure: Enclosure,
    dir: PathBuf,
    cgroups: Hierarchies,
}

impl Enclosure {
    /// Runs the command to its end, and removes everything of it. It reads nothing, and writes
    /// where this process does.
    ///
    /// `testbed` is the testbed's own program, which becomes the first process within.
    ///
    /// # Errors
    /// When the name is in use, or the enclosure can't be made or removed.
    pub fn run(&self, testbed: &Path) -> Result<ExitStatus> {
        let store = Store::open();
        let dir = store.cluster(&self.name);
        let lock = dir.lock()?;
        self.refuse_if_used(&dir)?;
        // Whatever a crash left under this name goes first, and the directory with it.
        cluster::clear(&dir, &self.name)?;
        drop(lock);
        let lock = dir.lock()?;
        self.refuse_if_used(&dir)?;
        dir.write(HOLDER, &ProcessId::of(std::process::id() as i32)?)?;
        store.raise_limits()?;
        let cgroups = Hierarchies::detect()?;
        cgroups.create(&self.name, MEMBER)?;
        dir.write(
            PLAN,
            &Plan { enclosure: self.clone(), dir: dir.path().to_owned(), cgroups: cgroups.clone() },
        )?;
        drop(lock);
        let ended = self.enclosed(testbed, &dir, &cgroups);
        let cleared = dir.lock().and_then(|_lock| cluster::clear(&dir, &self.name));
        let status = ended?;
        cleared?;
        Ok(status)
    }

    fn refuse_if_used(&self, dir: &ClusterDir) -> Result<()> {
        if dir.record()?.is_some() {
            return Err(Error::Invalid(format!("'{}' names a cluster; choose another", self.name)));
        }
        match dir.read::<ProcessId>(HOLDER)? {
            Some(holder) if holder.is_alive() => Err(Error::Invalid(format!(
                "'{0}' is in use by process {1}; wait for its end, or end it by `testbed --name {0} down`",
                self.name, holder.pid
            ))),
            _ => Ok(()),
        }
    }

    /// Starts the first process and waits for its end. It dies with this one.
    fn enclosed(
        &self,
        testbed: &Path,
        dir: &ClusterDir,
        cgroups: &Hierarchies,
    ) -> Result<ExitStatus> {
        let what = || format!("start '{}'", self.name);
        // Nothing is done before a line arrives, which is sent once the process is in its group:
        // the control group namespace begins there.
        let mut child = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "--",
                "sh",
                "-c",
                "read -r _ && exec \"$@\" < /dev/null",
                "sh",
            ])
            .args(["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--cgroup"])
            .args(["--fork", "--kill-child=KILL", "--"])
            .arg(testbed)
            .arg(ENCLOSED)
            .arg(dir.path())
            .stdin(Stdio::piped())
            .spawn()
            .context(what)?;
        let entered = cgroups.enter(&self.name, MEMBER, child.id());
        if let Some(mut stdin) = child.stdin.take()
            && entered.is_ok()
        {
            stdin.write_all(b"go\n").context(what)?;
        }
        let status = child.wait().context(what)?;
        entered.map(|()| status)
    }
}

/// The first process within: makes the file system, moves in, runs the command and reaps what is
/// orphaned until it ends. Returns the command's exit code as a shell would.
///
/// # Errors
/// When something can't be made, or the command can't be started.
pub fn run_enclosed(dir: &Path) -> Result<u8> {
    let plan: Plan = read_json(&dir.join(PLAN))?
        .ok_or_else(|| Error::Invalid(format!("no {PLAN} in {}", dir.display())))?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .context(|| "make the mounts private".to_owned())?;
    let root = build(&plan)?;
    sethostname(plan.enclosure.name.as_str()).context(|| "set the host name".to_owned())?;
    boot::pivot(&root)?;
    let (program, arguments) = plan.enclosure.command.split_first().ok_or_else(|| {
        Error::Invalid("no command given: `testbed enclose --root DIR -- COMMAND`".to_owned())
    })?;
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", node::PATH)
        .env("HOME", "/root")
        .current_dir("/")
        .spawn()
        .context(|| format!("run `{program}`"))?;
    await_end(child.id() as i32)
}

/// Mounts everything, and returns the new root.
fn build(plan: &Plan) -> Result<PathBuf> {
    let memory = plan.dir.join("memory");
    mounts::tmpfs(&memory, "755")?;
    for sub in ["upper", "work", "root"] {
        mounts::make_dir(&memory.join(sub))?;
    }
    let root = memory.join("root");
    let layers = format!(
        "lowerdir={},upperdir={},workdir={}",
        plan.enclosure.root.display(),
        memory.join("upper").display(),
        memory.join("work").display()
    );
    mounts::mount_at("overlay", &root, "overlay", MsFlags::empty(), &layers)?;
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mounts::mount_at("proc", &root.join("proc"), "proc", quiet, "")?;
    mounts::mount_at("sysfs", &root.join("sys"), "sysfs", quiet, "")?;
    for (place, mode) in [("run", "755"), ("tmp", "1777")] {
        mounts::tmpfs(&root.join(place), mode)?;
    }
    mounts::devices(&root.join("dev"))?;
    let groups = root.join("sys/fs/cgroup");
    mounts::control_groups(&plan.cgroups, &groups)?;
    if plan.cgroups.is_v1() {
        // On a hybrid machine each container needs a group of its own here too, or the systemds of
        // all meet in one.
        for unified in plan.cgroups.iter().filter(|hierarchy| hierarchy.v2) {
            let at = groups.join(unified.directory());
            mounts::mount_at("cgroup2", &at, "cgroup2", MsFlags::empty(), "")?;
        }
    }
    for Bind { from, to, writable } in &plan.enclosure.binds {
        let at = root.join(to.strip_prefix("/").unwrap_or(to));
        if !from.is_dir() {
            mounts::make_dir(at.parent().unwrap_or(&root))?;
            fs::write(&at, "").context(|| format!("create {}", at.display()))?;
        }
        mounts::bind(from, &at, !writable)?;
    }
    Ok(root)
}

/// Reaps whatever ends until it is the command, and says how that ended.
fn await_end(command: i32) -> Result<u8> {
    loop {
        let (pid, code) = match wait() {
            Ok(WaitStatus::Exited(pid, code)) => (pid, code),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(e) => return Err(e).context(|| "wait for the command".to_owned()),
        };
        if pid.as_raw() == command {
            return Ok(u8::try_from(code).unwrap_or(1));
        }
    }
}

/// The exit code of an ended process as a shell would say it.
pub fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_and_its_place_are_absolute_paths() {
        let bind: Bind = "/a/b:/c".parse().unwrap();
        assert_eq!(bind, Bind { from: "/a/b".into(), to: "/c".into(), writable: false });
        assert!(bind.writable().writable);
        for text in ["/a", "a:/b", "/a:b", ""] {
            assert!(text.parse::<Bind>().is_err(), "{text}");
        }
    }
}
