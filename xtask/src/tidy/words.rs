//! Everything bears the word that other systems use for it, so that this code needs no glossary.
//!
//! Words of our own that once stood here are banned from `src/`, each in the form in which it was ours:
//!
//! - as the name of a type: `Work` is banned, `UnitOfWork` is not, and neither is a sentence about work;
//! - as a part of any declared name (`keeper_loop`), where the word is hardly ever ordinary English;
//! - as a whole declared name (`said`), where other names may have it as a part;
//! - as the whole name of an item or a field (`horizon`), where a variable may well be called so;
//! - as a whole name in the dispatcher (`working`), where other code may use it;
//! - as a phrase in comments, messages, SQL and documents, in every inflection;
//! - as a word in comments and documents.
//!
//! A declared name is that of a type, function, module, field, variant, constant or variable, or of a file of SQL.
//! One of six words or more is a sentence, as tests have them, and is read as a phrase only.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Field, Ident, Item, PatIdent, Signature, Variant};

use super::repository::{Finding, Repository};

/// This file, which has to name what it bans.
const OWN_PATH: &str = "xtask/src/tidy/words.rs";

/// A declared name of so many words is a sentence.
const SENTENCE: usize = 6;

/// Names of types.
const TYPES: &[(&str, &str)] = &[
    ("Work", "Scheduler"),
    ("Batch", "TransactionContext"),
    ("Run", "TransactionContext"),
    ("Deciding", "TransactionContext"),
    ("Began", "TransactionContext"),
    ("Working", "UnitOfWork"),
    ("Report", "Effects"),
    ("Due", "Deadlines"),
    ("News", "WakeUps"),
    ("Waiting", "WaitQueue"),
    ("Elsewhere", "RemoteChanges"),
    ("Watch", "ChangeFeed"),
    ("Place", "ScanPosition, or what it is the place of"),
    ("Places", "ScanPositions"),
    ("Remembered", "ScanPosition"),
    ("Inside", "TransactionGuard"),
    ("Said", "message"),
    ("Told", "message, or what was told"),
];

/// Parts of names, in snake case.
const PARTS: &[(&str, &str)] = &[
    ("clerk", "TransactionWorker"),
    ("clerks", "TransactionWorker"),
    ("desk", "TransactionWorker"),
    ("parked", "LongPoll, or waiting"),
    ("asker", "Claimant"),
    ("keeper", "maintenance"),
    ("fold", "compact, compaction"),
    ("folded", "compacted"),
    ("unfolded", "not yet compacted"),
    ("forget", "prune"),
    ("forgettable", "prunable"),
    ("house", "StoreStats, or what it is"),
    ("chance", "Rng"),
    ("luck", "Jitter"),
    ("trouble", "CliError, TlsError, Fault: what went wrong"),
    ("troubles", "CliError, TlsError, Fault: what went wrong"),
    ("heard_at", "last_success_at, last_heartbeat_at"),
];

/// Whole names, in snake case.
const NAMES: &[(&str, &str)] = &[
    ("news", "wake_ups"),
    ("elsewhere", "remote_changes"),
    ("remembered", "scan_position"),
    ("looked", "advance a scan position"),
    ("ring", "notify"),
    ("bell", "notify"),
    ("said", "message"),
    ("told", "message, or what was told"),
];

/// Whole names of items: types, functions, modules and fields. A variable may be called so.
const ITEMS: &[(&str, &str)] = &[("horizon", "PgSnapshot"), ("places", "scan_positions"), ("restored", "xid_rebase")];

/// Whole names in the dispatcher, functions apart. Elsewhere a copy can be resumed.
const NAMES_OF_THE_DISPATCHER: &[(&str, &str)] =
    &[("working", "unit_of_work"), ("deciding", "context"), ("resumed", "after_outage")];

/// What no text says: a choice of words, each in every inflection, and the one that follows it.
const PHRASES: &[(&[&str], &[&str], &str)] = &[
    (&["speak", "speaks", "spoke", "spoken", "speaking"], &["up"], "send a heartbeat"),
    (&["come", "comes", "came", "coming"], &["free"], "become ready"),
    (&["call", "calls", "called", "calling"], &["off"], "cancel"),
    (&["give", "gives", "gave", "given", "giving"], &["back"], "release, or return"),
    (&["come", "comes", "came", "coming"], &["to", "rest"], "finish"),
];

