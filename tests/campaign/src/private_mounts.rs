//! Mounts of its own for this process, so that a small disk goes with it however it ends.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

/// Says that this process has been started again with mounts of its own.
const VARIABLE: &str = "ENGINEHOUSE_CAMPAIGN_HAS_MOUNTS";

/// Starts this program again in a mount namespace, if it may: root may, but not in every container.
pub(crate) fn enter() -> Result<()> {
    if are_private() {
        return Ok(());
    }
    let try_out = Command::new("unshare").args(["--mount", "--", "true"]).output();
    if !try_out.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let mut again = Command::new("unshare");
    again.args(["--mount", "--"]).arg(program).args(std::env::args_os().skip(1)).env(VARIABLE, "1");
    Err(again.exec()).context("this program cannot start itself again")
}

/// Whether this process has mounts of its own.
#[expect(clippy::disallowed_methods, reason = "the process says so to itself")]
pub(crate) fn are_private() -> bool {
    std::env::var_os(VARIABLE).is_some()
}
