//! The cache of artefacts: everything that is built once and used by every cluster of this machine.
//!
//! An artefact is a directory, `<cache>/<name>/<key>`, that is there whole or not at all: it is
//! made under another name beside its place and renamed when it is done. A lock per artefact lets
//! several processes start at once; the kernel frees it when its holder dies, and the next holder
//! clears away what a killed build left.

mod build;
mod key;

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

pub use build::Build;
pub use key::{Key, KeyBuilder};

use crate::{
    error::{Error, Result},
    progress::{Event, Progress},
};

/// How often a wait looks whether it was asked to stop.
const GLANCE: Duration = Duration::from_millis(100);

/// The prefix of a directory that is still being made.
const UNFINISHED: &str = ".unfinished-";

/// A directory of artefacts.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    stopped: Arc<AtomicBool>,
    /// Whether what is missing is an error instead of something to make.
    only_looks: bool,
}

impl Cache {
    /// Opens the cache that the environment names: `TESTBED_CACHE`, else `dualstack-testbed` in
    /// `XDG_CACHE_HOME`, else in `~/.cache`.
    ///
    /// # Errors
    /// When none of them is set, or the directory can't be made.
    pub fn open() -> Result<Self> {
        let root = location(|name| env::var_os(name)).ok_or_else(|| {
            Error::Unfit(vec![
                "none of TESTBED_CACHE, XDG_CACHE_HOME and HOME is set: set TESTBED_CACHE to a \
                 directory with 12 GiB free"
                    .to_owned(),
            ])
        })?;
        Self::at(root)
    }

    /// Opens the cache in a directory, which is made when it is missing.
    ///
    /// # Errors
    /// When the directory can't be made.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        for directory in [root.join("locks"), root.join("logs")] {
            fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
        }
        let root = root.canonicalize().map_err(Error::io("resolve", &root))?;
        Ok(Self { root, stopped: Arc::default(), only_looks: false })
    }

    /// The same cache, whose builds [`Cache::stop`] stops without stopping those of others.
    pub(crate) fn separate(&self) -> Self {
        Self { stopped: Arc::default(), ..self.clone() }
    }

    /// The same cache, through which nothing is made: what is missing is [`Error::Missing`].
    pub(crate) fn only_looking(&self) -> Self {
        Self { only_looks: true, ..self.separate() }
    }

    /// Stops the builds that run through this cache and its clones, and lets no more begin.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Where an artefact lies once it is made.
    pub fn path(&self, name: &str, key: &Key) -> PathBuf {
        self.root.join(name).join(key.to_string())
    }

    /// The artefact `name` with this key: made by `recipe` when it isn't there.
    ///
    /// `recipe` fills the directory that its [`Build`] names. `step` is what a person reads
    /// meanwhile.
    ///
    /// # Errors
    /// Whatever `recipe` fails with, and what goes wrong with the cache itself. Nothing of a failed
    /// build stays but its log.
    pub fn artefact(
        &self,
        name: &str,
        key: &Key,
        step: &str,
        progress: &dyn Progress,
        recipe: impl FnOnce(&mut Build<'_>) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.path(name, key);
        if path.is_dir() {
            return Ok(path);
        }
        if self.only_looks {
            return Err(Error::Missing(step.to_owned()));
        }
        let _lock = self.lock(name, key, step, progress)?;
        if path.is_dir() {
            return Ok(path);
        }
        let family = self.root.join(name);
        fs::create_dir_all(&family).map_err(Error::io("create", &family))?;
        let unfinished = family.join(format!("{UNFINISHED}{key}"));
        discard(&unfinished)?;
        fs::create_dir(&unfinished).map_err(Error::io("create", &unfinished))?;

        progress.event(Event::Started { step });
        let started = Instant::now();
        let log = self.root.join("logs").join(format!("{name}-{key}.log"));
        let made = Build::new(step, &unfinished, log, progress, &self.stopped)
            .and_then(|mut build| recipe(&mut build));
        if let Err(error) = made {
            // The reason matters more than what could not be cleared away; the next build tries
            // again.
            let _ = discard(&unfinished);
            return Err(error);
        }
        fs::rename(&unfinished, &path).map_err(Error::io("put in place", &path))?;
        progress.event(Event::Finished { step, took: started.elapsed() });
        Ok(path)
    }

    /// Holds the lock of one artefact until the guard is dropped.
    fn lock(
        &self,
        name: &str,
        key: &Key,
        step: &str,
        progress: &dyn Progress,
    ) -> Result<Flock<File>> {
        let path = self.root.join("locks").join(format!("{name}-{key}"));
        let file = || File::create(&path).map_err(Error::io("create", &path));
        let mut waiting = false;
        while !self.stopped.load(Ordering::Relaxed) {
            match Flock::lock(file()?, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(lock),
                Err((_, Errno::EWOULDBLOCK)) => {}
                Err((_, errno)) => return Err(Error::io("lock", &path)(errno.into())),
            }
            if !waiting {
                progress.event(Event::Waiting { step });
                waiting = true;
            }
            thread::sleep(GLANCE);
        }
        Err(Error::Stopped(step.to_owned()))
    }
}

