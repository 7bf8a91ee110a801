//! Nodes: namespaces of their own over a shared root file system, with a supervisor as PID 1.
//!
//! A node is made in three steps, in three files: [`launch`] (outside: directories, control
//! group, a process in new namespaces), `boot` (inside: mounts, then the pivot), `supervisor`
//! (inside, for good: containerd and kubelet as units).

pub(crate) mod boot;
mod files;
mod launch;
pub(crate) mod mounts;
mod plan;
mod supervisor;

use std::{
    net::IpAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

pub use self::{
    boot::run_boot,
    files::CONTAINERD_SOCKET,
    launch::{BOOT, LAUNCHER, launch, run_launcher},
    plan::BootPlan,
};
pub(crate) use self::{
    launch::{spawn_in_group, wait_for_go},
    plan::PATH,
};
use crate::{
    error::{Context, Error, Result},
    run::{tail_of, wait_for},
    spec::{Family, Spec},
    state::{ClusterDir, ProcessId, Record, Subnet},
    underlay::in_netns,
};

/// A running node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name and hostname: `n1`, `n2`, …
    pub name: String,
    /// Its number, counted from 1.
    pub number: u8,
    /// Its PID 1, as the machine sees it.
    pub process: ProcessId,
    /// Its addresses on the underlay, primary family first.
    pub addresses: Vec<IpAddr>,
    /// Its directory on the machine.
    pub dir: PathBuf,
}

impl Node {
    /// The nodes of a cluster that were started, in order.
    pub fn all(dir: &ClusterDir, record: &Record) -> Result<Vec<Self>> {
        let mut nodes = Vec::new();
        for (number, name) in (1..).zip(record.spec.node_names()) {
            let path = dir.node(&name);
            if let Some(process) = crate::state::read_json(&path.join("process.json"))? {
                nodes.push(Self {
                    addresses: addresses(&record.spec, record.subnet, number),
                    number,
                    name,
                    process,
                    dir: path,
                });
            }
        }
        Ok(nodes)
    }

    /// Its address of one family, if it has one.
    pub fn address(&self, family: Family) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|&a| Family::of(a) == family)
    }

    /// A path of the node's file system as it is reached from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.process.root().join(inside.trim_start_matches('/'))
    }

    /// A command in all of the node's namespaces.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.process.pid))
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"])
            .args(["--", "/usr/bin/env", "-i"])
            .args([&format!("PATH={PATH}"), "HOME=/root", "KUBECONFIG=/etc/kubernetes/admin.conf"])
            .arg(format!("TERM={}", std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned())))
            .arg(program);
        command
    }

    /// A command in the node's network namespace alone, with the machine's own files.
    pub fn net_command(&self, program: &str) -> Command {
        in_netns(self.process, program)
    }

    /// Waits until containerd takes connections.
    pub fn wait_for_containerd(&self) -> Result<()> {
        let socket = self.path(CONTAINERD_SOCKET);
        wait_for(
            &format!("containerd answering on {}", self.name),
            Duration::from_secs(60),
            || self.explain("containerd"),
            || {
                if !self.process.is_alive() {
                    return Err(Error::Command {
                        what: format!("starting {}", self.name),
                        status: "its PID 1 ended".to_owned(),
                        log: Some(self.dir.join("boot.log")),
                        tail: self.explain("containerd"),
                    });
                }
                Ok(UnixStream::connect(&socket).ok().map(drop))
            },
        )
    }

    /// Puts a file into the node's file system.
    pub fn write(&self, inside: &str, content: &str) -> Result<()> {
        let path = self.path(inside);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .context(|| format!("create {} in {}", parent.display(), self.name))?;
        }
        std::fs::write(&path, content).context(|| format!("write {inside} in {}", self.name))
    }

    /// The log of one of its units.
    pub fn log(&self, unit: &str) -> PathBuf {
        self.dir.join("log").join(format!("{unit}.log"))
    }

    fn explain(&self, unit: &str) -> String {
        [self.dir.join("boot.log"), self.log(unit)]
            .iter()
            .map(|log: &PathBuf| tail_of(Path::new(log)))
            .filter(|tail| !tail.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// The underlay addresses of the node with this number, primary family first.
pub fn addresses(spec: &Spec, subnet: Subnet, number: u8) -> Vec<IpAddr> {
    spec.node_families.iter().map(|&family| subnet.node(family, number)).collect()
}
