//! Waiting for the end of an operation: how far it is, and an exit status that says how it ended.

use std::io::IsTerminal;
use std::time::Duration;

use enginehouse_api::operations::BulkOperation;
use enginehouse_core::ids::OperationId;
use enginehouse_core::operation::OperationStatus;
use tokio::time::MissedTickBehavior;

use super::cli_error::CliError;
use super::operation_output::{failed, show_one};
use super::output::note;
use super::server_and_output::Common;
use super::times::{TimeFormat, Times};
use crate::exit_codes::Exit;

/// How often the server is asked.
const EVERY: Duration = Duration::from_millis(500);

/// Shows on a terminal how far an operation is, until it has ended, and then what came of it. A server that is away for a while
/// ends nothing.
pub(super) async fn run(common: &Common, operation_id: OperationId) -> Result<(), CliError> {
    let shows_progress = common.format().is_table() && std::io::stderr().is_terminal();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut shown, mut was_away) = (String::new(), false);
    let operation = loop {
        ticks.tick().await;
        let operation = match common.client.operation(operation_id).await {
            Ok(operation) => operation,
            Err(error) if error.is_passing() => {
                if !was_away {
                    note(&format!("{error}: it is asked again until it answers"));
                }
                was_away = true;
                continue;
            }
            Err(error) => return Err(failed("wait for", operation_id, error)),
        };
        was_away = false;
        if operation.status.is_final() {
            break operation;
        }
        let line = progress(&operation);
        if shows_progress && line != shown {
            note(&line);
            shown = line;
        }
    };
    show_one(common, &operation, &Times::new(TimeFormat::Utc))?;
    match how_it_ended(&operation) {
        None => Ok(()),
        Some((exit, what, why)) => Err(CliError::new(
            exit,
            what,
            why,
            format!("`enginehouse operation conflicts {operation_id}` lists those that were not changed"),
        )),
    }
}

/// How far an operation is, in one line.
fn progress(operation: &BulkOperation) -> String {
    if operation.status == OperationStatus::Collecting {
        return format!("collecting: {} so far", operation.total);
    }
    let turns = operation.total - operation.remaining.min(operation.total);
    let end = operation.estimated_end_at.map_or_else(String::new, |at| {
        let times = Times::new(TimeFormat::Relative);
        format!(", ends {}", times.show(at))
    });
    format!(
        "{}: {turns} of {}, {} changed, {} conflicts, {} failed{end}",
        operation.status.name(),
        operation.total,
        operation.changed,
        operation.conflicts,
        operation.failed
    )
}

/// What to say of an operation that has not done what it was to do. Conflicts are no failure: those had moved on.
fn how_it_ended(operation: &BulkOperation) -> Option<(Exit, String, String)> {
    let id = operation.operation_id;
    let far = format!("{} were changed, and {} had no turn", operation.changed, operation.remaining);
    match operation.status {
        OperationStatus::Failed => {
            let why = operation.failure.clone().unwrap_or(far);
            Some((Exit::WaitedFailed, format!("operation {id} has failed"), why))
        }
        OperationStatus::Cancelled => Some((Exit::WaitedCancelled, format!("operation {id} was cancelled"), far)),
        _ if operation.failed > 0 => Some((
            Exit::Partly,
            format!("operation {id} has ended, and some could not be acted on"),
            format!("{} were changed, and {} could not be", operation.changed, operation.failed),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ended(status: &str, failed: u64) -> BulkOperation {
        let json = json!({
            "operation_id": "0193f2a0-0000-7000-8000-000000000001", "action": "cancel_events", "status": status, "filter": "",
            "limit": null, "rate_per_second": null, "reason": null, "force": false, "stop_when_drained": false, "until": null, "event_types": [], "total": 9,
            "changed": 4, "conflicts": 2, "failed": failed, "remaining": 3 - failed, "created_at": "2026-11-23T10:00:00Z",
            "created_by": "anyone", "started_at": null, "finished_at": null, "estimated_end_at": null,
            "failure": if status == "failed" { json!("its filter cannot be read") } else { json!(null) },
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_exit_status_says_how_it_ended() {
        for (status, failed, exit, why) in [
            ("completed", 1, Exit::Partly, "4 were changed, and 1 could not be"),
            ("cancelled", 0, Exit::WaitedCancelled, "4 were changed, and 3 had no turn"),
            ("failed", 0, Exit::WaitedFailed, "its filter cannot be read"),
        ] {
            let (found, _, message) = how_it_ended(&ended(status, failed)).unwrap();
            assert_eq!((found, message.as_str()), (exit, why), "{status}");
        }
        // Conflicts are no failure.
        assert!(how_it_ended(&ended("completed", 0)).is_none());
        assert_eq!(progress(&ended("running", 0)), "running: 6 of 9, 4 changed, 2 conflicts, 0 failed");
    }
}
