//! `cargo xtask openapi`: the description of the API, generated from the handlers.

use anyhow::{Context, Result};

use crate::process::{output_of, write_generated};

pub(crate) fn run() -> Result<()> {
    let content = output_of(&["cargo", "run", "--quiet", "--package", "enginehouse", "--", "openapi"])
        .context("openapi.json is what `enginehouse openapi` prints, so that must build and run")?;
    write_generated("openapi.json", &content)
}
