//! `cargo xtask docs`: the pages that are generated, so that a default is written once.

use anyhow::{Context, Result};

use crate::process::{output_of, write_generated};

pub(crate) fn run() -> Result<()> {
    let content = output_of(&["cargo", "run", "--quiet", "--package", "enginehouse", "--", "config", "--markdown"])
        .context("docs/configuration.md is what `enginehouse config --markdown` prints, so that must build and run")?;
    write_generated("docs/configuration.md", &content)
}