/// What no comment and no document says: a word in every inflection.
const WORDS: &[(&[&str], &str)] = &[
    (&["clerk", "clerks", "desk", "desks"], "transaction worker"),
    (&["asker", "askers"], "claimant, or caller"),
    (&["keeper", "keepers"], "maintenance"),
    (&["parked"], "waiting"),
    (&["luck"], "jitter, or a random number"),
];

pub(super) fn are_those_of_the_field(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.texts().filter(|(path, _)| *path != OWN_PATH) {
        if is_source(path) && path.ends_with(".rs") {
            findings.extend(in_names(path, declared_names(text)));
        }
        if is_source(path) && path.ends_with(".sql") {
            let stem = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".sql");
            findings.extend(in_names(path, vec![DeclaredName { name: stem.to_owned(), form: Form::Item, line: 1 }]));
        }
        if is_read(path) {
            findings.extend(in_text(path, text));
        }
    }
    findings
}

fn is_source(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|folder| folder == "src")
}

/// Whether people read the text: code, SQL and documents. What is generated from them says the same.
fn is_read(path: &str) -> bool {
    let is_code = is_source(path) && (path.ends_with(".rs") || path.ends_with(".sql"));
    let is_schema = path.starts_with("crates/") && path.ends_with(".sql");
    let is_document = path.ends_with(".md") && (path.starts_with("docs/") || !path.contains('/'));
    is_code || is_schema || is_document
}

/// What kind of thing a name is declared for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Type,
    /// A function or a module.
    Item,
    Field,
    /// A variant, a constant or a variable.
    Other,
}

struct DeclaredName {
    name: String,
    form: Form,
    line: usize,
}

/// What is wrong with names, each reported once per file.
fn in_names(path: &str, names: Vec<DeclaredName>) -> Vec<Finding> {
    let mut found = BTreeMap::<String, (DeclaredName, &str, usize)>::new();
    for declared in names {
        if let Some(instead) = instead_of(path, &declared) {
            let (_, _, count) = found.entry(declared.name.clone()).or_insert((declared, instead, 0));
            *count += 1;
        }
    }
    let mut findings: Vec<_> = found
        .into_values()
        .map(|(declared, instead, count)| {
            let times = if count > 1 { format!(", {count} times in this file,") } else { String::new() };
            let what = format!("the name `{}`{times} is a word of our own: {instead}", declared.name);
            Finding::in_line(path, declared.line - 1, what)
        })
        .collect();
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// What to call it instead, if the name is banned.
fn instead_of(path: &str, declared: &DeclaredName) -> Option<&'static str> {
    let words = words_of(&declared.name);
    if words.len() >= SENTENCE {
        return None;
    }
    let snake = words.join("_");
    let is = |(banned, _): &&(&str, &str)| *banned == snake;
    let is_part = |(banned, _): &&(&str, &str)| format!("_{snake}_").contains(&format!("_{banned}_"));
    let is_type = |(banned, _): &&(&str, &str)| declared.form == Form::Type && *banned == declared.name;
    let found = TYPES.iter().find(is_type);
    let found = found.or_else(|| PARTS.iter().find(is_part)).or_else(|| NAMES.iter().find(is));
    let found = found.or_else(|| ITEMS.iter().find(is).filter(|_| declared.form != Form::Other));
    let is_of_the_dispatcher = path.contains("/dispatcher/") && declared.form != Form::Item;
    let found = found.or_else(|| NAMES_OF_THE_DISPATCHER.iter().find(is).filter(|_| is_of_the_dispatcher));
    found.map(|(_, instead)| *instead)
}

/// The words of a name, in lower case: `SeededRng` and `seeded_rng` have the same.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().expect("there is one at the start").extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The names that a file declares. One that does not parse is found by another check.
fn declared_names(text: &str) -> Vec<DeclaredName> {
    let mut declarations = Declarations(Vec::new());
    if let Ok(file) = syn::parse_file(text) {
        declarations.visit_file(&file);
    }
    declarations.0
}

struct Declarations(Vec<DeclaredName>);

impl Declarations {
    fn add(&mut self, ident: &Ident, form: Form) {
        self.0.push(DeclaredName { name: ident.to_string(), form, line: ident.span().start().line });
    }
}

