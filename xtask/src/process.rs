//! Other programs, run in the root of the repository.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root of the repository")
}

/// How the variables begin that Cargo sets for a program of a package.
const OF_THE_PACKAGE: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];

/// A program with its arguments, to be run in the root.
pub(crate) fn command(line: &[&str]) -> Command {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).current_dir(root());
    // Cargo describes the package of this program to it. A build script that asks for such a variable, as that of `ring` does,
    // would run again, and all that depends on it be built again, whenever a build by hand follows on one from here.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| OF_THE_PACKAGE.iter().any(|beginning| name.starts_with(beginning))) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program whose output the contributor should see.
pub(crate) fn run(line: &[&str]) -> Result<()> {
    run_prepared(command(line))
}

/// The same of one that is prepared.
pub(crate) fn run_prepared(mut command: Command) -> Result<()> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let shown = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    eprintln!("$ {shown}");
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_not_told_of_this_package() {
        let environment = String::from_utf8(output_of(&["env"]).unwrap()).unwrap();
        let found: Vec<_> = environment.lines().filter(|line| line.contains("CARGO_PKG_NAME")).collect();
        assert_eq!(found, [""; 0]);
        assert!(environment.contains("PATH="), "{environment}");
    }
}