/// Removes a directory and all that is in it, if it is there.
fn discard(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Where the cache is, by the variables of an environment. Empty ones count as unset, as the XDG
/// specification asks.
fn location(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TESTBED_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("dualstack-testbed")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/dualstack-testbed")))
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use super::*;
    use crate::progress::Silent;

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path().join("cache")).unwrap();
        (directory, cache)
    }

    fn key(version: &str) -> Key {
        Key::of("test").input("version", version).finish()
    }

    fn write(build: &Build<'_>, text: &str) -> Result<()> {
        let path = build.directory().join("file");
        fs::write(&path, text).map_err(Error::io("write", path))
    }

    fn entries(path: &Path) -> Vec<OsString> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let (_directory, cache) = cache();
        let made = AtomicUsize::new(0);
        let get = || {
            cache.artefact("a", &key("1"), "a", &Silent, |build| {
                made.fetch_add(1, Ordering::Relaxed);
                write(build, "one")
            })
        };
        let path = get().unwrap();
        assert_eq!(get().unwrap(), path);
        assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "one");
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn another_key_is_another_artefact_beside_the_first() {
        let (_directory, cache) = cache();
        let get = |version: &str| {
            cache.artefact("a", &key(version), "a", &Silent, |build| write(build, version))
        };
        let (one, two) = (get("1").unwrap(), get("2").unwrap());
        assert_eq!(fs::read_to_string(one.join("file")).unwrap(), "1");
        assert_eq!(fs::read_to_string(two.join("file")).unwrap(), "2");
    }

    #[test]
    fn a_failed_build_leaves_nothing_but_its_log() {
        let (_directory, cache) = cache();
        let failed = cache.artefact("a", &key("1"), "a", &Silent, |build| {
            write(build, "half")?;
            Err(build.error("it is broken"))
        });
        assert!(failed.is_err());
        assert!(entries(&cache.root.join("a")).is_empty());
    }

    #[test]
    fn what_a_killed_build_left_is_neither_used_nor_kept() {
        let (_directory, cache) = cache();
        let left = cache.root.join("a").join(format!("{UNFINISHED}{}", key("1")));
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("half"), "half").unwrap();
        let path =
            cache.artefact("a", &key("1"), "a", &Silent, |build| write(build, "whole")).unwrap();
        assert_eq!(entries(&path), ["file"]);
        assert_eq!(entries(&cache.root.join("a")), [key("1").to_string().as_str()]);
    }

    #[test]
    fn of_many_that_ask_at_once_one_builds() {
        let (_directory, cache) = cache();
        let (made, start) = (AtomicUsize::new(0), Barrier::new(8));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    cache
                        .artefact("a", &key("1"), "a", &Silent, |build| {
                            made.fetch_add(1, Ordering::Relaxed);
                            write(build, "one")
                        })
                        .unwrap();
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn through_a_cache_that_only_looks_nothing_is_made() {
        let (_directory, cache) = cache();
        let looking = cache.only_looking();
        let missing = looking.artefact("a", &key("1"), "a", &Silent, |_| panic!("was begun"));
        assert!(matches!(missing, Err(Error::Missing(_))));
        let made = cache.artefact("a", &key("1"), "a", &Silent, |build| write(build, "x")).unwrap();
        let found = looking.artefact("a", &key("1"), "a", &Silent, |_| panic!("was begun"));
        assert_eq!(found.unwrap(), made);
    }

    #[test]
    fn a_stopped_cache_begins_no_build_and_ends_the_command_that_runs() {
        let (_directory, cache) = cache();
        let stopped = cache.artefact("a", &key("1"), "a", &Silent, |build| {
            cache.stop();
            build.run(std::process::Command::new("sleep").arg("1000"))
        });
        assert!(matches!(stopped, Err(Error::Stopped(_))), "{stopped:?}");
        assert!(entries(&cache.root.join("a")).is_empty());
        let begun = cache.artefact("a", &key("2"), "a", &Silent, |_| panic!("was begun"));
        assert!(matches!(begun, Err(Error::Stopped(_))));
        cache.separate().artefact("a", &key("3"), "a", &Silent, |build| write(build, "x")).unwrap();
    }

    #[test]
    fn the_environment_says_where_the_cache_is() {
        let location = |set: &[(&str, &str)]| {
            location(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into())
            })
        };
        let (home, xdg, own) = (("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("TESTBED_CACHE", "/t"));
        assert_eq!(location(&[home, xdg, own]), Some("/t".into()));
        assert_eq!(location(&[home, xdg]), Some("/x/dualstack-testbed".into()));
        assert_eq!(
            location(&[home, ("XDG_CACHE_HOME", "")]),
            Some("/h/.cache/dualstack-testbed".into())
        );
        assert_eq!(location(&[]), None);
    }
}
