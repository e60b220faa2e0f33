//! `--watch`: something is shown again and again.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use tokio::time::MissedTickBehavior;

use super::cli_error::{CliError, written};
use super::server_and_output::Common;
use super::times::duration;
use crate::exit_codes::Exit;

/// Whether something is shown again and again.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WatchArgs {
    /// Show it again and again, until Ctrl-C [default if given alone: 2s]
    #[arg(
        long,
        value_name = "EVERY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2s",
        value_parser = interval
    )]
    watch: Option<Duration>,
}

/// Clears the screen from its upper left corner, where it puts the cursor.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

impl WatchArgs {
    /// Shows it once, or until somebody ends the command. A server that is away for a while does not.
    pub(crate) async fn repeat(
        self,
        common: &Common,
        show: impl AsyncFn() -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let Some(every) = self.watch else { return show().await };
        let is_terminal = std::io::stdout().is_terminal();
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if is_terminal {
                written(std::io::stdout().write_all(CLEAR.as_bytes()))?;
            }
            match show().await {
                Err(error) if matches!(error.exit, Exit::Unreachable | Exit::Timeout) => common.show_error(&error),
                shown => shown?,
            }
        }
    }
}

/// Shorter ones would only load the server.
const SHORTEST: Duration = Duration::from_millis(100);

fn interval(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    if every < SHORTEST { Err("must be at least 100ms".to_owned()) } else { Ok(every) }
}
