//! The Rust code of the workspace as trees of modules, and where a path in it leads. Tests are left out: the `tests`
//! folders of packages, which no crate root declares, and whatever is compiled with `cfg(test)` only.
//!
//! Names are resolved as the compiler does, as far as the text of one crate allows: through imports, re-exports
//! and globs. The type of an expression is not known here, so a method is nobody's name.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, Meta, UseTree, Visibility};

use super::repository::{Finding, Repository};

/// One crate: its root comes first.
pub(super) struct Crate {
    pub(super) modules: Vec<Module>,
}

/// A module: a file, or a part of one between braces.
pub(super) struct Module {
    pub(super) file: String,
    pub(super) items: Vec<Item>,
    pub(super) parent: Option<usize>,
    names: BTreeMap<String, Vec<DeclaredAs>>,
    globs: Vec<NamePath>,
}

/// A path as it is written: `["crate", "clock", "Clock"]`.
pub(super) type NamePath = Vec<String>;

/// What a name in a module stands for.
#[derive(Clone)]
enum DeclaredAs {
    Module(usize),
    /// An item that can have names of its own: variants, associated functions.
    Type,
    Value,
    Import(NamePath),
}

/// Where a path leads within its crate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Definition {
    Module(usize),
    Type(usize),
    Value(usize),
}

/// One name that a `use` brings in.
pub(super) struct Import {
    pub(super) path: NamePath,
    pub(super) line: usize,
    /// What it is called here; nothing for a glob and for `as _`.
    name: Option<String>,
    glob: bool,
}

/// Reads every crate. A file that does not parse is a finding.
pub(super) fn crates(repository: &Repository) -> (Vec<Crate>, Vec<Finding>) {
    let mut findings = Vec::new();
    let roots: Vec<_> = repository.paths().filter(|path| is_root(path)).map(str::to_owned).collect();
    let crates = roots
        .into_iter()
        .map(|root| {
            let mut reader = ModuleReader { repository, modules: Vec::new(), findings: &mut findings };
            let folder = folder_of(&root).to_owned();
            reader.file(&root, &folder, None);
            Crate { modules: reader.modules }
        })
        .collect();
    (crates, findings)
}

fn is_root(path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    let is_source = |folder: &str| folder == "src" || folder.ends_with("/src");
    (is_source(folder) && matches!(name, "lib.rs" | "main.rs"))
        || (folder.strip_suffix("/bin").is_some_and(is_source) && name.ends_with(".rs"))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

struct ModuleReader<'a> {
    repository: &'a Repository,
    modules: Vec<Module>,
    findings: &'a mut Vec<Finding>,
}

impl ModuleReader<'_> {
    /// Reads a file whose own modules lie in `folder`, and answers the number of its module.
    fn file(&mut self, path: &str, folder: &str, parent: Option<usize>) -> Option<usize> {
        let text = self.repository.text(path)?;
        match syn::parse_file(text) {
            Ok(file) => Some(self.module(path, folder, parent, file.items)),
            Err(error) => {
                let index = error.span().start().line.saturating_sub(1);
                self.findings.push(Finding::in_line(path, index, format!("does not parse: {error}")));
                None
            }
        }
    }

    fn module(&mut self, path: &str, folder: &str, parent: Option<usize>, items: Vec<Item>) -> usize {
        let number = self.modules.len();
        let (names, globs) = Default::default();
        self.modules.push(Module { file: path.to_owned(), items: Vec::new(), parent, names, globs });
        let mut kept = Vec::new();
        for item in items.into_iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(item) => {
                    let name = item.ident.to_string();
                    let folder = format!("{folder}/{name}");
                    let child = match item.content {
                        Some((_, items)) => Some(self.module(path, &folder, Some(number), items)),
                        None => [format!("{folder}.rs"), format!("{folder}/mod.rs")]
                            .iter()
                            .find_map(|path| self.file(path, &folder, Some(number))),
                    };
                    if let Some(child) = child {
                        self.modules[number].declare(name, DeclaredAs::Module(child));
                    }
                }
                item => {
                    self.modules[number].declare_item(&item);
                    kept.push(item);
                }
            }
        }
        self.modules[number].items = kept;
        number
    }
}

impl Module {
    fn declare(&mut self, name: String, what: DeclaredAs) {
        self.names.entry(name).or_default().push(what);
    }

    fn declare_item(&mut self, item: &Item) {
        let (ident, what) = match item {
            Item::Enum(item) => (&item.ident, DeclaredAs::Type),
            Item::Struct(item) => (&item.ident, DeclaredAs::Type),
            Item::Trait(item) => (&item.ident, DeclaredAs::Type),
            Item::TraitAlias(item) => (&item.ident, DeclaredAs::Type),
            Item::Type(item) => (&item.ident, DeclaredAs::Type),
            Item::Union(item) => (&item.ident, DeclaredAs::Type),
            Item::Const(item) => (&item.ident, DeclaredAs::Value),
            Item::Fn(item) => (&item.sig.ident, DeclaredAs::Value),
            Item::Static(item) => (&item.ident, DeclaredAs::Value),
            Item::Macro(item) => match &item.ident {
                Some(ident) => (ident, DeclaredAs::Value),
                None => return,
            },
            Item::Use(item) => {
                for import in imports(&item.tree) {
                    if import.glob {
                        self.globs.push(import.path);
                    } else if let Some(name) = import.name {
                        self.declare(name, DeclaredAs::Import(import.path));
                    }
                }
                return;
            }
            _ => return,
        };
        self.declare(ident.to_string(), what);
    }
}

