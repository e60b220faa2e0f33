//! `cargo xtask pictures`: a picture of every page of the dashboard over the demo's fleet, for a person to look at, and those that
//! the documents show. They are committed, and made anew by this alone.

use anyhow::Result;
use clap::Args;

use crate::process::{command, root, run};

/// Where the documents have theirs.
const OF_THE_DOCUMENTS: &str = "docs/pictures";

#[derive(Args)]
pub(crate) struct PicturesArgs {
    /// How many engines the fleet has
    #[arg(long, value_name = "N", default_value_t = 8)]
    fleet: u32,
    /// How long it works before it is looked at: charts need a while
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    seconds: u32,
    /// Write those that the documents show, too: docs/pictures/*.webp
    #[arg(long)]
    documents: bool,
}

pub(crate) fn take(arguments: &PicturesArgs) -> Result<()> {
    let PicturesArgs { fleet, seconds, documents } = arguments;
    run(&["cargo", "build", "-p", "enginehouse"])?;
    // The file that says what is installed: packages are fetched once.
    if !root().join("ui/node_modules/.package-lock.json").exists() {
        let installed = command(&["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(root().join("ui"))
            .status()?;
        anyhow::ensure!(installed.success(), "`npm ci` in ui ended with {installed}");
    }
    let (fleet, seconds, folder) = (fleet.to_string(), seconds.to_string(), format!("target/pictures/{fleet}"));
    let mut line = vec!["node", "ui/tests/pictures.mjs", "target/debug/enginehouse", &folder, &fleet, &seconds];
    line.extend(documents.then_some(OF_THE_DOCUMENTS));
    run(&line)
}
