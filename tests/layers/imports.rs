//! Which file imports which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::source::{Mention, Module, Names, Source};

/// The files below a directory, and the imports between them.
pub(crate) struct Imports {
    files: BTreeMap<PathBuf, Source>,
    /// In which file each module is.
    places: BTreeMap<Names, PathBuf>,
    /// What each file imports.
    edges: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

/// A file that imports one of another room.
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) from_room: String,
    pub(crate) to: String,
    pub(crate) to_room: String,
}

impl Imports {
    /// Reads the library, or else the program, whose sources lie in a directory.
    pub(crate) fn of(root: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let library = root.join("lib.rs").is_file();
        let mut files = BTreeMap::new();
        for path in sources(&root) {
            let relative = path.strip_prefix(&root).unwrap();
            let other_program = relative.starts_with("bin") || relative == Path::new("main.rs");
            if library && other_program {
                continue;
            }
            let source = Source::read(module_of(relative), &fs::read_to_string(&path).unwrap());
            let repository = env!("CARGO_MANIFEST_DIR");
            files.insert(path.strip_prefix(repository).unwrap().to_owned(), source);
        }
        let test_only: Vec<Names> =
            files.values().flat_map(|source| source.test_only.clone()).collect();
        files.retain(|_, source| {
            source.modules.keys().all(|module| !test_only.iter().any(|it| module.starts_with(it)))
        });
        let places = files
            .iter()
            .flat_map(|(path, source)| source.modules.keys().map(|it| (it.clone(), path.clone())))
            .collect();
        let mut imports = Self { files, places, edges: BTreeMap::new() };
        imports.edges = imports
            .files
            .iter()
            .map(|(path, source)| {
                let targets = source.mentions.iter().filter_map(|it| imports.target(it));
                (path.clone(), targets.filter(|target| target != path).collect())
            })
            .collect();
        imports
    }

    /// The top-level modules.
    pub(crate) fn rooms(&self) -> BTreeSet<String> {
        self.places.keys().filter_map(|module| module.first().cloned()).collect()
    }

    /// The imports from one room to another.
    pub(crate) fn between_rooms(&self) -> Vec<Import> {
        let pairs = self.edges.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
        pairs
            .filter_map(|(from, to)| {
                let (from_room, to_room) = (self.room(from)?, self.room(to)?);
                let (from, to) = (from.display().to_string(), to.display().to_string());
                (from_room != to_room).then_some(Import { from, from_room, to, to_room })
            })
            .collect()
    }

    /// The circles: of each set of files that import each other, one way around.
    pub(crate) fn circles(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut circles = Vec::new();
        for file in self.edges.keys() {
            if let Some(circle) = self.way(file, file)
                && circle.iter().all(|file| !seen.contains(*file))
            {
                seen.extend(circle.iter().copied().cloned());
                let names: Vec<_> = circle.iter().map(|file| file.display().to_string()).collect();
                circles.push(names.join(" -> "));
            }
        }
        circles
    }

    /// The shortest way along imports, both ends included.
    fn way<'a>(&'a self, from: &'a PathBuf, to: &'a PathBuf) -> Option<Vec<&'a PathBuf>> {
        let mut came_from = BTreeMap::new();
        let mut next = std::collections::VecDeque::from([from]);
        while let Some(file) = next.pop_front() {
            for target in self.edges.get(file).into_iter().flatten() {
                if target == to {
                    let mut way = vec![to, file];
                    while let Some(&before) = came_from.get(way.last().unwrap()) {
                        way.push(before);
                    }
                    way.reverse();
                    return Some(way);
                }
                if target != from && !came_from.contains_key(target) {
                    came_from.insert(target, file);
                    next.push_back(target);
                }
            }
        }
        None
    }

    fn room(&self, file: &Path) -> Option<String> {
        self.files[file].modules.keys().next()?.first().cloned()
    }

    fn module(&self, names: &[String]) -> Option<&Module> {
        self.files[self.places.get(names)?].modules.get(names)
    }

    /// The file that defines what is mentioned; `None` where it is of another crate or local.
    fn target(&self, mention: &Mention) -> Option<PathBuf> {
        let Mention { module, path, imported } = mention;
        let names = self.absolute(module, path)?;
        // What is used of a module above is what is mentioned of it, and not the module as such.
        if self.places.contains_key(&names) && module.starts_with(&names) {
            return None;
        }
        let single = path.len() == 1 && !imported;
        if single && !self.module(module)?.scope.contains_key(path.first()?) {
            return None;
        }
        self.definition(&names, 0)
    }

    /// A path from the root of the crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Names> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" => {
                let (_, above) = module.split_last()?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.absolute(above, rest),
                    _ => Some([above, rest].concat()),
                }
            }
            name => {
                if let Some(imported) = self.module(module)?.scope.get(name)
                    && imported != path
                {
                    let imported = self.absolute(module, imported)?;
                    return Some([imported.as_slice(), rest].concat());
                }
                let child = [module, &path[..1]].concat();
                self.places.contains_key(&child).then(|| [module, path].concat())
            }
        }
    }

    /// The file that defines what a path from the root means, re-exports followed.
    fn definition(&self, names: &[String], depth: usize) -> Option<PathBuf> {
        let within =
            (0..=names.len()).rev().find(|&end| self.places.contains_key(&names[..end]))?;
        let (module, rest) = names.split_at(within);
        let place = self.places.get(module).cloned();
        let Some(name) = rest.first() else { return place };
        let known = self.module(module)?;
        if known.items.contains(name) || depth > 16 {
            return place;
        }
        if let Some(imported) = known.scope.get(name) {
            let target = self.absolute(module, imported)?;
            return self.definition(&[target.as_slice(), &rest[1..]].concat(), depth + 1);
        }
        for glob in &known.globs {
            if let Some(from) = self.absolute(module, glob)
                && self.module(&from).is_some_and(|it| it.items.contains(name))
            {
                return self.places.get(&from).cloned();
            }
        }
        place
    }
}

/// Every source file below a directory.
pub(crate) fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "rs"));
    rust.chain(directories.iter().flat_map(|directory| sources(directory))).collect()
}

/// The module that a file holds, by its path below the root.
fn module_of(relative: &Path) -> Names {
    let mut names: Names =
        relative.with_extension("").iter().map(|name| name.to_string_lossy().into()).collect();
    if names.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        names.pop();
    }
    names
}