impl<'ast> Visit<'ast> for Declarations {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Enum(item) => self.add(&item.ident, Form::Type),
            Item::Struct(item) => self.add(&item.ident, Form::Type),
            Item::Trait(item) => self.add(&item.ident, Form::Type),
            Item::Type(item) => self.add(&item.ident, Form::Type),
            Item::Union(item) => self.add(&item.ident, Form::Type),
            Item::Mod(item) => self.add(&item.ident, Form::Item),
            Item::Const(item) => self.add(&item.ident, Form::Other),
            Item::Static(item) => self.add(&item.ident, Form::Other),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        self.add(&signature.ident, Form::Item);
        visit::visit_signature(self, signature);
    }

    fn visit_field(&mut self, field: &'ast Field) {
        field.ident.iter().for_each(|ident| self.add(ident, Form::Field));
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        self.add(&variant.ident, Form::Other);
        visit::visit_variant(self, variant);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.add(&pattern.ident, Form::Other);
        visit::visit_pat_ident(self, pattern);
    }
}

fn in_text(path: &str, text: &str) -> Vec<Finding> {
    let words = text_words(text);
    let lines: Vec<_> = text.lines().collect();
    let mut findings = Vec::new();
    for (at, first) in words.iter().enumerate() {
        let next = &words[at + 1..];
        for (inflections, rest, instead) in PHRASES {
            let follows = |(word, want): (&TextWord<'_>, &&str)| word.is(want) && word.follows;
            if first.is_one_of(inflections) && next.len() >= rest.len() && next.iter().zip(*rest).all(follows) {
                let phrase = [&[first.text], *rest].concat().join(" ").to_lowercase();
                let what = format!("`{phrase}` is a phrase of our own: {instead}");
                findings.push(Finding::in_line(path, first.index, what));
            }
        }
        for (inflections, instead) in WORDS {
            if first.is_one_of(inflections) && (path.ends_with(".md") || is_in_comment(lines[first.index], first.text))
            {
                let what = format!("`{}` is a word of our own: {instead}", first.text.to_lowercase());
                findings.push(Finding::in_line(path, first.index, what));
            }
        }
    }
    findings
}

/// Whether a line has a word in its comment, if it has one.
fn is_in_comment(line: &str, word: &str) -> bool {
    let start = ["//", "--"].iter().filter_map(|mark| line.find(mark)).min();
    start.is_some_and(|start| line[start..].contains(word) && !line[..start].contains(word))
}

/// A word of a text, with the index of its line.
struct TextWord<'a> {
    text: &'a str,
    index: usize,
    /// Whether the word before belongs to the same sentence: between them are blanks only, the end of a line and the
    /// mark of a comment included. Words of a name are joined by `_`.
    follows: bool,
}

impl TextWord<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

