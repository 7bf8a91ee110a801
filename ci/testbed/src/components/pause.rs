//! The program of the pause image.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cache::{Cache, Key},
    error::{Error, Result},
    progress::Progress,
};

const SOURCE: &str = include_str!("pause.c");
const FLAGS: &[&str] = &["-Os", "-static", "-s", "-Wall", "-Werror"];

pub(super) fn key() -> Key {
    Key::of("pause").input("source", SOURCE).input("flags", FLAGS.join(" ")).finish()
}

/// The artefact with the program `pause`.
pub(super) fn build(cache: &Cache, progress: &dyn Progress) -> Result<PathBuf> {
    cache.artefact("pause", &key(), "pause", progress, |build| {
        let (source, program) =
            (build.directory().join("pause.c"), build.directory().join("pause"));
        fs::write(&source, SOURCE).map_err(Error::io("write", &source))?;
        build.run(Command::new("gcc").args(FLAGS).arg("-o").arg(&program).arg(&source))
    })
}
