//! `cargo xtask tidy`: what no compiler checks. Rules about the text of the repository, each one a function
//! from the tracked files to what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result, bail};

use crate::process::{output_of, root};

mod layers;
mod leftovers;
mod links;
mod names;
mod records;
mod statements;

/// A rule: its name, and what it finds wrong.
struct Check {
    name: &'static str,
    run: fn(&Repository) -> Vec<Finding>,
}

/// Every rule.
const CHECKS: &[Check] = &[
    Check { name: "links_lead_somewhere", run: links::lead_somewhere },
    Check { name: "file_names_say_what_is_inside", run: names::say_what_is_inside },
    Check { name: "nothing_is_left_to_do", run: leftovers::nothing_to_do },
    Check { name: "no_path_of_one_machine", run: leftovers::no_path_of_one_machine },
    Check { name: "no_crate_has_unsafe_code", run: layers::no_unsafe_code },
    Check { name: "core_knows_no_io", run: layers::core_knows_no_io },
    Check { name: "the_dispatcher_knows_no_http", run: layers::dispatcher_knows_no_http },
    Check { name: "decisions_are_listed", run: records::are_listed },
    Check { name: "a_sql_file_is_one_statement", run: statements::one_per_file },
];

/// The tracked files, by path from the root. What is not text has no text.
#[derive(Default)]
struct Repository {
    files: BTreeMap<String, Option<String>>,
    folders: BTreeSet<String>,
}

/// Something that is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: Option<usize>,
    what: String,
}

/// What a check has found.
pub(crate) struct Outcome {
    name: &'static str,
    findings: Vec<Finding>,
}

pub(crate) fn run() -> Result<()> {
    let outcomes = check_repository()?;
    for outcome in &outcomes {
        println!("{outcome}");
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    if failed > 0 {
        bail!("{failed} of {} tidy checks failed", outcomes.len());
    }
    Ok(())
}

/// Runs every check on the files that git tracks.
pub(crate) fn check_repository() -> Result<Vec<Outcome>> {
    let repository = Repository::tracked()?;
    Ok(CHECKS.iter().map(|check| Outcome { name: check.name, findings: (check.run)(&repository) }).collect())
}

impl Repository {
    fn tracked() -> Result<Self> {
        // A checkout may belong to another user than the one who tests it, as in a container.
        let list = output_of(&["git", "-c", "safe.directory=*", "ls-files", "-z"])
            .context("tidy looks at the files that git tracks, so it needs a clone")?;
        let list = String::from_utf8(list).context("a file's name is not UTF-8")?;
        let mut repository = Self::default();
        for path in list.split_terminator('\0') {
            let full = root().join(path);
            // Deleted, but not yet in the index; or a submodule.
            if !full.is_file() {
                continue;
            }
            let bytes = std::fs::read(&full).with_context(|| format!("cannot read {path}"))?;
            repository.add(path, String::from_utf8(bytes).ok());
        }
        Ok(repository)
    }

    fn add(&mut self, path: &str, text: Option<String>) {
        let mut folder = path;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            self.folders.insert(parent.to_owned());
            folder = parent;
        }
        self.files.insert(path.to_owned(), text);
    }

    fn has(&self, path: &str) -> bool {
        path.is_empty() || self.files.contains_key(path) || self.folders.contains(path)
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The text of a file; nothing if it is missing or is not text.
    fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// All files that are text.
    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }
}

impl Finding {
    fn in_line(path: &str, index: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(index + 1), what: what.into() }
    }

    fn in_file(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "test tidy::{} ... {}", self.name, if self.passed() { "ok" } else { "FAILED" })?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// A repository of these files, and what a check finds in it, as it would be shown.
#[cfg(test)]
fn findings(check: fn(&Repository) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    let mut repository = Repository::default();
    for (path, text) in files {
        repository.add(path, Some((*text).to_owned()));
    }
    check(&repository).iter().map(Finding::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_like_that_of_a_test() {
        let findings = vec![Finding::in_line("README.md", 2, "no such file: gone.md")];
        let outcome = Outcome { name: "links_lead_somewhere", findings };
        assert_eq!(
            outcome.to_string(),
            "test tidy::links_lead_somewhere ... FAILED\n  README.md:3: no such file: gone.md"
        );
        assert_eq!(Outcome { name: "x", findings: vec![] }.to_string(), "test tidy::x ... ok");
    }

    #[test]
    fn the_tracked_files_are_found() {
        let repository = Repository::tracked().unwrap();
        assert!(repository.text("Cargo.toml").is_some_and(|text| text.contains("[workspace]")));
        assert!(repository.has("xtask/src") && !repository.has("target"));
    }
}
