//! `enginehouse event log`: what the attempts of an event have logged, and what the present one logs.

use std::io::Write;

use clap::Args;
use enginehouse_api::logs::LogPart;
use enginehouse_core::event::AttemptOutcome;
use enginehouse_core::ids::EventId;

use super::cli_error::CliError;
use super::hints::Subject;
use super::output::one;
use super::server_and_output::{Common, event_id};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct EventLogArgs {
    /// The event
    #[arg(value_parser = event_id)]
    event_id: EventId,
    /// Only the attempt with this number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempt: Option<u32>,
    /// Go on until the attempt ends: the newest one, or the one that is named
    #[arg(long)]
    follow: bool,
}

pub(crate) async fn run(common: &Common, arguments: EventLogArgs) -> Result<(), CliError> {
    let EventLogArgs { event_id, attempt, follow } = arguments;
    let failed =
        |error| CliError::call_about(Subject::Event, format!("could not show the log of event {event_id}"), error);
    if !follow {
        let answer = common.client.log(event_id, attempt).await.map_err(failed)?;
        if !common.format().is_table() {
            return one(common, &answer, &event_id.to_string(), &[]);
        }
        let several = answer.logs.len() > 1;
        for log in &answer.logs {
            let how = log.outcome.map_or("under way", AttemptOutcome::name);
            let mut head = String::new();
            if several {
                head = format!("== attempt {} on {}, {how} ==\n", log.attempt, log.engine_id);
            }
            let kept = log.text.len() as u64;
            if kept < log.total_bytes {
                head.push_str(&format!("[the first {} bytes were not kept]\n", log.total_bytes - kept));
            }
            print(&format!("{head}{}", log.text))?;
        }
        return Ok(());
    }
    let mut stream = common.client.follow_log(event_id, attempt).await.map_err(failed)?;
    while let Some(part) = stream.next().await.map_err(failed)? {
        if common.format().is_table() {
            print(&part.text)?;
        } else {
            print(&line_of(&part))?;
        }
    }
    Ok(())
}

/// For programs: one JSON object for each part.
fn line_of(part: &LogPart) -> String {
    serde_json::to_string(part).unwrap_or_default() + "\n"
}

/// Text of a log, which the server has cleaned of what speaks to terminals.
fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| CliError::new(Exit::Failed, "could not print the log", error, "see where stdout goes"))
}
