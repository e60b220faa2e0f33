//! What somebody meant to take out again.

use super::repository::{Finding, Repository};

/// Notes to oneself, which stand alone as words.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Calls that hold a place.
const CALLS: &[&str] = &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!(")];

/// Where the files of one machine lie.
const MACHINE_PATHS: &[&str] = &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")];

pub(super) fn nothing_to_do(repository: &Repository) -> Vec<Finding> {
    in_lines(repository, |line| {
        let note = NOTES.iter().find(|note| line.split(|c: char| !is_word(c)).any(|word| word == **note));
        let call = CALLS.iter().find(|call| has_call(line, call));
        note.or(call).map(|left| format!("`{left}` was left behind: do it, or open an issue"))
    })
}

pub(super) fn no_path_of_one_machine(repository: &Repository) -> Vec<Finding> {
    in_lines(repository, |line| {
        let path = MACHINE_PATHS.iter().find(|path| has_absolute(line, path))?;
        Some(format!("`{path}` is a path of one machine: a file of the repository must hold on every one"))
    })
}

/// Looks at every line of every file that people write.
fn in_lines(repository: &Repository, look: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let written = repository.texts().filter(|(path, _)| !is_lock_file(path));
    written
        .flat_map(|(path, text)| text.lines().enumerate().map(move |(index, line)| (path, index, line)))
        .filter_map(|(path, index, line)| Some(Finding::in_line(path, index, look(line)?)))
        .collect()
}

fn is_lock_file(path: &str) -> bool {
    path.ends_with(".lock") || path.ends_with("package-lock.json")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn has_call(line: &str, call: &str) -> bool {
    line.match_indices(call).any(|(at, _)| !line[..at].ends_with(is_word))
}

/// Whether a path begins here, and does not merely go on: `example.com/…/` is the address of a site.
fn has_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(|c: char| is_word(c) || "-.}/".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    #[test]
    fn a_note_to_oneself_is_found() {
        for note in NOTES {
            let found = findings(nothing_to_do, &[("a.rs", &format!("fn a() {{}}\n// {note}: finish\n"))]);
            assert_eq!(found, [format!("a.rs:2: `{note}` was left behind: do it, or open an issue")]);
        }
    }

    #[test]
    fn a_call_that_holds_a_place_is_found() {
        for call in CALLS {
            let found = findings(nothing_to_do, &[("a.rs", &format!("let a = {call}1);"))]);
            assert_eq!(found, [format!("a.rs:1: `{call}` was left behind: do it, or open an issue")]);
        }
    }

    #[test]
    fn words_that_hold_a_note_and_lock_files_are_left_alone() {
        let text = format!("{}S {}_LIST my_{}1)", NOTES[0], NOTES[0], CALLS[2]);
        assert_eq!(findings(nothing_to_do, &[("a.md", &text), ("Cargo.lock", NOTES[2])]), [""; 0]);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for path in MACHINE_PATHS {
            let found = findings(no_path_of_one_machine, &[("a.toml", &format!("at = \"{path}ann/x\""))]);
            assert!(found[0].starts_with("a.toml:1: "), "{found:?}");
        }
    }

    #[test]
    fn an_address_that_holds_such_a_path_is_left_alone() {
        let text: String = MACHINE_PATHS.iter().map(|path| format!("https://example.com{path} .{path}x\n")).collect();
        assert_eq!(findings(no_path_of_one_machine, &[("a.md", &text), ("Cargo.lock", MACHINE_PATHS[0])]), [""; 0]);
    }
}
