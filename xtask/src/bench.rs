//! `cargo xtask bench`: builds what is released and measures it beside other queues, or with `--scale` by itself.

use anyhow::Result;

use crate::process::run as run_program;
use crate::tools;

/// Which suite: what follows is as that takes it.
const SCALE: &str = "--scale";

pub(crate) fn run(flags: &[String]) -> Result<()> {
    tools::ensure(tools::OF_BENCH)?;
    // Each by itself, with the features that it is released with.
    run_program(&["cargo", "build", "--release", "--package", "enginehouse"])?;
    let suite = if flags.iter().any(|flag| flag == SCALE) { "scale" } else { "bench" };
    let flags = flags.iter().map(String::as_str).filter(|flag| *flag != SCALE);
    let measure = ["cargo", "run", "--release", "--package", "enginehouse-load", "--", suite];
    run_program(&measure.into_iter().chain(flags).collect::<Vec<_>>())
}
