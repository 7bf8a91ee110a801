//! Debian packages of a root file system, as content for images: what a package needs comes with
//! it, so that no library is forgotten that only some plugin opens.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use super::layer::Layer;
use crate::error::{Error, Result};

/// The packages of a root file system.
pub(super) struct Packages {
    root: PathBuf,
    installed: HashMap<String, Package>,
}

#[derive(Debug, Default)]
struct Package {
    version: String,
    /// One entry per dependency, each with its alternatives in order.
    depends: Vec<Vec<String>>,
    provides: Vec<String>,
}

impl Packages {
    /// Reads which packages are installed.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let path = root.join("var/lib/dpkg/status");
        let status = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Ok(Self { root: root.to_owned(), installed: parse(&status) })
    }

    /// The version of a package; empty if it isn't installed.
    pub(super) fn version(&self, name: &str) -> &str {
        self.installed.get(name).map_or("", |package| &package.version)
    }

    /// Adds the files of packages and of all that they depend on, but for those of `without` and
    /// what only they need. Documentation and what belongs to installing (but not to running) is
    /// left out.
    pub(super) fn add(
        &self,
        layer: &mut Layer<'_>,
        names: &[&str],
        without: &[&str],
    ) -> Result<()> {
        for name in self.closure(names, without)? {
            for path in self.files(&name)? {
                if !LEFT_OUT.iter().any(|prefix| path.starts_with(prefix)) {
                    layer.take(&self.root, Path::new(&path))?;
                }
            }
        }
        self.add_alternatives(layer)
    }

    fn closure(&self, names: &[&str], without: &[&str]) -> Result<BTreeSet<String>> {
        let mut wanted = BTreeSet::new();
        let mut open: Vec<String> = Vec::new();
        for name in names {
            let missing = || Error::Artefact {
                what: format!("an image with {}", names.join(", ")),
                reason: format!("the package {name} is not in {}", self.root.display()),
            };
            open.push(self.installed(name).ok_or_else(missing)?.to_owned());
        }
        while let Some(name) = open.pop() {
            if without.contains(&name.as_str()) || !wanted.insert(name.clone()) {
                continue;
            }
            let depends = self
                .installed
                .get(&name)
                .map(|package| package.depends.as_slice())
                .unwrap_or_default();
            open.extend(depends.iter().filter_map(|alternatives| {
                alternatives.iter().find_map(|name| self.installed(name)).map(str::to_owned)
            }));
        }
        Ok(wanted)
    }

    /// The installed package of a name, or one that stands in for it.
    fn installed<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.installed.contains_key(name) {
            return Some(name);
        }
        // The least of several, because the order of a map changes from run to run.
        let provides = |(_, package): &(&String, &Package)| {
            package.provides.iter().any(|provided| provided == name)
        };
        self.installed.iter().filter(provides).map(|(provider, _)| provider.as_str()).min()
    }

    /// The paths that a package installed, in order.
    fn files(&self, name: &str) -> Result<Vec<String>> {
        let info = self.root.join("var/lib/dpkg/info");
        // Packages that may be installed for several architectures carry theirs in the file's name.
        let candidates = [format!("{name}.list"), format!("{name}:{}.list", debian_architecture())];
        let path =
            candidates.iter().map(|file| info.join(file)).find(|path| path.is_file()).ok_or_else(
                || Error::Artefact {
                    what: format!("an image with {name}"),
                    reason: format!("{} has no list of its files", info.display()),
                },
            )?;
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let mut files: Vec<String> = text.lines().map(str::to_owned).collect();
        files.sort();
        Ok(files)
    }

    /// Adds the links of Debian's alternatives (`awk` to `mawk`) of which the target is in the
    /// layer: they belong to no package's files.
    fn add_alternatives(&self, layer: &mut Layer<'_>) -> Result<()> {
        let directory = self.root.join("var/lib/dpkg/alternatives");
        let Ok(entries) = fs::read_dir(&directory) else { return Ok(()) };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            for (name, link) in alternative(&name, &text) {
                let choice = Path::new("etc/alternatives").join(name);
                let Ok(target) = fs::read_link(self.root.join(&choice)) else { continue };
                if layer.has(&target)
                    || layer.has(Path::new("usr").join(target.strip_prefix("/").unwrap_or(&target)))
                {
                    layer.symlink(&choice, &target)?;
                    layer.take(&self.root, Path::new(link))?;
                }
            }
        }
        Ok(())
    }
}

/// What no program in a container reads.
const LEFT_OUT: &[&str] = &[
    "/usr/share/doc",
    "/usr/share/man",
    "/usr/share/info",
    "/usr/share/locale",
    "/usr/share/lintian",
    "/usr/share/bug",
    "/usr/share/bash-completion",
    "/usr/lib/x86_64-linux-gnu/gconv",
    "/usr/lib/aarch64-linux-gnu/gconv",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/ufw",
    "/lib/systemd",
    "/usr/lib/systemd",
];

/// The machine's architecture as Debian calls it.
fn debian_architecture() -> &'static str {
    super::image::architecture()
}

