//! PID 1's work once the node stands: it reaps orphans and keeps containerd and kubelet running.
//!
//! Each unit is a directory below [`UNITS`]; `systemctl.sh` describes its files. The supervisor
//! compares what is wanted with what runs whenever a signal arrives: SIGHUP from the systemctl
//! stand-in, SIGCHLD when anything ended.

use std::{
    fs::{self, OpenOptions},
    os::fd::AsFd,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal, kill},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::error::{Context, Result};

/// Where the units' directories lie.
const UNITS: &str = "/run/testbed/units";

/// How long a unit rests after it ended by itself.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// How long a unit has to end when it is told to.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// What a unit does at the moment.
#[derive(Clone, Copy, Debug)]
enum State {
    Inactive,
    Active(Pid),
    Stopping(Pid, Instant),
    Resting(Instant),
}

impl State {
    /// The word that systemctl would use.
    const fn word(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Active(_) => "active",
            Self::Stopping(..) => "deactivating",
            Self::Resting(_) => "activating",
        }
    }
}

/// A service of the node.
struct Unit {
    name: &'static str,
    command: fn() -> Command,
    state: State,
}

/// Runs the units for ever.
pub(super) fn run() -> Result<()> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGHUP, Signal::SIGTERM, Signal::SIGINT] {
        signals.add(signal);
    }
    signals.thread_block().context(|| "block signals".to_owned())?;
    let source = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
        .context(|| "open a signalfd".to_owned())?;
    let mut units = [
        Unit { name: "containerd", command: containerd, state: State::Inactive },
        Unit { name: "kubelet", command: kubelet, state: State::Inactive },
    ];
    for unit in &units {
        let dir = unit.dir();
        fs::create_dir_all(&dir).context(|| format!("create {}", dir.display()))?;
        unit.publish();
    }
    // kubelet is kubeadm's to start, once it has a configuration.
    fs::write(PathBuf::from(UNITS).join("containerd/want"), "")
        .context(|| "ask for containerd".to_owned())?;
    loop {
        reap(&mut units);
        let wake = units.iter_mut().filter_map(Unit::advance).min();
        let timeout = wake.map_or(PollTimeout::NONE, |at| {
            let left = at.saturating_duration_since(Instant::now()).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut [PollFd::new(source.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(e).context(|| "wait for signals".to_owned()),
        }
        while let Ok(Some(_)) = source.read_signal() {}
    }
}

/// Collects everything that ended, and takes note where it was a unit.
fn reap(units: &mut [Unit]) {
    loop {
        let pid = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) => pid,
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(_) => continue,
        };
        for unit in units.iter_mut() {
            unit.ended(pid);
        }
    }
}

impl Unit {
    fn dir(&self) -> PathBuf {
        PathBuf::from(UNITS).join(self.name)
    }

    fn wanted(&self) -> bool {
        self.dir().join("want").exists()
    }

    /// Takes note of a process that ended.
    fn ended(&mut self, pid: Pid) {
        let next = match self.state {
            State::Active(own) if own == pid => State::Resting(Instant::now() + RESTART_PAUSE),
            State::Stopping(own, _) if own == pid => State::Inactive,
            _ => return,
        };
        self.enter(next);
    }

    /// Moves towards what is wanted, and returns when to look again at the latest.
    fn advance(&mut self) -> Option<Instant> {
        let now = Instant::now();
        match (self.state, self.wanted()) {
            (State::Inactive, true) => self.start(),
            (State::Resting(until), true) if now >= until => self.start(),
            (State::Resting(_), false) => self.enter(State::Inactive),
            (State::Active(pid), false) => {
                // A process that is gone already is reaped in the next round.
                let _ = kill(pid, Signal::SIGTERM);
                self.enter(State::Stopping(pid, now + STOP_PATIENCE));
            }
            (State::Stopping(pid, deadline), _) if now >= deadline => {
                let _ = kill(pid, Signal::SIGKILL);
            }
            _ => {}
        }
        match self.state {
            State::Resting(until) => Some(until),
            State::Stopping(_, deadline) => Some(deadline.max(now + Duration::from_millis(100))),
            State::Inactive | State::Active(_) => None,
        }
    }

    fn start(&mut self) {
        let log = format!("/var/log/{}.log", self.name);
        let spawned = OpenOptions::new().create(true).append(true).open(log).and_then(|out| {
            (self.command)().stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out).spawn()
        });
        match spawned {
            // The child is reaped with all others, by its number.
            Ok(child) => self.enter(State::Active(Pid::from_raw(child.id() as i32))),
            Err(error) => {
                tracing::error!(unit = self.name, %error, "can't be started");
                self.enter(State::Resting(Instant::now() + RESTART_PAUSE));
            }
        }
    }

    fn enter(&mut self, state: State) {
        tracing::info!(unit = self.name, ?state, "changes");
        self.state = state;
        self.publish();
    }

    /// Lets the systemctl stand-in know. A failure to write shows there as a time-out.
    fn publish(&self) {
        let dir = self.dir();
        let _ = match self.state {
            State::Active(pid) => fs::write(dir.join("pid"), pid.to_string()),
            _ => fs::remove_file(dir.join("pid")),
        };
        // Renamed into place: a reader never meets an empty file.
        let beside = dir.join("state.new");
        let _ = fs::write(&beside, self.state.word())
            .and_then(|()| fs::rename(&beside, dir.join("state")));
    }
}

fn containerd() -> Command {
    Command::new("containerd")
}

/// kubelet as kubeadm's own drop-in for systemd starts it.
fn kubelet() -> Command {
    let mut command = Command::new("kubelet");
    command.args([
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        "--config=/var/lib/kubelet/config.yaml",
    ]);
    let flags = fs::read_to_string("/var/lib/kubelet/kubeadm-flags.env").unwrap_or_default();
    command.args(kubeadm_flags(&flags));
    command
}

/// The flags in a file such as `KUBELET_KUBEADM_ARGS="--node-ip=… --v=2"`.
fn kubeadm_flags(file: &str) -> Vec<String> {
    file.lines()
        .filter_map(|line| line.strip_prefix("KUBELET_KUBEADM_ARGS="))
        .flat_map(|value| value.trim_matches('"').split_whitespace().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubeadms_flags_are_read_without_their_quotes() {
        let file = "# a comment\nKUBELET_KUBEADM_ARGS=\"--node-ip=192.0.2.1,2001:db8::1 --v=2\"\n";
        assert_eq!(kubeadm_flags(file), ["--node-ip=192.0.2.1,2001:db8::1", "--v=2"]);
    }
}
