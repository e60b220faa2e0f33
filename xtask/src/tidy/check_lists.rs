//! A CHECK compares with few values one by one: `status = 'active' or status = 'lost'`.
//!
//! For a list of more than two values, `status in ('active', 'draining', 'lost')`, SQLite fills a temporary b-tree each
//! time that a statement writes the row. An insert of an event took 29 to 39 µs with the lists and 20 µs without, a
//! claim 34 to 38 µs and 15 µs. PostgreSQL shows such a list as `= any (array[…])`; it has none either, so that the
//! two schemas read alike. The condition of a partial index is not a CHECK: it reads as the queries that it serves.

use super::repository::{Finding, Repository};
use super::sql::code_of;

const FOLDERS: &[&str] = &["crates/enginehouse-store/migrations/", "crates/enginehouse-store/schema/"];

/// How many values a list may have.
const MAX_VALUES: usize = 2;

pub(super) fn are_short(repository: &Repository) -> Vec<Finding> {
    let files = repository
        .texts()
        .filter(|(path, _)| path.ends_with(".sql") && FOLDERS.iter().any(|folder| path.starts_with(folder)));
    files.flat_map(|(path, text)| long_lists(path, text)).collect()
}

fn long_lists(path: &str, text: &str) -> Vec<Finding> {
    let code = code_of(text).to_ascii_lowercase();
    let mut findings = Vec::new();
    for (start, condition) in calls(&code, "check", '(') {
        let lists = calls(condition, "in", '(').chain(calls(condition, "array", '['));
        for (at, list) in lists {
            let count = values(list);
            if count > MAX_VALUES {
                let index = code[..start + at].matches('\n').count();
                let what =
                    format!("a CHECK with a list of {count} values is slow on SQLite: write `a = 1 or a = 2 or a = 3`");
                findings.push(Finding::in_line(path, index, what));
            }
        }
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// What stands in the brackets after a word, and where that begins.
fn calls<'a>(code: &'a str, word: &'a str, open: char) -> impl Iterator<Item = (usize, &'a str)> {
    code.match_indices(word).filter_map(move |(at, _)| {
        let after = code[at + word.len()..].trim_start();
        let within = after.strip_prefix(open).filter(|_| !code[..at].ends_with(is_word))?;
        Some((code.len() - within.len(), up_to_the_end(within)))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text up to the bracket that closes one opened before it.
fn up_to_the_end(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c| match c {
        '(' | '[' => {
            depth += 1;
            false
        }
        ')' | ']' => {
            depth -= 1;
            depth < 0
        }
        _ => false,
    });
    &text[..end.unwrap_or(text.len())]
}

/// How many values a list has: its commas outside of inner brackets, and one.
fn values(list: &str) -> usize {
    let mut depth = 0;
    let commas = list.chars().filter(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        depth == 0 && *c == ','
    });
    commas.count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    const PATH: &str = "crates/enginehouse-store/migrations/sqlite/0001_a.sql";

    #[test]
    fn a_long_list_in_a_check_is_found_in_its_line() {
        for list in [
            "check (a in ('x', 'y', 'z'))",
            "CHECK (\na IN (1, 2, 3))",
            "check ((a not in (1, f(2, 3), 4)) = (b is null))",
            "check (a = any (array['x'::text, 'y'::text, 'z'::text]))",
            "check (b or c and a in(1,2,3,4))",
        ] {
            let text = format!("create table t (\n  a text, {list}\n);\n");
            let found = findings(are_short, &[(PATH, &text)]);
            assert_eq!(found.len(), 1, "{list}: {found:?}");
            let line = if list.contains('\n') { 3 } else { 2 };
            assert!(found[0].starts_with(&format!("{PATH}:{line}: a CHECK with a list of ")), "{found:?}");
        }
        let domain = "create domain d as text check (value in ('a', 'b', 'c', 'd'));";
        let found = findings(are_short, &[("crates/enginehouse-store/schema/postgres.sql", domain)]);
        assert!(found[0].contains("a list of 4 values"), "{found:?}");
    }

    #[test]
    fn two_values_comparisons_indexes_and_queries_are_left_alone() {
        let text = "-- check (a in (1, 2, 3))\n\
                    create table t (a text, check (a in (0, 1) and b in ('c, d, e', 'f')), check (a = 1 or a = 2 or a = 3));\n\
                    create index i on t (a) where a in (1, 2, 3);\n\
                    select recheck (a in (1, 2, 3)), 'check (a in (1, 2, 3))', check_in (1, 2, 3);\n";
        assert_eq!(findings(are_short, &[(PATH, text)]), [""; 0]);
        let another = ("tests/load/a.sql", "create table t (check (a in (1, 2, 3)));");
        assert_eq!(findings(are_short, &[another]), [""; 0]);
    }
}
