//! What is shown of one operation, and how a call about it has failed.

use enginehouse_api::operations::BulkOperation;
use enginehouse_client::Error;
use enginehouse_core::ids::EventType;
use enginehouse_core::ids::OperationId;

use super::cli_error::CliError;
use super::hints::Subject;
use super::output::{one, or_dash};
use super::server_and_output::Common;
use super::times::Times;

pub(super) fn failed(verb: &str, operation_id: OperationId, error: Error) -> CliError {
    CliError::call_about(Subject::Operation, format!("could not {verb} operation {operation_id}"), error)
}

pub(super) fn show_one(common: &Common, operation: &BulkOperation, times: &Times) -> Result<(), CliError> {
    let id = operation.operation_id.to_string();
    let about = if operation.filter.is_empty() { "all" } else { &operation.filter };
    let mut fields = vec![
        ("operation", id.clone()),
        ("action", operation.action.name().to_owned()),
        ("filter", about.to_owned()),
        ("status", operation.status.name().to_owned()),
        ("changed", format!("{} of {}", operation.changed, operation.total)),
        ("conflicts", operation.conflicts.to_string()),
        ("failed", operation.failed.to_string()),
        ("remaining", operation.remaining.to_string()),
        ("limit", or_dash(operation.limit.as_ref())),
        ("rate per second", or_dash(operation.rate_per_second.as_ref())),
        ("reason", or_dash(operation.reason.as_ref())),
        ("created", format!("{} by {}", times.show(operation.created_at), operation.created_by)),
        ("started", times.or_dash(operation.started_at)),
        ("finished", times.or_dash(operation.finished_at)),
    ];
    if operation.force {
        fields.push(("force", "yes".to_owned()));
    }
    if operation.stop_when_drained {
        fields.push(("stop when drained", "yes".to_owned()));
    }
    if let Some(until) = operation.until {
        fields.push(("until", times.show(until)));
    }
    if !operation.event_types.is_empty() {
        fields
            .push(("event types", operation.event_types.iter().map(EventType::as_str).collect::<Vec<_>>().join(", ")));
    }
    if let Some(at) = operation.estimated_end_at {
        fields.push(("estimated end", times.show(at)));
    }
    if let Some(why) = &operation.failure {
        fields.push(("failure", why.clone()));
    }
    for item in operation.last_conflicts.iter().flatten() {
        fields.push(("not changed", format!("{}: {}", item.id, item.why)));
    }
    one(common, operation, &id, &fields)
}
