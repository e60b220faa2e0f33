//! No files need each other in a circle: each can be understood once those are that it names.
//!
//! A file depends on another if it names something that is defined there: a type, a function, a constant, a macro.
//!
//! - `mod child;` is no dependency, and neither is a module in a path: what counts is what the path leads to.
//! - A re-export is a door. Whoever goes through it depends on the file behind it, not on the file that has the door;
//!   and a file that only re-exports a name does not depend on it.
//! - A method is called without a name that leads to it, so calls of methods are not seen. A trait's import is.
//! - What is compiled for tests only is left out, on both sides.
//!
//! What is found are strongly connected components: sets of files of which each depends on each, directly or not.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Macro, Meta, TraitItem};

use super::modules::{self, Crate, imports, is_re_export, is_test};
use super::repository::{Finding, Repository};

/// Which files a file depends on, with one place for each: a line, and the name in it.
type Dependencies<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (usize, String)>>;

pub(super) fn are_absent(repository: &Repository) -> Vec<Finding> {
    let (crates, mut findings) = modules::crates(repository);
    for one in &crates {
        let dependencies = dependencies(one);
        for circle in circles(&dependencies) {
            let first = *circle.first().expect("a circle has files");
            findings.push(Finding::in_file(first, description(&circle, &dependencies)));
        }
    }
    findings
}

fn description(circle: &BTreeSet<&str>, dependencies: &Dependencies<'_>) -> String {
    let mut text = format!("{} files form a circle, so that none can be read first:", circle.len());
    for from in circle {
        for (to, (line, name)) in dependencies[from].iter().filter(|(to, _)| circle.contains(*to)) {
            text += &format!("\n    {from}:{line}: `{name}` is in {to}");
        }
    }
    text
}

/// The sets of files that depend on each other.
fn circles<'a>(dependencies: &Dependencies<'a>) -> Vec<BTreeSet<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        dependencies.keys().map(|from| (*from, reached_from(from, dependencies))).collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (from, reached_from) in &reached {
        if reached_from.contains(from) && !found.iter().any(|circle| circle.contains(from)) {
            let members = reached_from.iter().copied();
            found.push(members.filter(|to| reached.get(to).is_some_and(|back| back.contains(from))).collect());
        }
    }
    found
}

fn reached_from<'a>(from: &str, dependencies: &Dependencies<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        for to in dependencies.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(*to) {
                next.push(to);
            }
        }
    }
    reached
}

fn dependencies(one: &Crate) -> Dependencies<'_> {
    let mut dependencies = Dependencies::new();
    for (number, module) in one.modules.iter().enumerate() {
        let mut names = NameVisitor { one, module: number, dependencies: &mut dependencies };
        module.items.iter().for_each(|item| names.visit_item(item));
    }
    dependencies
}

/// Notes where the names of a module lead.
struct NameVisitor<'a, 'b> {
    one: &'a Crate,
    module: usize,
    dependencies: &'b mut Dependencies<'a>,
}

impl NameVisitor<'_, '_> {
    fn note(&mut self, path: &[String], line: usize) {
        self.note_seen_from(self.module, path, line);
    }

    /// Whether the path leads to an item of this crate.
    fn note_seen_from(&mut self, module: usize, path: &[String], line: usize) -> bool {
        let from = self.one.modules[self.module].file.as_str();
        let files = self.one.files_defining(module, path);
        for to in files.iter().filter(|to| **to != from) {
            let reasons = self.dependencies.entry(from).or_default();
            reasons.entry(to).or_insert_with(|| (line, path.join("::")));
        }
        !files.is_empty()
    }

    /// Notes what stands in the input of a macro, which has no syntax that is known here: every path, and every
    /// name that is not that of a field or a method.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        // Colons since the last name, and whether a dot or the mark of a lifetime stands right before.
        let (mut colons, mut apart) = (0, false);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 || path.is_empty() {
                        self.note(&std::mem::take(&mut path), line);
                        line = ident.span().start().line;
                    }
                    if !apart {
                        path.push(ident.to_string());
                    }
                    (colons, apart) = (0, false);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.note(&std::mem::take(&mut path), line);
                    colons = 0;
                    apart = matches!(&other, TokenTree::Punct(punct) if matches!(punct.as_char(), '.' | '\''));
                    if let TokenTree::Group(group) = other {
                        self.note_tokens(group.stream());
                    }
                }
            }
        }
        self.note(&path, line);
    }

    /// Notes the functions that serde is told to call: `#[serde(with = "crate::json")]`.
    fn note_paths_in_texts(&mut self, tokens: TokenStream) {
        for token in tokens {
            if let TokenTree::Literal(literal) = token {
                let line = literal.span().start().line;
                let text = literal.to_string();
                if let Ok(path) = syn::parse_str::<syn::Path>(text.trim_matches('"')) {
                    self.note(&names_of(&path), line);
                }
            }
        }
    }
}

