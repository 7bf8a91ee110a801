//! One source file: its modules, what they define, import and mention.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ImplItemFn, Item, ItemMod, ItemUse, Macro, TraitItemFn, UseTree, Visibility,
    visit::{self, Visit},
};

/// A path of names, `["cluster", "connect"]`.
pub(crate) type Names = Vec<String>;

/// A module, by what other code can find in it.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// The names of its items.
    pub(crate) items: BTreeSet<String>,
    /// The names it imports, with the path that each stands for.
    pub(crate) scope: BTreeMap<String, Names>,
    /// The modules whose names it imports all.
    pub(crate) globs: Vec<Names>,
}

/// A path that a module imports or mentions.
#[derive(Debug)]
pub(crate) struct Mention {
    /// The module.
    pub(crate) module: Names,
    /// The path as written.
    pub(crate) path: Names,
    /// Whether it is imported, and not merely mentioned.
    pub(crate) imported: bool,
}

/// Everything of a file that is compiled outside of tests.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Its module and those within it.
    pub(crate) modules: BTreeMap<Names, Module>,
    /// What they import and mention. A re-export by itself is neither: a module that merely hands
    /// on a name doesn't depend on it.
    pub(crate) mentions: Vec<Mention>,
    /// The modules in other files that only tests have.
    pub(crate) test_only: Vec<Names>,
    here: Names,
}

impl Source {
    /// Reads a file that holds this module.
    pub(crate) fn read(module: Names, text: &str) -> Self {
        let mut source = Self { here: module.clone(), ..Self::default() };
        source.modules.insert(module, Module::default());
        source.visit_file(&syn::parse_file(text).unwrap());
        source
    }

    fn module(&mut self) -> &mut Module {
        self.modules.entry(self.here.clone()).or_default()
    }

    fn mention(&mut self, path: Names, imported: bool) {
        self.mentions.push(Mention { module: self.here.clone(), path, imported });
    }

    fn import(&mut self, tree: &UseTree, before: &[String], handed_on: bool) {
        let with = |name: String| [before, &[name]].concat();
        let (path, name) = match tree {
            UseTree::Path(path) => {
                return self.import(&path.tree, &with(path.ident.to_string()), handed_on);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before, handed_on));
            }
            UseTree::Glob(_) => {
                self.module().globs.push(before.to_vec());
                return self.mention(before.to_vec(), !handed_on);
            }
            UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned().unwrap())
            }
            UseTree::Name(name) => (with(name.ident.to_string()), name.ident.to_string()),
            UseTree::Rename(rename) => (with(rename.ident.to_string()), rename.rename.to_string()),
        };
        self.module().scope.insert(name, path.clone());
        if !handed_on {
            self.mention(path, true);
        }
    }

    /// The paths in what a macro is given, which is not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Names::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.flush(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.flush(&mut path);
                    self.tokens(group.stream());
                    colons = 0;
                }
                _ => {
                    self.flush(&mut path);
                    colons = 0;
                }
            }
        }
        self.flush(&mut path);
    }

    fn flush(&mut self, path: &mut Names) {
        if !path.is_empty() {
            self.mention(std::mem::take(path), false);
        }
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name): (&[Attribute], _) = match item {
            Item::Const(it) => (&it.attrs, Some(&it.ident)),
            Item::Enum(it) => (&it.attrs, Some(&it.ident)),
            Item::Fn(it) => (&it.attrs, Some(&it.sig.ident)),
            Item::Impl(it) => (&it.attrs, None),
            Item::Macro(it) => (&it.attrs, it.ident.as_ref()),
            Item::Mod(it) => (&it.attrs, None),
            Item::Static(it) => (&it.attrs, Some(&it.ident)),
            Item::Struct(it) => (&it.attrs, Some(&it.ident)),
            Item::Trait(it) => (&it.attrs, Some(&it.ident)),
            Item::Type(it) => (&it.attrs, Some(&it.ident)),
            Item::Use(it) => (&it.attrs, None),
            _ => (&[], None),
        };
        if for_tests(attributes) {
            if let Item::Mod(it) = item {
                self.test_only.push([self.here.clone(), vec![it.ident.to_string()]].concat());
            }
            return;
        }
        if let Some(name) = name {
            let name = name.to_string();
            self.module().items.insert(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_trait_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let Some((_, items)) = &module.content else { return };
        self.here.push(module.ident.to_string());
        self.module();
        items.iter().for_each(|item| self.visit_item(item));
        self.here.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.mention(names, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

/// Whether `#[cfg(test)]` is among the attributes.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}
