//! Other programs, run in the root of the repository.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root of the repository")
}

/// A program with its arguments, to be run in the root.
pub(crate) fn command(line: &[&str]) -> Command {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).current_dir(root());
    command
}

/// Runs a program whose output the contributor should see.
pub(crate) fn run(line: &[&str]) -> Result<()> {
    let shown = line.join(" ");
    eprintln!("$ {shown}");
    let status = command(line).status().with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs a program for what it writes to stdout; its stderr is shown.
pub(crate) fn output_of(line: &[&str]) -> Result<Vec<u8>> {
    let shown = line.join(" ");
    let output = command(line).stderr(Stdio::inherit()).output().with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}", output.status);
    }
    Ok(output.stdout)
}

/// Whether a program can be run and answers with success; its output is dropped.
pub(crate) fn succeeds(line: &[&str]) -> bool {
    command(line).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

/// Writes a generated file, and says whether it had been stale.
pub(crate) fn write_generated(path: &str, content: &[u8]) -> Result<()> {
    if content.is_empty() {
        bail!("{path} was not written: the command that prints it printed nothing");
    }
    let full = root().join(path);
    if std::fs::read(&full).is_ok_and(|present| present == content) {
        println!("{path} was fresh");
        return Ok(());
    }
    std::fs::write(&full, content).with_context(|| format!("cannot write {path}"))?;
    println!("{path} written; commit it with the change that it follows from");
    Ok(())
}
