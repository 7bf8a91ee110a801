//! Root file systems of Debian's own packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::apt;
use crate::{
    cache::{Build, Key},
    error::{Error, Result},
};

/// What nothing here reads.
const LEFT_OUT: &[&str] = &["doc", "man", "info", "locale", "lintian", "bash-completion", "bug"];

/// The release that this machine runs, so that its own repositories serve.
#[derive(Clone, Debug)]
pub(super) struct Debian {
    codename: String,
}

impl Debian {
    /// The machine's release.
    pub(super) fn new() -> Result<Self> {
        let codename = apt::codename().ok_or_else(|| Error::Artefact {
            what: "root file systems".into(),
            reason:
                "/etc/os-release names no release (VERSION_CODENAME); the testbed needs Debian \
             or a derivative"
                    .into(),
        })?;
        Ok(Self { codename })
    }

    /// Its name, such as `bookworm`.
    pub(super) fn codename(&self) -> &str {
        &self.codename
    }

    /// The key of a root file system that a recipe of this text makes.
    pub(super) fn key(&self, name: &str, recipe: &str) -> Key {
        Key::of(name)
            .input("codename", &self.codename)
            .input("debian", include_str!("debian.rs"))
            .input("recipe", recipe)
            .finish()
    }

    /// Makes a root file system of the essential packages and these in the directory `root` of a
    /// build, and writes the list of what was installed to `packages.txt` beside it.
    pub(super) fn root(&self, build: &mut Build<'_>, packages: &[&str]) -> Result<PathBuf> {
        let sources = apt::sources(&self.codename).map_err(Error::io("run", "apt-get"))?;
        if sources.is_empty() {
            return Err(
                build.error(format!("apt is configured with no repository of {}", self.codename))
            );
        }
        let list: String = sources.iter().map(|source| source.line("deb") + "\n").collect();
        let root = build.directory().join("root");
        build.run_with_input(&self.mmdebstrap(&root, packages)?, &list)?;
        record_packages(build, &root)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&root, mode).map_err(Error::io("open up", &root))?;
        Ok(root)
    }

    fn mmdebstrap(&self, root: &Path, packages: &[&str]) -> Result<Command> {
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
        command.arg(
            "--customize-hook=cd \"$1\" && rm -rf etc/machine-id etc/hostname \
         etc/resolv.conf var/log/* var/cache/*",
        );
        command
            .arg(format!("--include={}", packages.join(",")))
            .arg(&self.codename)
            .arg(root)
            .arg("-");
        Ok(command)
    }
}

/// Writes down what was installed, in which version: Debian moves, and a cluster's behaviour with
/// it.
fn record_packages(build: &Build<'_>, root: &Path) -> Result<()> {
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
