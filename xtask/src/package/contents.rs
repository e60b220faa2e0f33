//! What every package carries: the binary, what describes it, and which version and time all of it is of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{components, licenses, sbom};
use crate::process::{command, output_of, root, run_prepared};

/// The name of the variable by which all tools are given the time that they write into packages:
/// <https://reproducible-builds.org/specs/source-date-epoch/>.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The shells whose completions are packaged, each with the name of the file that it looks for.
const SHELLS: [(&str, &str); 3] = [("bash", "enginehouse"), ("zsh", "_enginehouse"), ("fish", "enginehouse.fish")];

/// What lies in the folder of an SDK once it was tested there, and is none of its sources.
const LEFT_BY_TOOLS: [&str; 7] =
    [".mypy_cache", ".pytest_cache", ".venv", "__pycache__", "build", "dist", "node_modules"];

pub(super) struct Contents {
    pub(super) version: String,
    /// The time of everything in a package: that of the commit, in seconds since 1970.
    pub(super) epoch: String,
    /// A folder of its own, gone at the end.
    folder: PathBuf,
    /// Without the symbols that only a debugger reads.
    pub(super) binary: PathBuf,
    /// Manual pages.
    pub(super) man: PathBuf,
    /// A folder for each shell.
    pub(super) completions: PathBuf,
    pub(super) sbom: PathBuf,
    pub(super) licenses: PathBuf,
}

impl Contents {
    pub(super) fn prepare(given: &Path, folder: &Path) -> Result<Self> {
        let contents = Self {
            version: version_of(given)?,
            epoch: epoch()?,
            folder: folder.to_owned(),
            binary: folder.join("enginehouse"),
            man: folder.join("man"),
            completions: folder.join("completions"),
            sbom: folder.join("enginehouse.cdx.json"),
            licenses: folder.join("THIRD-PARTY-LICENSES.txt"),
        };
        let mut strip = command(&["strip", "--strip-all", "-o"]);
        strip.arg(&contents.binary).arg(given);
        run_prepared(strip)?;
        let mut man = Command::new(given);
        man.arg("man").arg(&contents.man);
        run_prepared(man)?;
        for (shell, name) in SHELLS {
            let script = output_of(&[utf8(given)?, "completions", shell])?;
            let of_shell = contents.completions.join(shell);
            fs::create_dir_all(&of_shell)?;
            fs::write(of_shell.join(name), script)?;
        }
        let components = components::of_the_binary()?;
        let made_at = output_of(&["date", "--utc", &format!("--date=@{}", contents.epoch), "+%Y-%m-%dT%H:%M:%SZ"])?;
        let document = sbom::document(&components, &contents.version, String::from_utf8(made_at)?.trim());
        fs::write(&contents.sbom, format!("{document:#}\n"))?;
        fs::write(&contents.licenses, licenses::document(&components.all)?)?;
        Ok(contents)
    }

    /// A folder in which a package is put together: a copy of one of the repository.
    pub(super) fn copy_of(&self, path: &str) -> Result<PathBuf> {
        let copy = self.folder.join("of").join(path);
        copy_all(&root().join(path), &copy)?;
        Ok(copy)
    }

    /// The same of an SDK, without what its tools have left there, and with the licences of all.
    pub(super) fn copy_of_sdk(&self, path: &str) -> Result<PathBuf> {
        let copy = self.folder.join("of").join(path);
        fs::create_dir_all(&copy)?;
        for entry in fs::read_dir(root().join(path))? {
            let (name, from) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            if !LEFT_BY_TOOLS.iter().any(|left| name == *left) {
                copy_all(&from, &copy.join(name))?;
            }
        }
        for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
            self.copy_to(&copy, &root().join(license))?;
        }
        Ok(copy)
    }

    /// Copies a file into a folder, under its own name, and answers that.
    pub(super) fn copy_to(&self, folder: &Path, file: &Path) -> Result<String> {
        let name = file.file_name().and_then(|name| name.to_str()).context("it is a file with a name")?;
        fs::create_dir_all(folder)?;
        fs::copy(file, folder.join(name)).with_context(|| format!("cannot copy {name} to {}", folder.display()))?;
        Ok(name.to_owned())
    }

    /// A program that is run in a folder, and given the time that everything is of.
    pub(super) fn tool(&self, folder: &Path, line: &[&str]) -> Command {
        let mut tool = command(line);
        tool.current_dir(folder).env(EPOCH, &self.epoch);
        tool
    }
}

/// Copies a file, or a folder with all that is in it.
pub(super) fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("it is in a folder")?)?;
    run_prepared(command(&["cp", "--recursive", "--no-target-directory", utf8(from)?, utf8(to)?]))
}

/// A path as an argument of a program.
pub(super) fn utf8(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// The version that the binary says it is of.
fn version_of(binary: &Path) -> Result<String> {
    let printed = String::from_utf8(output_of(&[utf8(binary)?, "--version"])?)?;
    let Some(version) = printed.trim().strip_prefix("enginehouse ") else {
        bail!("{} --version printed {printed:?}, which is no version of Enginehouse", binary.display());
    };
    Ok(version.to_owned())
}

/// As whoever packages says, or else when the commit was made that is packaged.
#[expect(clippy::disallowed_methods, reason = "whoever builds packages says of which time they are")]
fn epoch() -> Result<String> {
    if let Ok(epoch) = std::env::var(EPOCH) {
        epoch.parse::<u64>().with_context(|| format!("{EPOCH} is {epoch:?}, and should be seconds since 1970"))?;
        return Ok(epoch);
    }
    if !root().join(".git").exists() {
        bail!(
            "no time for what is packaged: this is no git repository; set {EPOCH} to the time of the sources, in seconds since 1970"
        );
    }
    Ok(String::from_utf8(output_of(&["git", "log", "-1", "--format=%ct"])?)?.trim().to_owned())
}
