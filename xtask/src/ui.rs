//! `cargo xtask ui`: the files of the dashboard that the binary holds, built from `ui/`. They are committed, so that nobody else
//! needs Node to build the server.

use anyhow::{Context, Result};

use crate::process::{command, root};

/// What is run in `ui/`, in this order. No package may run anything while it is installed.
const STEPS: [&[&str]; 5] = [
    &["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    &["npm", "run", "--silent", "types"],
    &["npm", "run", "--silent", "check"],
    &["npm", "run", "--silent", "test"],
    &["npm", "run", "--silent", "build"],
];

pub(crate) fn run() -> Result<()> {
    for step in STEPS {
        let line = step.join(" ");
        eprintln!("$ {line}");
        let status =
            command(step).current_dir(root().join("ui")).status().with_context(|| format!("cannot run `{line}`"))?;
        anyhow::ensure!(status.success(), "`{line}` ended with {status}");
    }
    Ok(())
}
