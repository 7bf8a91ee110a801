//! What the sources import: no circle between files, and no room that imports one above it.
//!
//! DESIGN.md declares the order of the rooms, and this test reads it there. Code under `cfg(test)`
//! is left out: tests may use everything.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod imports;
mod source;

use std::collections::BTreeSet;

use imports::Imports;

const DESIGN: &str = include_str!("../../DESIGN.md");

/// The rooms of `src` as DESIGN.md lists them, the lowest first.
fn order() -> Vec<&'static str> {
    let (_, rest) = DESIGN.split_once("```text\nrooms: ").unwrap();
    let (list, _) = rest.split_once("```").unwrap();
    list.split_whitespace().collect()
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
    let circles: Vec<_> = ["src", "ci/matrix/src", "ci/testbed/src"]
        .into_iter()
        .flat_map(|root| Imports::of(root).circles())
        .collect();
    assert_eq!(circles, Vec::<String>::new());
}
