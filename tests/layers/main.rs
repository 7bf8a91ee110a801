//! What the sources import: no circle between files, and no room that imports one above it; and how
//! they are laid out.
//!
//! DESIGN.md declares the order of the rooms, and this test reads it there. Code under `cfg(test)`
//! is left out: tests may use everything.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod imports;
mod lines;
mod source;

use std::{collections::BTreeSet, fs, path::Path};

use imports::Imports;

const DESIGN: &str = include_str!("../../DESIGN.md");

/// The rooms of `src` as DESIGN.md lists them, the lowest first.
fn order() -> Vec<&'static str> {
    let (_, rest) = DESIGN.split_once("```text\nrooms: ").unwrap();
    let (list, _) = rest.split_once("```").unwrap();
    list.split_whitespace().collect()
}

/// The directories of the tests that have several files.
fn test_programs() -> Vec<String> {
    let mut found = Vec::new();
    for tests in ["tests", "ci/testbed/tests"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(tests)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().join("main.rs").is_file() {
                found.push(format!("{tests}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    assert!(found.len() > 3, "{found:?}");
    found
}

#[test]
fn design_lists_every_room_once() {
    let listed = order();
    let unique: BTreeSet<_> = listed.iter().map(|&room| room.to_owned()).collect();
    assert_eq!(listed.len(), unique.len(), "a room is listed twice");
    assert_eq!(unique, Imports::of("src").rooms());
}

#[test]
fn no_room_imports_one_above_it() {
    let order = order();
    let height = |room: &str| order.iter().position(|known| *known == room);
    let upwards: Vec<_> = Imports::of("src")
        .between_rooms()
        .into_iter()
        .filter(|import| height(&import.to_room) > height(&import.from_room))
        .map(|import| format!("{} imports {}", import.from, import.to))
        .collect();
    assert_eq!(upwards, Vec::<String>::new());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let programs = ["src", "ci/matrix/src", "ci/testbed/src"].map(str::to_owned).into_iter();
    let circles: Vec<_> =
        programs.chain(test_programs()).flat_map(|root| Imports::of(&root).circles()).collect();
    assert_eq!(circles, Vec::<String>::new());
}
