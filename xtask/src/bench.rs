//! `cargo xtask bench`: builds what is released and measures it beside other queues.

use anyhow::Result;

use crate::process::run as run_program;
use crate::tools;

pub(crate) fn run(flags: &[String]) -> Result<()> {
    tools::ensure(tools::OF_BENCH)?;
    // Each by itself, with the features that it is released with.
    run_program(&["cargo", "build", "--release", "--package", "enginehouse"])?;
    let flags = flags.iter().map(String::as_str);
    let measure = ["cargo", "run", "--release", "--package", "enginehouse-load", "--", "bench"];
    run_program(&measure.into_iter().chain(flags).collect::<Vec<_>>())
}