fn text_words(text: &str) -> Vec<TextWord<'_>> {
    let mut words = Vec::new();
    let mut index = 0;
    let mut follows = false;
    for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        let mark = &piece[word.len()..];
        if !word.is_empty() {
            words.push(TextWord { text: word, index, follows });
            follows = true;
        }
        follows &= mark.chars().all(|c| c.is_whitespace() || "_-/!*>\\".contains(c));
        index += mark.matches('\n').count();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    #[track_caller]
    fn found_in(path: &str, text: &str) -> Vec<String> {
        let found = findings(are_those_of_the_field, &[(path, text)]);
        found.iter().map(|finding| finding.trim_start_matches(path).to_owned()).collect()
    }

    #[test]
    fn a_banned_name_is_found_wherever_it_is_declared() {
        for (code, name) in [
            ("struct Work;", "Work"),
            ("trait Watch {}", "Watch"),
            ("pub(super) type Report = u8;", "Report"),
            ("enum SeededChance {}", "SeededChance"),
            ("mod keeper;", "keeper"),
            ("fn forget_gone_lanes() {}", "forget_gone_lanes"),
            ("impl A { fn luck(&self) {} }", "luck"),
            ("struct A { last_heard_at: u8 }", "last_heard_at"),
            ("enum A { Parked(u8) }", "Parked"),
            ("const MAX_FOLDED: u8 = 1;", "MAX_FOLDED"),
            ("fn a() { let said = 1; }", "said"),
            ("fn a(elsewhere: &[u8]) {}", "elsewhere"),
            ("struct A { places: u8 }", "places"),
            ("mod restored {}", "restored"),
            ("fn a() { b(|(_, told)| told) }", "told"),
            ("#[cfg(test)] mod tests { struct House; }", "House"),
        ] {
            let found = found_in("a/src/b.rs", code);
            assert_eq!(found.len(), 1, "{code}: {found:?}");
            assert!(found[0].starts_with(&format!(":1: the name `{name}` is a word of our own: ")), "{found:?}");
        }
        let found =
            found_in("a/src/dispatcher/b.rs", "struct A { resumed: bool }\nfn a(working: u8) {}\nfn resumed() {}");
        assert_eq!(
            found,
            [
                ":1: the name `resumed` is a word of our own: after_outage",
                ":2: the name `working` is a word of our own: unit_of_work",
            ]
        );
        let found = found_in("a/src/sql/forgettable_events.sql", "-- A.\nselect 1;");
        assert_eq!(found, [":1: the name `forgettable_events` is a word of our own: prunable"]);
    }

    #[test]
    fn a_name_is_reported_once_per_file() {
        let found = found_in("a/src/b.rs", "\nfn a(said: u8) {}\nfn b() { let said = 1; }");
        assert_eq!(found, [":2: the name `said`, 2 times in this file, is a word of our own: message"]);
    }

    #[test]
    fn ordinary_uses_are_left_alone() {
        let code = "struct UnitOfWork; struct BatchRequest; struct ScenarioRun; fn run() {} fn batch() {}\n\
                    enum A { Run, Report } fn resumed(&self) {} fn a() { x.iter().fold(0, b); ring::hmac(); }\n\
                    struct A { resumed: bool } fn a() { let places = restored; let working = 1; }\n\
                    fn nobody_can_forget_an_event_by_chance() {} const HORIZON: u8 = 0; fn b(horizon: u8) {}\n\
                    mod enginehouse; struct Worker; struct Workload; // We work elsewhere, in /v1/events/batch.\n";
        assert_eq!(found_in("a/src/b.rs", code), [""; 0]);
        assert_eq!(found_in("a/tests/b.rs", "struct House; // It comes free."), [""; 0]);
        assert_eq!(found_in("a/src/forget.txt", "struct Luck; luck"), [""; 0]);
    }

    #[test]
    fn a_phrase_is_found_in_every_inflection_and_across_lines() {
        for (text, phrase) in [
            ("// It speaks up.", "speaks up"),
            ("/// Engines that have spoken\n    /// up.", "spoken up"),
            ("fn what_is_held_by_nobody_is_given_back() {}", "given back"),
            ("fn a() { b(\"it was Called off\") }", "called off"),
            ("//! An event comes to\n//! rest.", "comes to rest"),
            ("fn a() { b(\"what came \\\n    free\") }", "came free"),
        ] {
            let found = found_in("a/src/b.rs", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(&format!(":1: `{phrase}` is a phrase of our own: ")), "{found:?}");
        }
        for path in ["docs/a/b.md", "README.md", "crates/a/migrations/1.sql", "crates/a/src/sql/b.sql"] {
            assert_eq!(
                found_in(path, "\n-- it gives back\n"),
                [":2: `gives back` is a phrase of our own: release, or return"]
            );
        }
    }

    #[test]
    fn a_banned_word_is_found_in_comments_and_documents() {
        let what = "`luck` is a word of our own: jitter, or a random number";
        for (path, text) in [
            ("a/src/b.rs", "/// By Luck."),
            ("a/src/b.rs", "a(); // Luck is an argument."),
            ("a/src/sql/b.sql", "-- The luck of SQL."),
            ("docs/a.md", "Good luck!"),
        ] {
            assert_eq!(found_in(path, text), [format!(":1: {what}")], "{text}");
        }
        assert_eq!(found_in("a/src/b.rs", "a(facts.luck, \"luck\"); // No comment."), [""; 0]);
    }

    #[test]
    fn words_that_only_stand_beside_each_other_are_left_alone() {
        let text = "// What comes is free. They call; off it goes: back, given. Speak, up there. Give it back. Free come.\n\
                    fn a() { call(off); give.back(); }\n";
        assert_eq!(found_in("a/src/b.rs", text), [""; 0]);
        assert_eq!(found_in("openapi.json", "speaks up"), [""; 0]);
    }
}
