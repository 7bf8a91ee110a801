//! The root file system of nodes, from which images take their programs too: Debian's own packages, as few as do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt;
use crate::cache::{Build, Cache, Error, Key};
use crate::progress::Progress;

/// What is installed beside Debian's essential packages. The network's tools are those that kubelet, kube-proxy and
/// the CNI plugins call; nginx, envsubst (gettext-base) and curl go into images.
const PACKAGES: &[&str] = &[
    "ca-certificates",
    "conntrack",
    "curl",
    "ebtables",
    "ethtool",
    "gettext-base",
    "ipset",
    "iproute2",
    "iptables",
    "iputils-ping",
    "kmod",
    "libnginx-mod-stream",
    "mount",
    "nftables",
    "nginx",
    "procps",
    "socat",
    "tcpdump",
    "tini",
    // An empty package: without it its alternative is taken, which brings the whole of Perl.
    "usr-is-merged",
];

/// What no node reads.
const LEFT_OUT: &[&str] = &["doc", "man", "info", "locale", "lintian", "bash-completion", "bug"];

/// The recipe of the root file system on this machine.
pub(super) struct Rootfs {
    codename: String,
}

impl Rootfs {
    /// The recipe: of the release that this machine runs, so that its own repositories serve.
    pub(super) fn new() -> Result<Self, Error> {
        let codename = apt::codename().ok_or_else(|| Error::Content {
            step: "root file system".into(),
            reason: "/etc/os-release names no release (VERSION_CODENAME); the testbed needs Debian or a derivative".into(),
        })?;
        Ok(Self { codename })
    }

    pub(super) fn key(&self) -> Key {
        Key::of("rootfs")
            .input("codename", &self.codename)
            .input("recipe", include_str!("rootfs.rs"))
            .finish()
    }

    /// The artefact with the file system at `root` and the list of its packages at `packages.txt`.
    pub(super) fn build(&self, cache: &Cache, progress: &dyn Progress) -> Result<PathBuf, Error> {
        let step = format!("root file system of {}", self.codename);
        cache.artefact("rootfs", &self.key(), &step, progress, |build| {
            let sources = apt::sources(&self.codename).map_err(Error::io("run", "apt-get"))?;
            if sources.is_empty() {
                return Err(build
                    .error(format!("apt is configured with no repository of {}", self.codename)));
            }
            let list: String = sources.iter().map(|source| source.line("deb") + "\n").collect();
            let root = build.directory().join("root");
            build.run_with_input(&self.mmdebstrap(&root)?, &list)?;
            record_packages(build, &root)?;
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&root, mode).map_err(Error::io("open up", &root))
        })
    }

    fn mmdebstrap(&self, root: &Path) -> Result<Command, Error> {
        let mut command = Command::new("mmdebstrap");
        command.args(["--mode=root", "--variant=essential", "--format=directory"]);
        for option in apt::acquisition().map_err(Error::io("run", "apt-config"))? {
            command.arg(format!("--aptopt={option}"));
        }
        command.args([
            "--aptopt=Acquire::Languages \"none\";",
            "--aptopt=APT::Install-Recommends \"false\";",
        ]);
        for directory in LEFT_OUT {
            command.arg(format!("--dpkgopt=path-exclude=/usr/share/{directory}/*"));
        }
        // Files that differ between machines or grow with time.
        command.arg("--customize-hook=cd \"$1\" && rm -rf etc/machine-id etc/hostname etc/resolv.conf var/log/* var/cache/*");
        command
            .arg(format!("--include={}", PACKAGES.join(",")))
            .arg(&self.codename)
            .arg(root)
            .arg("-");
        Ok(command)
    }
}

/// Writes down what was installed, in which version: Debian moves, and a cluster's behaviour with it.
fn record_packages(build: &Build<'_>, root: &Path) -> Result<(), Error> {
    let path = build.directory().join("packages.txt");
    let file = fs::File::create(&path).map_err(Error::io("create", &path))?;
    let status = Command::new("dpkg-query")
        .arg(format!("--admindir={}", root.join("var/lib/dpkg").display()))
        .args(["--show", "--showformat=${Package} ${Version}\n"])
        .stdout(file)
        .status()
        .map_err(Error::io("run", "dpkg-query"))?;
    if status.success() {
        Ok(())
    } else {
        Err(build.error(format!("dpkg-query ended with {status}")))
    }
}