fn names_of(path: &syn::Path) -> modules::NamePath {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl<'ast> Visit<'ast> for NameVisitor<'_, '_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Use(item) = item {
            if !is_re_export(&item.vis) {
                for import in imports(&item.tree) {
                    self.note(&import.path, import.line);
                }
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if is_test(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !matches!(item, TraitItem::Fn(function) if is_test(&function.attrs)) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.note(&names_of(path), line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let path = names_of(&call.path);
        let line = call.path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        // A macro that no import brings in may be one of a module around this one.
        let mut module = Some(self.module);
        while let Some(number) = module {
            if self.note_seen_from(number, &path, line) || path.len() > 1 {
                break;
            }
            module = self.one.modules[number].parent;
        }
        self.note_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.note_tokens(list.tokens.clone());
            if list.path.is_ident("serde") {
                self.note_paths_in_texts(list.tokens.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    /// The dependencies within the found circles, each as `a -> b`; files of `src` without their folder and ending.
    #[track_caller]
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let short = |path: &str| path.trim_start_matches("a/src/").trim_end_matches(".rs").to_owned();
        let files: Vec<_> = files.iter().map(|(path, text)| (format!("a/src/{path}.rs"), *text)).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let mut edges = Vec::new();
        for finding in findings(are_absent, &files) {
            for line in finding.lines().skip(1) {
                let (from, rest) = line.trim().split_once(':').unwrap();
                let (_, to) = rest.rsplit_once(" is in ").unwrap();
                edges.push(format!("{} -> {}", short(from), short(to)));
            }
        }
        edges
    }

    #[test]
    fn a_circle_is_described_with_a_place_for_each_dependency() {
        let files = [
            ("a/src/lib.rs", "mod b;\n\nuse b::B;\n\npub struct A;\n"),
            ("a/src/b.rs", "pub struct B;\n\nfn c() -> super::A {}\n"),
        ];
        assert_eq!(
            findings(are_absent, &files),
            ["a/src/b.rs: 2 files form a circle, so that none can be read first:\n    \
              a/src/b.rs:3: `super::A` is in a/src/lib.rs\n    a/src/lib.rs:3: `b::B` is in a/src/b.rs"]
        );
    }

    #[test]
    fn each_way_of_naming_something_is_a_dependency() {
        for uses in [
            "use crate::b::B;",
            "use crate::b::{self, B as C};",
            "use crate::b::B as _;",
            "use super::b::*; fn x(b: B) {}",
            "use super::b; fn x() { let y = b::make(); }",
            "fn x() { use crate::b::make; }",
            "fn x() -> Vec<Option<crate::b::B>> {}",
            "impl crate::b::T for u8 {}",
            "fn x() { match y { crate::b::E::One(z) => z } }",
            "fn x() { println!(\"{}\", crate::b::make::<u8>()); }",
            "fn x() { crate::b::say!(); }",
            "macro_rules! m { () => { $crate::b::make() } }",
            "#[serde(default, with = \"crate::b::make\")] struct X;",
            "#[arg(value_parser = crate::b::make)] struct X;",
            "mod inner { fn x() { super::super::b::make() } }",
        ] {
            let b = "use crate::a::A; pub struct B; pub trait T {} pub enum E { One } pub fn make() {}\
                     macro_rules! say { () => {} } pub(crate) use say;";
            let a = format!("pub struct A; {uses}");
            let edges = found(&[("lib", "mod a; mod b;"), ("a", &a), ("b", b)]);
            assert_eq!(edges, ["a -> b", "b -> a"], "{uses}");
        }
    }

    #[test]
    fn a_longer_circle_is_one_finding_and_leaves_out_who_only_uses_it() {
        let edges = found(&[
            ("main", "mod a; mod b; mod c; mod d; use a::A;"),
            ("a", "use crate::b::B; pub struct A;"),
            ("b", "use crate::c::C; pub struct B;"),
            ("c", "use crate::a::A; use crate::d::D; pub struct C;"),
            ("d", "pub struct D;"),
        ]);
        assert_eq!(edges, ["a -> b", "b -> c", "c -> a"]);
    }

    #[test]
    fn a_child_and_its_parent_that_need_each_other_are_found() {
        let edges = found(&[
            ("lib", "mod a;"),
            ("a", "mod b; pub fn start() { b::go() } pub struct Limit;"),
            ("a/b", "use super::Limit; pub fn go() {}"),
        ]);
        assert_eq!(edges, ["a -> a/b", "a/b -> a"]);
    }

    #[test]
    fn a_macro_of_the_parent_is_a_dependency() {
        let edges = found(&[
            ("lib", "macro_rules! say { () => {} }\nmod a; use a::A;"),
            ("a", "pub struct A; fn x() { say!(); }"),
        ]);
        assert_eq!(edges, ["a -> lib", "lib -> a"]);
    }

    #[test]
    fn a_door_leads_to_the_file_behind_it() {
        // Each child goes through the parent, and needs its sibling alone.
        let parent = "mod b; mod c; pub use b::B; pub(crate) use c::*;";
        let none = [("lib", "mod a;"), ("a", parent), ("a/b", "pub struct B;"), ("a/c", "use super::B; pub struct C;")];
        assert_eq!(found(&none), [""; 0]);

        let children = [("a/b", "use crate::a::C; pub struct B;"), ("a/c", "use super::B; pub struct C;")];
        let edges = found(&[("lib", "mod a;"), ("a", parent), children[0], children[1]]);
        assert_eq!(edges, ["a/b -> a/c", "a/c -> a/b"]);
    }

    #[test]
    fn a_re_export_that_is_used_in_its_own_file_is_a_dependency() {
        let edges =
            found(&[("lib", "mod b; pub use b::B; pub struct A(B);"), ("b", "pub struct B; fn x(a: &crate::A) {}")]);
        assert_eq!(edges, ["b -> lib", "lib -> b"]);
    }

    #[test]
    fn declarations_modules_and_visibilities_are_no_dependencies() {
        let edges = found(&[
            ("lib", "pub mod a; pub struct L;"),
            ("a", "use crate::L; pub(in crate::a) struct A; mod b; use self::b as c;"),
            ("a/b", "use super::A; pub(super) struct B;"),
        ]);
        assert_eq!(edges, [""; 0]);
    }

    #[test]
    fn tests_are_left_out() {
        let edges = found(&[
            ("lib", "mod a; mod b; mod c; mod d;"),
            ("a", "use crate::c::C; pub struct A; #[cfg(test)] mod tests; #[cfg(test)] use crate::b::B;"),
            ("a/tests", "use crate::d::D; pub struct T;"),
            ("b", "use crate::a::A; pub struct B;"),
            (
                "c",
                "pub struct C; impl C { #[cfg(test)] fn x() -> crate::a::A {} } #[cfg(all(test, unix))] use crate::a::A;",
            ),
            ("d", "use crate::a::tests::T; pub struct D;"),
        ]);
        assert_eq!(edges, [""; 0]);
    }

    #[test]
    fn the_name_of_another_thing_is_no_dependency() {
        // A method, a field, a lifetime, another crate's item and the words of a document, in a file where the name leads
        // to `b` but is not used.
        let a = "pub use crate::b::make;\n/// Like `crate::b::make`.\npub struct A { make: u8 }\n\
                 fn x() { self.make(a.make, log!(a.make, 'make)); serde::make(); }";
        let edges = found(&[("lib", "mod a; mod b;"), ("a", a), ("b", "use crate::a::A; pub fn make() {}")]);
        assert_eq!(edges, [""; 0]);
    }

    #[test]
    fn imports_that_lead_in_a_circle_end() {
        let edges = found(&[
            ("lib", "mod a; mod b;"),
            ("a", "pub use super::b::*;"),
            ("b", "pub use super::a::*; use super::a::Gone;"),
        ]);
        assert_eq!(edges, [""; 0]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_found() {
        let found = findings(are_absent, &[("a/src/lib.rs", "fn a() {}\nfn b( {}\n")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a/src/lib.rs:2: does not parse"), "{found:?}");
    }
}
