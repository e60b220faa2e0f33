//! What the checks look at, and what they say of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result};

use crate::process::{output_of, root};

/// The tracked files, by path from the root. What is not text has no text.
#[derive(Default)]
pub(super) struct Repository {
    files: BTreeMap<String, Option<String>>,
    folders: BTreeSet<String>,
}

/// Something that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) path: String,
    pub(super) line: Option<usize>,
    what: String,
}

impl Repository {
    pub(super) fn tracked() -> Result<Self> {
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

    pub(super) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.files.contains_key(path) || self.folders.contains(path)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The text of a file; nothing if it is missing or is not text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// All files that are text.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }
}

impl Finding {
    pub(super) fn in_line(path: &str, index: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(index + 1), what: what.into() }
    }

    pub(super) fn in_file(path: &str, what: impl Into<String>) -> Self {
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

/// A repository of these files, and what a check finds in it, as it would be shown.
#[cfg(test)]
pub(super) fn findings(check: fn(&Repository) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
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
    fn the_tracked_files_are_found() {
        let repository = Repository::tracked().unwrap();
        assert!(repository.text("Cargo.toml").is_some_and(|text| text.contains("[workspace]")));
        assert!(repository.has("xtask/src") && !repository.has("target"));
    }
}
