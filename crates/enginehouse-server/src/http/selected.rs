//! What callers with selectors are told of events: of those that the selectors reach, and of no others.

use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::event::NewEvent;
use enginehouse_core::ids::EventId;
use enginehouse_store::rows::EventRecord;

use super::app::App;
use super::problem::ProblemResponse;
use crate::dispatcher::event_actions::{ActOnEvent, EventAction};
use crate::dispatcher::selected_events::{ActWithin, check_lane};

/// Refuses an event that the caller may not read, before anything is said of it. Its 404 is that of an event which never was.
pub(super) async fn check_visible(app: &App, principal: &Principal, event_id: EventId) -> Result<(), ProblemResponse> {
    if principal.selectors().is_none() {
        return Ok(());
    }
    match app.store().event(event_id).await? {
        Some(record) if principal.admits_lane(&record.lane) => Ok(()),
        _ => Err(app.unseen_event(event_id)),
    }
}

/// Refuses an event that the caller may not enqueue.
pub(super) fn check_enqueue(principal: &Principal, event: &NewEvent) -> Result<(), ProblemResponse> {
    match principal.selectors() {
        Some(within) => Ok(check_lane(within, Permission::EventsEnqueue, &event.lane)?),
        None => Ok(()),
    }
}

/// Acts on an event, if the caller may.
pub(super) async fn act(
    app: &App,
    principal: &Principal,
    event_id: EventId,
    action: EventAction,
) -> Result<EventRecord, ProblemResponse> {
    let act = ActOnEvent { event_id, action };
    Ok(match principal.selectors() {
        Some(within) => app.dispatcher().execute_for(principal, ActWithin { within: within.clone(), act }).await?,
        None => app.dispatcher().execute_for(principal, act).await?,
    })
}

/// An idempotency conflict as the caller may see it: the key may be that of an event which the selectors do not reach, so with
/// selectors none is named.
pub(super) fn conflict_shown_to(principal: &Principal, problem: Problem) -> Problem {
    if problem.code != Code::IdempotencyConflict || principal.selectors().is_none() {
        return problem;
    }
    let detail = "the idempotency key belongs to an event that was enqueued with another request".to_owned();
    let errors = problem
        .errors
        .into_iter()
        .map(|error| enginehouse_core::invalid::FieldError { detail: detail.clone(), ..error });
    Problem { errors: errors.collect(), detail: detail.clone(), event_id: None, ..problem }
}
