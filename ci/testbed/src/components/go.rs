//! Go programs as components: built by `go build` from a go.mod and go.sum that pin them as tool
//! dependencies.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::{Build, Cache, Key},
    error::{Error, Result},
    progress::Progress,
};

/// A Go module of ours whose tool dependencies are programs of the testbed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    /// The component's name, which is also its artefact's.
    pub name: &'static str,
    /// The module that its version is that of.
    pub module: &'static str,
    pub go_mod: &'static str,
    pub go_sum: &'static str,
    /// Whether it has parts in C. Those are linked statically, like everything else: a node's
    /// libraries are not those of the machine that builds.
    pub cgo: bool,
    /// Build tags, separated by commas.
    pub tags: &'static str,
    /// Variables to set at link time, `{version}`, `{minor}` standing for those of the release.
    pub variables: &'static [(&'static str, &'static str)],
    /// The packages to build and what to call the programs.
    pub programs: &'static [(&'static str, &'static str)],
}

impl Component {
    /// The version that go.mod pins, such as `v1.36.3`; empty if it pins none, which a test
    /// excludes.
    pub(super) fn version(&self) -> &'static str {
        required(self.go_mod, self.module).unwrap_or_default()
    }

    /// What its artefact is keyed by.
    pub(super) fn key(&self) -> Key {
        Key::of("go")
            .input("go.mod", self.go_mod)
            .input("go.sum", self.go_sum)
            .input("flags", self.flags().join("\n"))
            .input("cgo", [u8::from(self.cgo)])
            .input("programs", format!("{:?}", self.programs))
            .finish()
    }

    /// The directory with its programs, built if need be.
    pub(super) fn build(&self, cache: &Cache, progress: &dyn Progress) -> Result<PathBuf> {
        let step = format!("{} {}", self.name, self.version());
        cache.artefact(self.name, &self.key(), &step, progress, |build| {
            let module = self.write_module(build)?;
            // One call for all lets them be compiled and linked side by side; names are repaired
            // afterwards.
            build.run(
                go(&module)
                    .arg("build")
                    .args(self.flags())
                    .arg("-o")
                    .arg(build.directory())
                    .args(self.programs.iter().map(|(package, _)| package))
                    .env("CGO_ENABLED", if self.cgo { "1" } else { "0" }),
            )?;
            for (package, name) in self.programs {
                let (made, wanted) =
                    (build.directory().join(default_name(package)), build.directory().join(name));
                fs::rename(&made, &wanted).map_err(Error::io("rename", &made))?;
            }
            fs::remove_dir_all(&module).map_err(Error::io("remove", &module))
        })
    }

    /// The directory of the module's source, which is in Go's own cache afterwards. It may be read,
    /// not written to.
    pub(super) fn source(&self, build: &mut Build<'_>) -> Result<PathBuf> {
        let module = self.write_module(build)?;
        build.run(go(&module).args(["mod", "download", self.module]))?;
        let listed = go(&module)
            .args(["list", "-m", "-f", "{{.Dir}}", self.module])
            .output()
            .map_err(Error::io("run", "go"))?;
        fs::remove_dir_all(&module).map_err(Error::io("remove", &module))?;
        Ok(PathBuf::from(String::from_utf8_lossy(&listed.stdout).trim()))
    }

    /// Writes go.mod and go.sum into a directory of their own, and returns it.
    fn write_module(&self, build: &Build<'_>) -> Result<PathBuf> {
        let module = build.directory().join("module");
        fs::create_dir(&module).map_err(Error::io("create", &module))?;
        for (name, text) in [("go.mod", self.go_mod), ("go.sum", self.go_sum)] {
            let path = module.join(name);
            fs::write(&path, text).map_err(Error::io("write", &path))?;
        }
        Ok(module)
    }

    fn flags(&self) -> Vec<String> {
        let version = self.version();
        let minor = version.split('.').nth(1).unwrap_or_default();
        let mut link = String::from("-s -w");
        if self.cgo {
            link.push_str(" -linkmode external -extldflags -static");
        }
        for (variable, value) in self.variables {
            let value = value.replace("{version}", version).replace("{minor}", minor);
            link.push_str(&format!(" -X {variable}={value}"));
        }
        let mut flags: Vec<String> =
            vec!["-trimpath".into(), "-buildvcs=false".into(), "-ldflags".into(), link];
        if !self.tags.is_empty() {
            flags.extend(["-tags".into(), self.tags.into()]);
        }
        flags
    }
}

/// Go, to be called in a module. A person's own flags and workspace are for that person's own modules.
fn go(module: &Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(module).env("GOFLAGS", "-mod=readonly").env("GOWORK", "off");
    command
}

/// The version of a module that a go.mod requires.
fn required<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().take_while(|line| !line.starts_with("replace")).find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word == "require");
        (words.next() == Some(module))
            .then(|| words.next())
            .flatten()
            .filter(|version| version.starts_with('v'))
    })
}

/// What `go build` calls the program of a package: the last element of its path that is not a major
/// version.
fn default_name(package: &str) -> &str {
    let is_major = |element: &str| {
        element
            .strip_prefix('v')
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    package.rsplit('/').find(|element| !is_major(element)).unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Component = Component {
        name: "one",
        module: "example.test/one/v2",
        go_mod: "module x\n\ntool example.test/one/v2/cmd/one\n\nrequire example.test/one/v2 v2.3.4\n",
        go_sum: "sums",
        cgo: false,
        tags: "",
        variables: &[("example.test/one/v2/version.V", "{version}"), ("main.minor", "{minor}")],
        programs: &[("example.test/one/v2/cmd/one", "one")],
    };

    #[test]
    fn a_version_is_the_one_that_go_mod_requires() {
        assert_eq!(ONE.version(), "v2.3.4");
        let block = "tool a.test/m/cmd\n\nrequire (\n\ta.test/m/x v0.1.0 // indirect\n\ta.test/m v1.2.3\n)\n";
        assert_eq!(required(block, "a.test/m"), Some("v1.2.3"));
        assert_eq!(
            required("require b.test/m v1.0.0\nreplace a.test/m => a.test/m v9.9.9\n", "a.test/m"),
            None
        );
    }

    #[test]
    fn variables_are_set_by_the_version() {
        assert!(
            ONE.flags().contains(
                &"-s -w -X example.test/one/v2/version.V=v2.3.4 -X main.minor=3".to_owned()
            ),
            "{:?}",
            ONE.flags()
        );
    }

    #[test]
    fn a_change_of_what_it_is_built_from_changes_the_key() {
        let changed = [
            Component { go_sum: "other", ..ONE },
            Component { go_mod: "module x\n\nrequire example.test/one/v2 v2.3.5\n", ..ONE },
            Component { tags: "notest", ..ONE },
            Component { cgo: true, ..ONE },
            Component { variables: &[], ..ONE },
            Component { programs: &[("example.test/one/v2/cmd/one", "uno")], ..ONE },
        ];
        for component in changed {
            assert_ne!(component.key(), ONE.key(), "{component:?}");
        }
    }

    #[test]
    fn a_program_of_a_major_version_is_named_by_what_stands_before_it() {
        assert_eq!(default_name("go.etcd.io/etcd/server/v3"), "server");
        assert_eq!(default_name("k8s.io/kubernetes/cmd/kubelet"), "kubelet");
        assert_eq!(default_name("github.com/opencontainers/runc"), "runc");
    }
}