/// Reads dpkg's status file: paragraphs of `Field: value`, continued on lines that begin with a
/// blank.
fn parse(status: &str) -> HashMap<String, Package> {
    let mut installed = HashMap::new();
    for paragraph in status.split("\n\n") {
        let (mut name, mut package, mut is_installed) = ("", Package::default(), false);
        for (field, value) in paragraph.lines().filter_map(|line| line.split_once(": ")) {
            match field {
                "Package" => name = value,
                "Version" => package.version = value.into(),
                "Status" => is_installed = value.ends_with(" installed"),
                "Depends" | "Pre-Depends" => package.depends.extend(relations(value)),
                "Provides" => package.provides.extend(relations(value).into_iter().flatten()),
                _ => {}
            }
        }
        if is_installed && !name.is_empty() {
            installed.insert(name.to_owned(), package);
        }
    }
    installed
}

/// The package names of a relationship field, without versions and architectures.
fn relations(value: &str) -> Vec<Vec<String>> {
    let name =
        |text: &str| text.trim().split([' ', '(', ':']).next().unwrap_or_default().to_owned();
    value.split(',').map(|alternatives| alternatives.split('|').map(name).collect()).collect()
}

/// The links that one alternative manages, each with its name: its own, and those that follow it.
/// The file has a line with its mode, one with its link, then two per follower, and ends with an
/// empty one before the choices.
fn alternative<'a>(name: &'a str, text: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut lines = text.lines().skip(1).take_while(|line| !line.is_empty());
    let mut links: Vec<_> = lines.next().map(|link| (name, link)).into_iter().collect();
    while let (Some(name), Some(link)) = (lines.next(), lines.next()) {
        links.push((name, link));
    }
    links
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{super::store::Store, *};

    const STATUS: &str = "\
Package: iptables
Status: install ok installed
Version: 1.8.9-2
Depends: libxtables12 (= 1.8.9-2), libc6 (>= 2.34) | libc-none, debconf (>= 0.5) | debconf-2.0
Description: tools
 Depends: this is text

Package: libxtables12
Status: install ok installed
Version: 1.8.9-2
Depends: libc6 (>= 2.34)

Package: libc6
Status: install ok installed
Version: 2.36

Package: cdebconf
Status: install ok installed
Version: 1
Provides: debconf-2.0
Depends: perl:any

Package: perl
Status: install ok installed
Version: 5

Package: gone
Status: deinstall ok config-files
Version: 1
";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("var/lib/dpkg/status", STATUS);
        for (package, files) in [
            ("iptables", "/.\n/usr\n/usr/sbin/iptables-nft\n/usr/share/doc/iptables/README\n"),
            ("libxtables12", "/usr/lib/libxtables.so\n"),
            ("cdebconf", "/usr/bin/debconf\n"),
            ("perl", "/usr/bin/perl\n"),
        ] {
            write(&format!("var/lib/dpkg/info/{package}.list"), files);
            for file in files.lines().filter(|file| file.matches('/').count() > 2) {
                write(&file[1..], package);
            }
        }
        write(
            &format!("var/lib/dpkg/info/libc6:{}.list", debian_architecture()),
            "/usr/lib/libm.so.6\n",
        );
        write("usr/lib/libm.so.6", "m");
        write(
            "var/lib/dpkg/alternatives/iptables",
            "auto\n/usr/sbin/iptables\niptables-save\n/usr/sbin/iptables-save\n\n/usr/sbin/iptables-nft\n20\n",
        );
        fs::create_dir_all(root.path().join("etc/alternatives")).unwrap();
        symlink("/usr/sbin/iptables-nft", root.path().join("etc/alternatives/iptables")).unwrap();
        symlink("/etc/alternatives/iptables", root.path().join("usr/sbin/iptables")).unwrap();
        symlink("/usr/sbin/absent", root.path().join("etc/alternatives/iptables-save")).unwrap();
        root
    }

    #[test]
    fn what_a_package_needs_comes_with_it_and_what_stands_in_does_too() {
        let root = root();
        let packages = Packages::of(root.path()).unwrap();
        let closure = packages.closure(&["iptables"], &[]).unwrap();
        assert_eq!(
            closure.iter().collect::<Vec<_>>(),
            ["cdebconf", "iptables", "libc6", "libxtables12", "perl"]
        );
        assert_eq!(packages.version("iptables"), "1.8.9-2");
    }

    #[test]
    fn what_is_left_out_does_not_bring_its_own_needs() {
        let root = root();
        let packages = Packages::of(root.path()).unwrap();
        let closure = packages.closure(&["iptables"], &["cdebconf"]).unwrap();
        assert_eq!(closure.iter().collect::<Vec<_>>(), ["iptables", "libc6", "libxtables12"]);
    }

    #[test]
    fn a_package_that_is_not_installed_is_named() {
        let root = root();
        let error = Packages::of(root.path()).unwrap().closure(&["gone"], &[]).unwrap_err();
        assert!(error.to_string().contains("package gone"), "{error}");
    }

    #[test]
    fn the_files_of_packages_and_their_alternatives_are_added_and_documentation_is_not() {
        let root = root();
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let mut layer = Layer::new(&store).unwrap();
        Packages::of(root.path()).unwrap().add(&mut layer, &["iptables"], &["cdebconf"]).unwrap();
        for path in [
            "usr/sbin/iptables-nft",
            "usr/lib/libm.so.6",
            "usr/sbin/iptables",
            "etc/alternatives/iptables",
        ] {
            assert!(layer.has(path), "{path}");
        }
        for path in
            ["usr/share/doc/iptables/README", "usr/bin/perl", "etc/alternatives/iptables-save"]
        {
            assert!(!layer.has(path), "{path}");
        }
    }
}
