//! `cargo xtask check`: all that a commit must pass before its tests are run.

use anyhow::{Result, bail};

use crate::process::{output_of, run as run_program, succeeds};
use crate::tidy;

pub(crate) fn run() -> Result<()> {
    // Every step runs, so that one look shows all that is wrong.
    let steps = [
        ("format: run `cargo fmt`", format()),
        ("lints: see clippy.toml for what is banned and where it is allowed", lints()),
        ("tidy", tidy::run()),
        ("dependencies: see deny.toml for what is allowed", dependencies()),
        ("public API of the Rust client: its version says what a new release breaks", client_api()),
    ];
    let mut failed = 0;
    for (advice, result) in steps {
        if let Err(error) = result {
            eprintln!("failed: {error:#} ({advice})");
            failed += 1;
        }
    }
    if failed > 0 {
        bail!("{failed} of the checks failed");
    }
    println!("all checks passed");
    Ok(())
}

fn format() -> Result<()> {
    run_program(&["cargo", "fmt", "--all", "--check"])
}

fn lints() -> Result<()> {
    run_program(&["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn dependencies() -> Result<()> {
    if !succeeds(&["cargo", "deny", "--version"]) {
        eprintln!("dependencies were not checked: `cargo install cargo-deny` makes it possible");
        return Ok(());
    }
    run_program(&["cargo", "deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
}

/// Compares what the client offers to others with its last release.
fn client_api() -> Result<()> {
    if !succeeds(&["cargo", "semver-checks", "--version"]) {
        eprintln!("the client was not compared: `cargo install cargo-semver-checks` makes it possible");
        return Ok(());
    }
    let tags = String::from_utf8(output_of(&["git", "tag", "--list", "v*", "--sort=-version:refname"])?)?;
    let Some(last) = tags.lines().next() else {
        eprintln!("the client was not compared: no release has a tag such as v0.1.0");
        return Ok(());
    };
    run_program(&["cargo", "semver-checks", "--package", "enginehouse-client", "--baseline-rev", last])
}
