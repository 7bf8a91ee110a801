//! busybox as upstream releases it, configured as the official image is.
//!
//! Debian's own build is another program: its `nc` has no `-u`, its `wget` knows fewer options. So
//! only the source is taken from Debian, which keeps upstream's tarball unchanged beside its own
//! patches; those are not applied.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use sha2::{Digest, Sha256};

use super::apt;
use crate::{
    cache::{Build, Cache, Key},
    error::{Error, Result},
    images::hex,
    progress::Progress,
};

/// Upstream's version.
pub(super) const VERSION: &str = "1.37.0";

/// The Debian release whose source package is of that version.
const SUITE: &str = "trixie";

/// The digest of upstream's tarball, the one that the official image is built from.
const SHA256: &str = "3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4";

/// How the official image departs from upstream's defconfig; and two departures of ours: it is
/// static, because nothing else in the image would use a library, and has no `tc`, which fails to
/// compile with headers of Linux 6.8 and later.
const CONFIGURATION: &[(&str, &str)] = &[
    ("AR", "y"),
    ("FEATURE_AR_CREATE", "y"),
    ("FEATURE_AR_LONG_FILENAMES", "y"),
    ("FEATURE_SYNC_FANCY", "n"),
    ("INOTIFYD", "y"),
    ("LAST_SUPPORTED_WCHAR", "0"),
    ("STATIC", "y"),
    ("TC", "n"),
];

pub(super) fn key() -> Key {
    Key::of("busybox")
        .input("sha256", SHA256)
        .input("configuration", format!("{CONFIGURATION:?}"))
        .input("recipe", include_str!("busybox.rs"))
        .finish()
}

/// The artefact with the program `busybox` and the names of its applets, one per line, in
/// `applets.txt`.
pub(super) fn build(cache: &Cache, progress: &dyn Progress) -> Result<PathBuf> {
    cache.artefact("busybox", &key(), &format!("busybox {VERSION}"), progress, |build| {
        let work = build.directory().join("work");
        fs::create_dir(&work).map_err(Error::io("create", &work))?;
        let tarball = download(build, &work)?;
        build.run(Command::new("tar").arg("-xjf").arg(&tarball).arg("-C").arg(&work))?;
        let source = work.join(format!("busybox-{VERSION}"));
        compile(build, &source)?;
        let (made, program) = (source.join("busybox"), build.directory().join("busybox"));
        fs::rename(&made, &program).map_err(Error::io("rename", &made))?;
        list_applets(build, &program)?;
        fs::remove_dir_all(&work).map_err(Error::io("remove", &work))
    })
}

/// Fetches the source package with a configuration of apt that shares nothing with the machine's
/// but its repository and its way there; the tarball is checked twice, by apt and against the
/// digest above.
fn download(build: &mut Build<'_>, work: &Path) -> Result<PathBuf> {
    let codename = apt::codename().unwrap_or_default();
    let repository = apt::sources(&codename)
        .map_err(Error::io("run", "apt-get"))?
        .into_iter()
        .find(|source| source.suite == codename && source.component == "main")
        .ok_or_else(|| {
            build.error("apt is configured with no main repository of this machine's release")
        })?;
    let source = apt::Source { suite: SUITE.into(), ..repository };
    let list = work.join("sources.list");
    fs::write(&list, source.line("deb-src") + "\n").map_err(Error::io("write", &list))?;
    for directory in ["lists/partial", "archives/partial"] {
        let path = work.join(directory);
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
    }
    let mut options = vec![
        format!("Dir::Etc::SourceList={}", list.display()),
        "Dir::Etc::SourceParts=/dev/null".into(),
        format!("Dir::State::Lists={}", work.join("lists").display()),
        format!("Dir::Cache={}", work.display()),
        // The build runs as root in a directory that apt's own user may not enter.
        "APT::Sandbox::User=root".into(),
    ];
    options.extend(
        apt::acquisition()
            .map_err(Error::io("run", "apt-config"))?
            .iter()
            .map(|option| option.trim_end_matches(';').replacen(' ', "=", 1).replace('"', "")),
    );
    for arguments in [&["update"][..], &["source", "--download-only", "--only-source", "busybox"]] {
        let mut command = Command::new("apt-get");
        command
            .arg("-q")
            .args(options.iter().flat_map(|option| ["-o", option]))
            .args(arguments)
            .current_dir(work);
        build.run(&command)?;
    }
    let tarball = work.join(format!("busybox_{VERSION}.orig.tar.bz2"));
    let content = fs::read(&tarball).map_err(|_| {
        build.error(format!("{SUITE} no longer has the source of busybox {VERSION}; the recipe must name a newer one"))
    })?;
    let found = hex(&Sha256::digest(content));
    if found != SHA256 {
        return Err(
            build.error(format!("the source tarball has the digest {found} instead of {SHA256}"))
        );
    }
    Ok(tarball)
}

