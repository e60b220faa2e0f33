//! The wheels: that which carries the binary, by hatchling over `packaging/wheel/`, and that of the SDK.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::contents::{Contents, utf8};
use crate::process::{command, output_of, root, run, run_prepared};

/// What builds wheels, each with its version.
const REQUIREMENTS: &str = "packaging/wheel/requirements.txt";

pub(super) fn make(contents: &Contents, out: &Path) -> Result<Vec<String>> {
    let source = contents.copy_of("packaging/wheel")?;
    for file in [&contents.binary, &contents.sbom] {
        contents.copy_to(&source, file)?;
    }
    for file in [&contents.licenses, &root().join("LICENSE-MIT"), &root().join("LICENSE-APACHE")] {
        contents.copy_to(&source.join("licenses"), file)?;
    }
    let mut made = build(contents, &source, out)?;
    made.extend(build(contents, &contents.copy_of_sdk("sdks/python")?, out)?);
    Ok(made)
}

/// Builds the wheel of a project, and answers its name.
fn build(contents: &Contents, source: &Path, out: &Path) -> Result<Vec<String>> {
    let made = source.join("made");
    let python = python()?;
    let mut build = contents.tool(source, &[utf8(&python)?, "-m", "hatchling", "build", "--target", "wheel"]);
    build.arg("--directory").arg(&made);
    // Of the one with the binary.
    build.env("ENGINEHOUSE_VERSION", &contents.version);
    build.env("ENGINEHOUSE_WHEEL_PLATFORM", platform(&contents.binary)?);
    run_prepared(build)?;
    let wheels = fs::read_dir(&made).context("hatchling has made nothing")?;
    wheels.map(|wheel| contents.copy_to(out, &wheel?.path())).collect()
}

/// The platform of <https://peps.python.org/pep-0600/>: every system with that version of the C library, or a later one.
fn platform(binary: &Path) -> Result<String> {
    let needed = String::from_utf8(output_of(&["readelf", "--wide", "--version-info", utf8(binary)?])?)?;
    let (major, minor) = newest_glibc(&needed).context("the binary needs no C library that `readelf` knows")?;
    Ok(format!("manylinux_{major}_{minor}_{}", std::env::consts::ARCH))
}

/// The newest version of the C library that some symbol asks for.
fn newest_glibc(needed: &str) -> Option<(u32, u32)> {
    let version = |text: &str| {
        let number = text.split(|c: char| c != '.' && !c.is_ascii_digit()).next()?;
        let (major, minor) = number.split_once('.')?;
        Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
    };
    needed.split("GLIBC_").skip(1).filter_map(version).max()
}

/// An interpreter that has what builds wheels, installed once below `target/`.
fn python() -> Result<PathBuf> {
    let wanted =
        fs::read_to_string(root().join(REQUIREMENTS)).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let folder = root().join("target/package-tools");
    let (installed, python) = (folder.join("installed.txt"), folder.join("bin/python"));
    // Written last: what an interrupted installation leaves is made anew.
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    run(&["python3", "-m", "venv", "--clear", utf8(&folder)?])?;
    let mut install = command(&[utf8(&python)?, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--no-input", "--requirement", REQUIREMENTS]);
    run_prepared(install)?;
    fs::write(&installed, wanted)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts_and_it_is_a_number_not_a_text() {
        let needed = "0x0010: Name: GLIBC_2.9  Flags: none\n  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 5\n\
                      0x0030: Name: GLIBC_2.2.5  Flags\n 0x0040: Name: GCC_4.2.0 GLIBC_PRIVATE";
        assert_eq!(newest_glibc(needed), Some((2, 34)));
        assert_eq!(newest_glibc("GCC_3.0"), None);
    }
}
