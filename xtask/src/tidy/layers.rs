//! Each layer knows only the one below.

use super::repository::{Finding, Repository};

/// What would give the rules a clock, a network or a database.
const NOT_IN_CORE: &[&str] = &["tokio", "rusqlite", "axum", "hyper", "reqwest"];

/// What would tie an operation to how it was asked for.
const NOT_IN_DISPATCHER: &[&str] = &["http", "axum", "hyper", "tower_http"];

pub(super) fn no_unsafe_code(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = "Cargo.toml";
    let forbidden = section(repository.text(root).unwrap_or_default(), "workspace.lints.rust")
        .any(|(_, line)| key(line) == "unsafe_code" && line.contains("\"forbid\""));
    if !forbidden {
        findings.push(Finding::in_file(root, "[workspace.lints.rust] must say unsafe_code = \"forbid\""));
    }
    for (path, text) in repository.texts().filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        let inherits = section(text, "lints").any(|(_, line)| key(line) == "workspace" && line.ends_with("true"));
        if !inherits {
            findings.push(Finding::in_file(path, "the lints of the workspace are missing: [lints] workspace = true"));
        }
    }
    findings
}

pub(super) fn core_knows_no_io(repository: &Repository) -> Vec<Finding> {
    let path = "crates/enginehouse-core/Cargo.toml";
    let lines = repository.text(path).unwrap_or_default().lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let name = dependency(line)?;
            let io = NOT_IN_CORE.iter().find(|io| name == **io || name.starts_with(&format!("{io}-")))?;
            Some(Finding::in_line(path, index, format!("core holds the rules and no I/O, so it cannot use {io}")))
        })
        .collect()
}

pub(super) fn dispatcher_knows_no_http(repository: &Repository) -> Vec<Finding> {
    let dispatcher = "crates/enginehouse-server/src/dispatcher";
    let files = repository.texts().filter(|(path, _)| path.starts_with(dispatcher) && path.ends_with(".rs"));
    files
        .flat_map(|(path, text)| {
            let lines = outer_names(text).into_iter();
            lines.map(move |(index, name)| {
                Finding::in_line(path, index, format!("an operation does not know who asked, so it cannot use {name}"))
            })
        })
        .collect()
}

/// The lines of a section of a manifest.
fn section<'a>(text: &'a str, name: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let header = format!("[{name}]");
    text.lines()
        .enumerate()
        .map(|(index, line)| (index, line.trim()))
        .skip_while(move |(_, line)| *line != header)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
}

/// What stands before the `=`, or before a dot: `tokio.workspace = true` sets `tokio`.
fn key(line: &str) -> &str {
    line.split(['=', '.']).next().unwrap_or_default().trim().trim_matches('"')
}

/// The dependency that a line of a manifest begins: `tokio = …` or `[dependencies.tokio]`.
fn dependency(line: &str) -> Option<&str> {
    let line = line.split('#').next()?.trim();
    match line.strip_prefix('[') {
        Some(header) => {
            header.trim_end_matches(']').rsplit_once("dependencies.").map(|(_, name)| name.trim_matches('"'))
        }
        None => line.contains('=').then(|| key(line)),
    }
}

/// Where a file uses what lies above the dispatcher, in a `use` or in a path.
fn outer_names(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut in_use = false;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let start = code.trim_start();
        in_use |= ["use ", "pub use ", "pub(crate) use ", "pub(super) use "].iter().any(|word| start.starts_with(word));
        found.extend(NOT_IN_DISPATCHER.iter().filter(|name| uses(code, name, in_use)).map(|name| (index, *name)));
        in_use &= !code.contains(';');
    }
    found
}

/// Whether the name stands in the line as a part of a path. A variable may be called the same.
fn uses(code: &str, name: &str, in_use: bool) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let alone = !before.ends_with(is_word) && !after.starts_with(is_word);
        alone && (in_use || after.starts_with("::") || before.ends_with("::"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    const ROOT: (&str, &str) = ("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n");

    #[test]
    fn a_crate_without_the_lints_of_the_workspace_is_found() {
        let inherits = ("crates/a/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n");
        let forgets = ("crates/b/Cargo.toml", "[package]\n[lints]\n[dependencies]\nworkspace = true\n");
        let found = findings(no_unsafe_code, &[ROOT, inherits, forgets]);
        assert_eq!(found, ["crates/b/Cargo.toml: the lints of the workspace are missing: [lints] workspace = true"]);
    }

    #[test]
    fn a_workspace_that_allows_unsafe_code_is_found() {
        let found = findings(no_unsafe_code, &[("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"warn\"\n")]);
        assert_eq!(found, ["Cargo.toml: [workspace.lints.rust] must say unsafe_code = \"forbid\""]);
    }

    #[test]
    fn io_in_core_is_found() {
        for (line, io) in [
            ("tokio.workspace = true", "tokio"),
            ("rusqlite = { version = \"1\" }", "rusqlite"),
            ("[dev-dependencies.axum]", "axum"),
            ("hyper-util = \"1\"", "hyper"),
            ("[target.'cfg(unix)'.dependencies.reqwest]", "reqwest"),
        ] {
            let text = format!("[dependencies]\nserde.workspace = true # not tokio = 1\n{line}\n");
            let found = findings(core_knows_no_io, &[("crates/enginehouse-core/Cargo.toml", &text)]);
            let want =
                format!("crates/enginehouse-core/Cargo.toml:3: core holds the rules and no I/O, so it cannot use {io}");
            assert_eq!(found, [want]);
        }
    }

    #[test]
    fn http_in_the_dispatcher_is_found() {
        for (text, name) in [
            ("use crate::http::Problem;", "http"),
            ("use crate::{\nclock::Clock,\nhttp,\n};", "http"),
            ("use http::StatusCode;", "http"),
            ("let x = super::super::http::name();", "http"),
            ("fn a(body: axum::body::Bytes) {}", "axum"),
            ("pub(crate) use tower_http::csrf;", "tower_http"),
        ] {
            let path = "crates/enginehouse-server/src/dispatcher/claim.rs";
            let found = findings(dispatcher_knows_no_http, &[(path, text)]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].ends_with(&format!("so it cannot use {name}")), "{found:?}");
        }
    }

    #[test]
    fn words_about_http_and_files_above_the_dispatcher_are_left_alone() {
        let text = "//! Not `crate::http`.\nuse crate::chance::Chance; // not axum\nlet http = https::x(\"http\");\n";
        let found = findings(
            dispatcher_knows_no_http,
            &[
                ("crates/enginehouse-server/src/dispatcher.rs", text),
                ("crates/enginehouse-server/src/http.rs", "use axum::Router;"),
            ],
        );
        assert_eq!(found, [""; 0]);
    }
}