fn compile(build: &mut Build<'_>, source: &Path) -> Result<()> {
    let make = |arguments: &[&str]| {
        let mut command = Command::new("make");
        // Its banner carries the time of the build otherwise.
        command
            .args(arguments)
            .current_dir(source)
            .env("SOURCE_DATE_EPOCH", "0")
            .env("LC_ALL", "C");
        command
    };
    build.run(&make(&["defconfig"]))?;
    let path = source.join(".config");
    let defaults = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    fs::write(&path, configured(&defaults)).map_err(Error::io("write", &path))?;
    // Options that appear with those switched on are asked for: an empty line takes the default.
    build.run_with_input(&make(&["oldconfig"]), &"\n".repeat(1000))?;
    let final_ = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    for (name, value) in CONFIGURATION {
        if !final_.lines().any(|line| line == setting(name, value)) {
            return Err(
                build.error(format!("busybox {VERSION} can't be configured with {name}={value}"))
            );
        }
    }
    let jobs = thread::available_parallelism().map_or(1, usize::from).to_string();
    build.run(&make(&["-j", &jobs, "busybox"]))
}

/// The line of a `.config` that sets an option.
fn setting(name: &str, value: &str) -> String {
    if value == "n" {
        format!("# CONFIG_{name} is not set")
    } else {
        format!("CONFIG_{name}={value}")
    }
}

/// A `.config` with our settings in place of those it has.
fn configured(defaults: &str) -> String {
    let ours = |line: &str| {
        let option = line.trim_start_matches("# ").strip_prefix("CONFIG_").unwrap_or_default();
        let option = option.split(['=', ' ']).next().unwrap_or_default();
        CONFIGURATION.iter().any(|(name, _)| *name == option)
    };
    let kept = defaults.lines().filter(|line| !ours(line)).map(str::to_owned);
    let set = CONFIGURATION.iter().map(|(name, value)| setting(name, value));
    kept.chain(set).fold(String::new(), |text, line| text + &line + "\n")
}

fn list_applets(build: &Build<'_>, program: &Path) -> Result<()> {
    let output = Command::new(program).arg("--list").output().map_err(Error::io("run", program))?;
    let path = build.directory().join("applets.txt");
    fs::write(&path, output.stdout).map_err(Error::io("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_settings_stand_in_place_of_the_defaults() {
        let text = configured(
            "CONFIG_TC=y\n# CONFIG_STATIC is not set\nCONFIG_TCPSVD=y\nCONFIG_LAST_SUPPORTED_WCHAR=767\n",
        );
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.contains(&"# CONFIG_TC is not set"));
        assert!(lines.contains(&"CONFIG_STATIC=y"));
        assert!(lines.contains(&"CONFIG_LAST_SUPPORTED_WCHAR=0"));
        assert!(
            lines.contains(&"CONFIG_TCPSVD=y"),
            "an option whose name begins alike was touched"
        );
        assert!(!lines.contains(&"CONFIG_TC=y"));
    }
}
