//! A path is guessable from the feature's name, so no file is named after what it might hold as well.

use super::repository::{Finding, Repository};

/// Words that fit every file, and so say nothing about one.
const EMPTY_WORDS: &[&str] = &["util", "utils", "common", "misc", "manager", "imp"];

pub(super) fn say_what_is_inside(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in repository.paths() {
        if let Some(word) = EMPTY_WORDS.iter().find(|empty| words(path).any(|word| word.eq_ignore_ascii_case(empty))) {
            findings.push(Finding::in_file(path, format!("`{word}` says nothing: name it after what is inside")));
        }
    }
    findings
}

fn words(path: &str) -> impl Iterator<Item = &str> {
    path.split(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    #[test]
    fn a_name_that_says_nothing_is_found() {
        let found = findings(
            say_what_is_inside,
            &[("a/src/http_utils.rs", ""), ("tests/common/mod.rs", ""), ("src/imp.rs", ""), ("docs/Manager.md", "")],
        );
        assert_eq!(
            found,
            [
                "a/src/http_utils.rs: `utils` says nothing: name it after what is inside",
                "docs/Manager.md: `manager` says nothing: name it after what is inside",
                "src/imp.rs: `imp` says nothing: name it after what is inside",
                "tests/common/mod.rs: `common` says nothing: name it after what is inside",
            ]
        );
    }

    #[test]
    fn a_word_within_a_word_is_left_alone() {
        assert_eq!(findings(say_what_is_inside, &[("src/import.rs", ""), ("src/uncommon.rs", "")]), [""; 0]);
    }
}
