//! What this machine must have before clusters can be made on it: data for a check that names all
//! that is missing at once, before anything is touched.

use std::{env, os::unix::fs::PermissionsExt, path::Path};

/// One thing that must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What must be there.
    pub what: What,
    /// The Debian package that brings it; none where Debian has none that is new enough.
    pub package: Option<&'static str>,
    /// What it is needed for, as the end of a sentence that begins with its name: `builds the C
    /// part of runc`.
    pub purpose: &'static str,
}

/// How it is seen that something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A program on the search path.
    Program(&'static str),
    /// One of several files, because architectures keep libraries in directories of their own.
    File(&'static [&'static str]),
}

/// What building everything that clusters are made of needs. When it is all in the cache, none of
/// this does.
pub const BUILD: &[Requirement] = &[
    program("go", None, "builds Kubernetes, containerd, runc, etcd and CoreDNS"),
    program("gcc", Some("gcc"), "builds busybox, pause and the C part of runc"),
    program("make", Some("make"), "builds busybox"),
    program("tar", Some("tar"), "unpacks the source of busybox"),
    program("bzip2", Some("bzip2"), "unpacks the source of busybox"),
    program("pkg-config", Some("pkg-config"), "finds libseccomp for runc"),
    program("mmdebstrap", Some("mmdebstrap"), "makes the root file system of nodes"),
    program("apt-get", Some("apt"), "says where this machine's packages come from"),
    program("dpkg-query", Some("dpkg"), "records the versions of the packages of nodes"),
    program("setpriv", Some("util-linux"), "ends builds together with the testbed"),
    program("unshare", Some("util-linux"), "ends builds together with the testbed"),
    file(&["/usr/include/stdio.h"], "libc6-dev", "builds busybox, pause and the C part of runc"),
    file(
        &["/usr/lib/x86_64-linux-gnu/libseccomp.a", "/usr/lib/aarch64-linux-gnu/libseccomp.a"],
        "libseccomp-dev",
        "gives runc its system call filters",
    ),
    file(
        &["/usr/share/keyrings/debian-archive-keyring.gpg"],
        "debian-archive-keyring",
        "verifies the packages of nodes",
    ),
];

const fn program(
    name: &'static str,
    package: Option<&'static str>,
    purpose: &'static str,
) -> Requirement {
    Requirement { what: What::Program(name), package, purpose }
}

const fn file(
    paths: &'static [&'static str],
    package: &'static str,
    purpose: &'static str,
) -> Requirement {
    Requirement { what: What::File(paths), package: Some(package), purpose }
}

impl Requirement {
    /// Whether it is there.
    pub fn is_met(&self) -> bool {
        match self.what {
            What::Program(name) => is_in_path(name, &env::var_os("PATH").unwrap_or_default()),
            What::File(paths) => paths.iter().any(|path| Path::new(path).exists()),
        }
    }

    /// Its name: of the program or the first file.
    pub fn name(&self) -> &'static str {
        match self.what {
            What::Program(name) => name,
            What::File(paths) => paths.first().copied().unwrap_or_default(),
        }
    }
}

/// Whether a program is in one of the directories of a search path.
fn is_in_path(name: &str, path: &std::ffi::OsStr) -> bool {
    let executable = |path: &Path| {
        path.metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(path).any(|directory| executable(&directory.join(name)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_is_found_by_the_search_path_and_has_to_be_executable() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tool");
        let search = env::join_paths(["/nowhere".as_ref(), directory.path()]).unwrap();
        assert!(!is_in_path("tool", &search));
        fs::write(&path, "").unwrap();
        assert!(!is_in_path("tool", &search), "a file that can't be executed was taken");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_in_path("tool", &search));
    }

    #[test]
    fn a_file_may_be_in_any_of_its_places() {
        let requirement = |paths| file(paths, "p", "is there");
        assert!(requirement(&["/nowhere", "/proc/self/status"]).is_met());
        assert!(!requirement(&["/nowhere"]).is_met());
    }
}
