//! How sources are laid out, where rustfmt has no say.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use syn::{Item, UseTree};

use crate::imports::sources;

/// rustfmt breaks code at 100, and leaves comments and texts alone.
const LONGEST: usize = 120;

/// Every source file, by its path in the repository, with its text.
fn files() -> impl Iterator<Item = (PathBuf, String)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directories = ["src", "ci", "tests"].map(|directory| repository.join(directory));
    directories.into_iter().flat_map(|directory| sources(&directory)).map(move |path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(repository).unwrap().to_owned(), text)
    })
}

#[test]
fn no_line_is_too_long_to_be_read() {
    let long: Vec<_> = files()
        .flat_map(|(path, text)| {
            let lines = (1..).zip(text.lines()).filter(|(_, line)| line.chars().count() > LONGEST);
            let places = lines.map(|(number, _)| format!("{}:{number}", path.display()));
            places.collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn a_file_imports_from_each_root_once() {
    let mut twice = Vec::new();
    for (path, text) in files() {
        let mut seen = BTreeSet::new();
        for item in syn::parse_file(&text).unwrap().items {
            // What is handed on, or only compiled somewhere, has a line of its own.
            let Item::Use(it) = item else { continue };
            let (UseTree::Path(tree), syn::Visibility::Inherited, []) =
                (&it.tree, &it.vis, it.attrs.as_slice())
            else {
                continue;
            };
            if !seen.insert(tree.ident.to_string()) {
                twice.push(format!("{}: {}", path.display(), tree.ident));
            }
        }
    }
    assert_eq!(twice, Vec::<String>::new());
}
