//! What an event has been through, in the words of the wire.

use std::collections::HashMap;

use enginehouse_api::events::{Action, Attempt, EventProgress, HistoryResponse};
use enginehouse_core::audit::AuditEntry;
use enginehouse_core::event::{AttemptOutcome, EventStatus};
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::report::AttemptUsage;
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::{AttemptEnd, EventState};
use enginehouse_store::rows::{AttemptReportRow, History};

pub(super) fn history(event_id: EventId, history: History) -> HistoryResponse {
    let usage = history.reports.iter().filter_map(|report| report.usage).reduce(AttemptUsage::plus);
    let (attempts, actions) = attempts(history);
    HistoryResponse {
        event_id,
        attempts: attempts.into_iter().map(|(_, attempt)| attempt).collect(),
        usage,
        actions: actions.into_iter().map(action).collect(),
    }
}

/// The attempts of an event, each with the serial of its lock, oldest first; and what operators did to it.
pub(super) fn attempts(history: History) -> (Vec<(i64, Attempt)>, Vec<AuditEntry>) {
    let History { attempts: ends, event, reports, actions } = history;
    let mut reports: HashMap<_, _> = reports.into_iter().map(|report| (report.lock_serial, report)).collect();
    let mut attempts = Vec::with_capacity(ends.len() + 1);
    // A lock that was lost leaves the event in its place, from which it does not wait before the lock's end.
    let mut last_ended_at = None;
    for end in ends {
        let (serial, ended_at) = (end.lock_serial, end.ended_at);
        attempts.push((serial, ended(end, last_ended_at)));
        last_ended_at = Some(ended_at);
    }
    attempts.extend(event.and_then(|event| Some((event.state.lock_serial, newest(&event.state, last_ended_at)?))));
    for (serial, attempt) in &mut attempts {
        if let Some(report) = reports.remove(serial) {
            add_report(attempt, report);
        }
    }
    (attempts, actions)
}

fn ended(end: AttemptEnd, last_ended_at: Option<Timestamp>) -> Attempt {
    Attempt {
        attempt: end.attempt,
        engine_id: end.engine_id,
        engine_software_version: end.engine_software_version.map(|version| version.to_string()),
        outcome: Some(end.outcome),
        error: end.error,
        waited_seconds: waited_seconds(end.claimed_at, end.available_at, last_ended_at),
        claimed_at: end.claimed_at,
        ended_at: Some(end.ended_at),
        usage: None,
        progress: None,
        log_url: None,
    }
}

/// The attempt that stands on the event's own row: the one that completed it, or that is under way.
fn newest(state: &EventState, last_ended_at: Option<Timestamp>) -> Option<Attempt> {
    let outcome = match state.status {
        EventStatus::Completed => Some(AttemptOutcome::Completed),
        EventStatus::Processing => None,
        EventStatus::Queued | EventStatus::Failed | EventStatus::Cancelled => return None,
    };
    let claimed_at = state.claimed_at?;
    Some(Attempt {
        attempt: state.attempt,
        engine_id: state.engine_id.clone()?,
        engine_software_version: state.engine_software_version.as_ref().map(ToString::to_string),
        outcome,
        error: None,
        waited_seconds: waited_seconds(claimed_at, state.available_at, last_ended_at),
        claimed_at,
        ended_at: state.finished_at,
        usage: None,
        progress: None,
        log_url: None,
    })
}

fn add_report(attempt: &mut Attempt, report: AttemptReportRow) {
    attempt.usage = report.usage;
    attempt.progress = report.progress.map(|(at, progress)| EventProgress::new(at, progress));
    attempt.log_url = report.log_url;
}

fn waited_seconds(claimed_at: Timestamp, available_at: Timestamp, last_ended_at: Option<Timestamp>) -> f64 {
    let since = last_ended_at.map_or(available_at, |ended_at| ended_at.max(available_at));
    claimed_at.since(since).as_secs_f64()
}

fn action(entry: AuditEntry) -> Action {
    // What it was done to goes without saying in the history of one event: `event.cancel` is `cancel`.
    let action = entry.action.rsplit('.').next().unwrap_or(&entry.action).to_owned();
    Action { at: entry.at, action, by: entry.principal, detail: shown_detail(&entry.detail) }
}

/// A JSON object as words for people; none if it says nothing.
fn shown_detail(detail: &RawJson) -> Option<String> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(detail.as_str()).ok()?;
    let words: Vec<_> = fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match (value.get("from"), value.get("to")) {
            (Some(from), Some(to)) => format!("{name}: {} -> {}", shown_value(from), shown_value(to)),
            _ => format!("{name}: {}", shown_value(value)),
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn shown_value(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
