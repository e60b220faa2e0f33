//! One type, one name: a reader who knows a type knows what its name means in every other file.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Ident, Item};

use super::modules;
use super::repository::{Finding, Repository};

/// Where names stand that are the same in the SDK of every language, whatever the server calls so.
const NAMES_OF_SDKS: &str = "crates/enginehouse-client/src/sdk/";

/// A declaration: its file and line.
type DeclarationSite<'a> = (&'a str, usize);

pub(super) fn are_given_once(repository: &Repository) -> Vec<Finding> {
    let (crates, _) = modules::crates(repository);
    let mut declared = BTreeMap::<String, Vec<DeclarationSite<'_>>>::new();
    let modules = crates.iter().flat_map(|one| &one.modules);
    for module in modules.filter(|module| !module.file.starts_with(NAMES_OF_SDKS)) {
        let mut types = TypeVisitor { file: &module.file, declared: &mut declared };
        module.items.iter().for_each(|item| types.visit_item(item));
    }
    let repeated = declared.iter().filter(|(_, sites)| sites.len() > 1);
    let mut findings: Vec<_> =
        repeated.flat_map(|(name, sites)| sites.iter().map(|site| finding(name, *site, sites))).collect();
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

fn finding(name: &str, site: DeclarationSite<'_>, sites: &[DeclarationSite<'_>]) -> Finding {
    const SHOWN: usize = 3;
    let others: Vec<_> =
        sites.iter().filter(|other| **other != site).map(|(path, line)| format!("{path}:{line}")).collect();
    let more = match others.len() {
        count if count > SHOWN => format!(" and {} more", count - SHOWN),
        _ => String::new(),
    };
    let others = others[..others.len().min(SHOWN)].join(", ");
    Finding::in_line(site.0, site.1 - 1, format!("`{name}` is another type in {others}{more}: one type, one name"))
}

/// Collects the types and traits that are declared, within functions too. Names that a trait gives (`type Err`) are
/// no declarations, and what is compiled for tests only is left out.
struct TypeVisitor<'a, 'b> {
    file: &'a str,
    declared: &'b mut BTreeMap<String, Vec<DeclarationSite<'a>>>,
}

impl TypeVisitor<'_, '_> {
    fn declare(&mut self, name: &Ident) {
        let site = (self.file, name.span().start().line);
        let sites = self.declared.entry(name.to_string()).or_default();
        // A file may belong to two crates of a package.
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
}

impl<'ast> Visit<'ast> for TypeVisitor<'_, '_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Enum(item) => self.declare(&item.ident),
            Item::Struct(item) => self.declare(&item.ident),
            Item::Trait(item) => self.declare(&item.ident),
            Item::TraitAlias(item) => self.declare(&item.ident),
            Item::Type(item) => self.declare(&item.ident),
            Item::Union(item) => self.declare(&item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    #[test]
    fn a_name_of_two_types_is_found_at_both() {
        for (one, other) in [
            ("pub struct Place;", "enum Place {}"),
            ("trait Place {}", "pub(super) type Place = u8;"),
            ("fn x() { struct Place; }", "pub union Place { a: u8 }"),
        ] {
            let found = findings(are_given_once, &[("a/src/lib.rs", &format!("\n{one}")), ("b/src/main.rs", other)]);
            assert_eq!(
                found,
                [
                    "a/src/lib.rs:2: `Place` is another type in b/src/main.rs:1: one type, one name",
                    "b/src/main.rs:1: `Place` is another type in a/src/lib.rs:2: one type, one name",
                ]
            );
        }
    }

    #[test]
    fn a_long_list_of_others_is_cut() {
        let text =
            "mod a { struct A; } mod b { struct A; } mod c { struct A; } mod d { struct A; } mod e { struct A; }";
        let lines = text.replace("} ", "}\n");
        let found = findings(are_given_once, &[("a/src/lib.rs", &lines)]);
        assert_eq!(found.len(), 5);
        assert!(found[4].ends_with("in a/src/lib.rs:1, a/src/lib.rs:2, a/src/lib.rs:3 and 1 more: one type, one name"));
    }

    #[test]
    fn tests_values_names_given_by_traits_and_generics_are_left_alone() {
        let a = "struct A; struct B; impl FromStr for A { type Err = u8; } fn run() {} mod c;";
        let b = "impl FromStr for C { type Err = u8; } fn run<B>() {} #[cfg(test)] struct A; #[cfg(test)] mod tests { struct B; } use x::B; struct C;";
        let files = [("a/src/lib.rs", a), ("a/src/c.rs", b), ("a/tests/t.rs", "struct A;")];
        assert_eq!(findings(are_given_once, &files), [""; 0]);
    }
}
