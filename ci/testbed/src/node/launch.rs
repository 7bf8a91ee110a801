//! Starting a node from outside.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use nix::sched::{CloneFlags, unshare};

use super::plan::BootPlan;
use crate::{
    cgroup::Hierarchies,
    error::{Context, Error, Result},
    run::tail_of,
    spec::Name,
    state::{ProcessId, write_json},
};

/// The hidden subcommand that becomes the launcher.
pub const LAUNCHER: &str = "__launch";
/// The hidden subcommand that becomes a node's PID 1.
pub const BOOT: &str = "__boot";

/// Starts a node's PID 1 and returns when it exists; its boot goes on by itself.
///
/// `testbed` is this program: the library may run inside another one, such as a test.
pub fn launch(testbed: &Path, cluster: &Name, plan: &BootPlan) -> Result<ProcessId> {
    for sub in ["memory", "root", "log"] {
        let dir = plan.dir.join(sub);
        fs::create_dir_all(&dir).context(|| format!("create {}", dir.display()))?;
    }
    write_json(&plan.dir.join("boot.json"), plan)?;
    plan.cgroups.create(cluster, &plan.name)?;
    let log = plan.dir.join("boot.log");
    let pid =
        spawn_in_group(testbed, LAUNCHER, &plan.dir, &log, &plan.cgroups, cluster, &plan.name)?;
    let process = ProcessId::of(pid)?;
    write_json(&plan.dir.join("process.json"), &process)?;
    Ok(process)
}

/// Starts one of this program's hidden subcommands as a daemon within a control group, and
/// returns the process id that it reports on its standard output.
///
/// The daemon does nothing before a line arrives on its standard input, which is sent once it is
/// in its group. So if this process is killed between the two, the daemon meets the end of its
/// input and goes.
pub(crate) fn spawn_in_group(
    testbed: &Path,
    subcommand: &str,
    dir: &Path,
    log: &Path,
    cgroups: &Hierarchies,
    cluster: &Name,
    member: &str,
) -> Result<i32> {
    let what = || format!("start {member} of cluster '{cluster}'");
    let err = File::create(log).context(|| format!("open {}", log.display()))?;
    let mut child = Command::new(testbed)
        .arg(subcommand)
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(err)
        .spawn()
        .context(what)?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::Invalid("a child process came without its pipes".to_owned()));
    };
    cgroups.enter(cluster, member, child.id())?;
    stdin.write_all(b"go\n").context(what)?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).context(what)?;
    match line.trim().parse() {
        Ok(pid) => {
            if pid != child.id() as i32 {
                // The launcher has done its work; what it started lives on without it.
                child.wait().context(what)?;
            }
            Ok(pid)
        }
        Err(_) => {
            let status = child.wait().context(what)?;
            Err(Error::Command {
                what: what(),
                status: status.to_string(),
                log: Some(log.to_owned()),
                tail: tail_of(log),
            })
        }
    }
}

/// Waits for the word that this process is in its control group. Returns `false` if whoever
/// started it has gone.
pub(crate) fn wait_for_go() -> bool {
    let mut byte = [0];
    std::io::stdin().read_exact(&mut byte).is_ok()
}

/// The launcher: enters new namespaces, starts PID 1 in them, reports its id and ends.
pub fn run_launcher(dir: &Path) -> Result<()> {
    if !wait_for_go() {
        return Ok(());
    }
    nix::unistd::setsid().context(|| "start a session".to_owned())?;
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWCGROUP,
    )
    .context(|| "enter new namespaces".to_owned())?;
    let child = Command::new("/proc/self/exe")
        .arg(BOOT)
        .arg(dir)
        .env_clear()
        .env("PATH", super::plan::PATH)
        .env("HOME", "/root")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context(|| "start PID 1 of the node".to_owned())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", child.id()).context(|| "report the node's process".to_owned())?;
    Ok(())
}