impl Crate {
    /// The files that define what a path leads to, seen from a module. Usually one; a name may stand for a type
    /// and for a function. None if it leads to a module, or out of the crate.
    pub(super) fn files_defining(&self, module: usize, path: &[String]) -> BTreeSet<&str> {
        let targets = self.resolve(module, path, &mut BTreeSet::new());
        let files = targets.into_iter().filter_map(|target| match target {
            Definition::Module(_) => None,
            Definition::Type(module) | Definition::Value(module) => Some(self.modules[module].file.as_str()),
        });
        files.collect()
    }

    fn resolve(&self, module: usize, path: &[String], seen: &mut BTreeSet<(usize, String)>) -> Vec<Definition> {
        let mut rest = path.iter();
        let mut targets = match rest.next().map(String::as_str) {
            Some("crate") => vec![Definition::Module(0)],
            Some("self") => vec![Definition::Module(module)],
            Some("super") => self.parent(module),
            Some(name) => self.look_up(module, name, seen),
            None => Vec::new(),
        };
        for name in rest {
            let next = targets.into_iter().flat_map(|target| match target {
                Definition::Module(module) if name == "super" => self.parent(module),
                Definition::Module(module) => self.look_up(module, name, seen),
                Definition::Type(_) => vec![target],
                Definition::Value(_) => Vec::new(),
            });
            targets = next.collect();
        }
        targets
    }

    fn parent(&self, module: usize) -> Vec<Definition> {
        self.modules[module].parent.map(Definition::Module).into_iter().collect()
    }

    fn look_up(&self, module: usize, name: &str, seen: &mut BTreeSet<(usize, String)>) -> Vec<Definition> {
        // Imports may lead in a circle: two modules that import everything from each other.
        if !seen.insert((module, name.to_owned())) {
            return Vec::new();
        }
        let mut targets = Vec::new();
        for what in self.modules[module].names.get(name).into_iter().flatten() {
            match what {
                DeclaredAs::Module(child) => targets.push(Definition::Module(*child)),
                DeclaredAs::Type => targets.push(Definition::Type(module)),
                DeclaredAs::Value => targets.push(Definition::Value(module)),
                DeclaredAs::Import(path) => targets.extend(self.resolve(module, path, seen)),
            }
        }
        if targets.is_empty() {
            for glob in &self.modules[module].globs {
                for target in self.resolve(module, glob, seen) {
                    if let Definition::Module(module) = target {
                        targets.extend(self.look_up(module, name, seen));
                    }
                }
            }
        }
        seen.remove(&(module, name.to_owned()));
        targets
    }
}

/// Whether the names that a `use` brings in are for others too.
pub(super) fn is_re_export(visibility: &Visibility) -> bool {
    !matches!(visibility, Visibility::Inherited)
}

/// The names that a `use` brings in.
pub(super) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    collect_imports(tree, &mut Vec::new(), &mut found);
    found
}

fn collect_imports(tree: &UseTree, prefix: &mut NamePath, found: &mut Vec<Import>) {
    let with = |last: &syn::Ident| prefix.iter().cloned().chain([last.to_string()]).collect::<NamePath>();
    let line = |ident: &syn::Ident| ident.span().start().line;
    match tree {
        UseTree::Path(tree) => {
            prefix.push(tree.ident.to_string());
            collect_imports(&tree.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Group(tree) => tree.items.iter().for_each(|tree| collect_imports(tree, prefix, found)),
        // `use a::{self}` names the module itself.
        UseTree::Name(tree) if tree.ident == "self" => {
            let name = prefix.last().cloned();
            found.push(Import { path: prefix.clone(), line: line(&tree.ident), name, glob: false });
        }
        UseTree::Name(tree) => {
            let (path, name) = (with(&tree.ident), Some(tree.ident.to_string()));
            found.push(Import { path, line: line(&tree.ident), name, glob: false });
        }
        UseTree::Rename(tree) => {
            let path = if tree.ident == "self" { prefix.clone() } else { with(&tree.ident) };
            let name = Some(tree.rename.to_string()).filter(|name| name != "_");
            found.push(Import { path, line: line(&tree.ident), name, glob: false });
        }
        UseTree::Glob(tree) => {
            let line = tree.star_token.span.start().line;
            found.push(Import { path: prefix.clone(), line, name: None, glob: true });
        }
    }
}

/// Whether something is compiled for tests only.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let words: Vec<_> = list.tokens.clone().into_iter().map(|token| token.to_string()).collect();
            let first = words.first().map(String::as_str);
            first == Some("test") || (first == Some("all") && asks_for_test(&list.tokens))
        }
        _ => false,
    })
}

/// Whether `all(…)` has `test` among its conditions.
fn asks_for_test(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            group.stream().into_iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == "test"))
        }
        _ => false,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
