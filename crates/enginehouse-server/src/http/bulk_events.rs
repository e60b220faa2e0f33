//! Cancelling and retrying all events that match: a bounded number with each call.
//!
//! The search reads beside the dispatcher, a bounded number of rows at a time, and what it has found goes to the dispatcher by
//! id, one page in a transaction. So nobody waits longer for having many events that match, or many that do not. What has moved
//! on between the two is left alone, and counted. A caller who hangs up ends it between two pages, and may go on later: to act
//! on an event twice is the same as once.

use std::time::Duration;

use axum::extract::State;
use enginehouse_api::bulk_events::{BulkCancelRequest, BulkEventsResponse, BulkRetryRequest, BulkScope};
use enginehouse_api::page::{Cursor, ListKind};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::role::Permission;
use enginehouse_core::applied::Applied;
use enginehouse_core::event::EventStatus;
use enginehouse_core::filter::{EventFilter, PageRequest};
use enginehouse_core::invalid::Invalid;
use enginehouse_store::rows::ResultPage;

use super::app::App;
use super::json::{Json, JsonBody};
use super::problem::{ProblemResponse, WriteProblems};
use super::selected::veiled;
use crate::dispatcher::actor::Actor;
use crate::dispatcher::bulk_events::{ActOnEvents, BulkAction};

/// How many events one transaction takes: the writer is never held for long.
const PAGE: u32 = 500;
/// How many searches one call makes, each of which looks at a bounded number of rows.
const MAX_SEARCHES: u32 = 50;

/// Cancel all events that match, newest first: the queued ones, then those that are processing.
///
/// It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a call is safe. With
/// `dry_run` it says which events it would be about, in its order, and does nothing. Events that come to match later are left alone.
#[utoipa::path(post, path = "/v1/events/cancel", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))), request_body = BulkCancelRequest,
    responses((status = 200, description = "What was done.", body = BulkEventsResponse), WriteProblems))]
pub(super) async fn cancel_events(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Json<BulkEventsResponse>, ProblemResponse> {
    let (scope, force) = body.read(BulkCancelRequest::read)?;
    // Queued ones first: what is claimed meanwhile is found among those that are processing.
    let statuses = [EventStatus::Queued, EventStatus::Processing];
    act(&app, &by, scope, BulkAction::Cancel { force }, &statuses).await.map(Json)
}

/// Make all queued events that match, and that wait for a retry or their time, available now, newest first.
///
/// It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a call is safe. With
/// `dry_run` it says which events it would be about, in its order, and does nothing. Events that come to match later are left alone.
#[utoipa::path(post, path = "/v1/events/retry", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))), request_body = BulkRetryRequest,
    responses((status = 200, description = "What was done.", body = BulkEventsResponse), WriteProblems))]
pub(super) async fn retry_events(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Json<BulkEventsResponse>, ProblemResponse> {
    let mut scope = body.read(BulkRetryRequest::read)?;
    // What may be claimed already does not wait.
    let waits = app.metrics().store_now() + Duration::from_millis(1);
    scope.filter.available_after = scope.filter.available_after.max(Some(waits));
    act(&app, &by, scope, BulkAction::Retry, &[EventStatus::Queued]).await.map(Json)
}

/// Where a call goes on.
struct BulkPlace {
    /// An index into the statuses that the action is about.
    status: usize,
    after: Option<String>,
}

impl BulkPlace {
    fn read(cursor: Option<&str>, statuses: &[EventStatus]) -> Result<Self, ProblemResponse> {
        let Some(cursor) = cursor else { return Ok(Self { status: 0, after: None }) };
        let place = cursor.split_once(' ').and_then(|(status, after)| {
            let status = statuses.iter().position(|known| known.name() == status)?;
            Some(Self { status, after: Some(after).filter(|after| !after.is_empty()).map(str::to_owned) })
        });
        place.ok_or_else(|| Invalid::field("/cursor", "must be the next_cursor of the same call").into())
    }

    fn cursor(self, statuses: &[EventStatus]) -> Option<String> {
        let status = statuses.get(self.status)?.name();
        let place = format!("{status} {}", self.after.unwrap_or_default());
        Some(Cursor { list: ListKind::BulkEvents, place }.to_string())
    }
}

async fn act(
    app: &App,
    by: &Actor,
    scope: BulkScope,
    action: BulkAction,
    statuses: &[EventStatus],
) -> Result<BulkEventsResponse, ProblemResponse> {
    let BulkScope { filter, dry_run, limit, after } = scope;
    let statuses: Vec<_> =
        statuses.iter().copied().filter(|status| filter.status.is_none_or(|wanted| wanted == *status)).collect();
    let mut place = BulkPlace::read(after.as_deref(), &statuses)?;
    let mut done = BulkEventsResponse::default();
    for _ in 0..MAX_SEARCHES {
        let left = limit.saturating_sub(u32::try_from(done.event_ids.len()).unwrap_or(u32::MAX));
        let Some(status) = statuses.get(place.status).copied().filter(|_| left > 0) else { break };
        let filter = EventFilter { status: Some(status), within: by.reach(), ..filter.clone() };
        let page = PageRequest { limit: left.min(PAGE), after: place.after.take() };
        let found = app.store().event_ids(&filter, &page).await;
        let found = found.map_err(|error| broken_off(error.into(), &done))?;
        let ResultPage { items, next } = veiled(by, &page, found, |event_id| *event_id);
        if !dry_run && !items.is_empty() {
            let page = ActOnEvents { event_ids: items.clone(), status, action, within: by.reach() };
            let outcome = app.dispatcher().execute_for(by, page).await;
            let outcome = outcome.map_err(|error| broken_off(error.into(), &done))?;
            done.changed += outcome.changed;
            done.asked_to_stop += outcome.asked_to_stop;
            done.unchanged += items.len() as u64 - outcome.changed - outcome.asked_to_stop;
        }
        done.event_ids.extend(items);
        place = match next {
            Some(next) => BulkPlace { status: place.status, after: Some(next) },
            None => BulkPlace { status: place.status + 1, after: None },
        };
    }
    Ok(BulkEventsResponse { next_cursor: place.cursor(&statuses), ..done })
}

/// A page failed behind others that did not.
fn broken_off(problem: ProblemResponse, done: &BulkEventsResponse) -> ProblemResponse {
    let changed = done.changed + done.asked_to_stop;
    if changed == 0 {
        return problem;
    }
    problem.with(|document| Problem {
        detail: format!("{}; {changed} events were acted on before: to repeat the call is safe", document.detail),
        applied: Some(Applied::Unknown),
        ..document
    })
}
