//! SQL lies in files that a person can read and a database can prepare: a comment, then one statement.

use super::repository::{Finding, Repository};
use super::sql::code_of;

pub(super) fn one_per_file(repository: &Repository) -> Vec<Finding> {
    let files = repository.texts().filter(|(path, _)| path.ends_with(".sql") && path.contains("/sql/"));
    files.flat_map(|(path, text)| [uncommented(path, text), miscounted(path, text)]).flatten().collect()
}

fn uncommented(path: &str, text: &str) -> Option<Finding> {
    (!text.starts_with("-- ")).then(|| Finding::in_file(path, "begin with a comment that says what it does, and why"))
}

fn miscounted(path: &str, text: &str) -> Option<Finding> {
    let count = code_of(text).split(';').filter(|statement| !statement.trim().is_empty()).count();
    (count != 1).then(|| Finding::in_file(path, format!("one file, one statement: this one has {count}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    #[test]
    fn a_file_without_a_comment_is_found() {
        let found = findings(one_per_file, &[("a/sql/b.sql", "select 1;\n")]);
        assert_eq!(found, ["a/sql/b.sql: begin with a comment that says what it does, and why"]);
    }

    #[test]
    fn two_statements_or_none_are_found() {
        for (text, count) in [("-- A.\nselect 1; select 2", 2), ("-- B.\n;", 0), ("-- C; d.\n/* select 1; */", 0)] {
            let found = findings(one_per_file, &[("a/sql/b.sql", text)]);
            assert_eq!(found, [format!("a/sql/b.sql: one file, one statement: this one has {count}")], "{text}");
        }
    }

    #[test]
    fn one_statement_is_left_alone() {
        let text =
            "-- Semicolons; in comments,\n/* in; these */ select ';', 'it''s;' as \"a;b\" -- and here; too\nfrom t;\n";
        assert_eq!(findings(one_per_file, &[("a/sql/b.sql", text), ("migrations/1.sql", "a; b; c")]), [""; 0]);
    }
}
