//! `cargo xtask package`: what people install, made for the system that this runs on, each by the tool of its kind.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use self::contents::Contents;
use crate::process::{command, root, run, run_prepared};
use crate::tools;

mod components;
mod contents;
mod deb;
mod image;
mod licenses;
mod npm;
mod sbom;
mod wheel;

#[derive(Args)]
pub(crate) struct PackageArgs {
    /// What to make; everything if left out
    #[arg(value_enum)]
    kinds: Vec<PackageKind>,
    /// The binary to put into them, instead of building what is released
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Where they are put; target/package of this repository if left out
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PackageKind {
    /// A package for Debian and Ubuntu, with a service
    Deb,
    /// Wheels for PyPI: the SDK, and the binary
    Wheel,
    /// Packages for npm: the SDK, and the binary
    Npm,
    /// A container image, as an archive that is loaded
    Image,
}

/// What `target/release` has once it is built.
const RELEASED: &str = "target/release/enginehouse";

pub(crate) fn make(arguments: &PackageArgs) -> Result<()> {
    let all = PackageKind::value_variants();
    let kinds = if arguments.kinds.is_empty() { all } else { &arguments.kinds };
    tools::ensure(tools::OF_PACKAGES)?;
    let here = std::env::current_dir().context("this is run in a folder")?;
    let binary = match &arguments.binary {
        Some(binary) => here.join(binary),
        None => {
            run(&["cargo", "build", "--locked", "--release", "--package", "enginehouse"])?;
            root().join(RELEASED)
        }
    };
    let out = arguments.out.as_ref().map_or_else(|| root().join("target/package"), |out| here.join(out));
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let folder = tempfile::tempdir().context("there is no room for what packages are made of")?;
    let contents = Contents::prepare(&binary, folder.path())?;
    let mut made = vec![contents.copy_to(&out, &contents.sbom)?, contents.copy_to(&out, &contents.licenses)?];
    for kind in kinds {
        made.extend(match kind {
            PackageKind::Deb => deb::make(&contents, &out)?,
            PackageKind::Wheel => wheel::make(&contents, &out)?,
            PackageKind::Npm => npm::make(&contents, &out)?,
            PackageKind::Image => image::make(&contents, &out)?,
        });
    }
    made.sort();
    made.dedup();
    let mut sums = command(&["sha256sum"]);
    sums.args(&made).current_dir(&out);
    let sums = sums.output().context("cannot run `sha256sum`")?;
    anyhow::ensure!(sums.status.success(), "`sha256sum` ended with {}", sums.status);
    std::fs::write(out.join("SHA256SUMS"), &sums.stdout).context("cannot write SHA256SUMS")?;
    let mut check = command(&["sha256sum", "--check", "SHA256SUMS"]);
    check.current_dir(&out);
    run_prepared(check)
}
