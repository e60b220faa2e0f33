//! Events: enqueue, look, cancel, retry, change, redrive.

use axum::extract::{Extension, FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use enginehouse_api::changes::ChangeRequest;
use enginehouse_api::enqueue::{
    BatchRequest, BatchResponse, EnqueueRequest, EnqueueResponse, NdjsonResponse, ReadBatch,
};
use enginehouse_api::events::{CancelRequest, Event, EventPage, EventsQuery, HistoryResponse, WaitQuery};
use enginehouse_api::filter::FilterQuery;
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::event::NewEvent;
use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::filter::EventFilter;
use enginehouse_core::ids::EventId;
use enginehouse_core::invalid::{FieldError, Invalid};
use enginehouse_core::limits::MAX_FIELD_ERRORS;
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::body::caller;
use super::budgets::CallOrigin;
use super::end_wait::event_after;
use super::enqueuing::enqueue;
use super::filtering::check_terms;
use super::hiding::Hide;
use super::history;
use super::idempotency_key_header::{IdempotencyKeyHeader, refuse_for_many};
use super::json::{Json, JsonBody, LargeJsonBody, is_json, media_type, wrong_type};
use super::long_wait::LongWait;
use super::ndjson;
use super::params::{Path, Query, searched};
use super::problem::{
    ActProblems, ChangeProblems, EnqueueProblems, ListProblems, ProblemResponse, ReadProblems, conflict,
};
use super::selected::{act, check_enqueue, check_visible, conflict_shown_to, veiled};
use super::wire;
use crate::dispatcher::actor::Actor;
use crate::dispatcher::answers::Enqueued;
use crate::dispatcher::event_actions::EventAction;
use crate::dispatcher::reply::{DispatchError, KeyConflict};

/// Enqueue one event.
///
/// With an `idempotency_key`, a repeat is safe: as long as the event is kept, the same request answers with it and
/// `duplicate: true`. The header `Idempotency-Key` is the same as the field.
///
/// With `wait_seconds` the answer comes once the event has completed, failed or been cancelled, or when the time is over, and has
/// the event as it is then. It was stored long before: whoever hangs up loses nothing but the answer.
#[utoipa::path(post, path = "/v1/events", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsEnqueue.name()], "selectors": true }))),
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header,
        description = "The same as `idempotency_key`: in quotes or without, and equal to it where both are given.")),
    request_body = EnqueueRequest, responses(
    (status = 201, description = "The event is stored.", body = EnqueueResponse,
        headers(("Location" = String, description = "The event's address."))),
    (status = 200, description = "An event with this idempotency key was there before.", body = EnqueueResponse),
    EnqueueProblems,
))]
pub(super) async fn enqueue_event(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Extension(caller): Extension<CallOrigin>,
    IdempotencyKeyHeader(key): IdempotencyKeyHeader,
    long_wait: Option<Extension<LongWait>>,
    query: Query,
    body: JsonBody,
) -> Result<Response, ProblemResponse> {
    let wait = query.read(WaitQuery::read)?;
    let event = body.read(|value| NewEvent::read_beside_key(value, key.as_deref()))?;
    check_enqueue(&principal, &event)?;
    // What is over before it waits lies apart: so it takes no memory meanwhile.
    let enqueued = Box::pin(enqueue(&app, &caller, &principal, vec![event])).await;
    let enqueued = enqueued.map_err(|failure| refused(&principal, failure, |_| String::new()))?;
    let answer = enqueued.first().map(wire::enqueued);
    let mut answer =
        answer.ok_or_else(|| ProblemResponse::internal("the dispatcher left an event out of its answer"))?;
    if !wait.is_zero()
        && let Ok(Some(record)) = event_after(&app, answer.event_id, wait, long_wait).await
    {
        let event = wire::event(record).shown_to(&principal);
        (answer.status, answer.available_at) = (event.status, event.available_at);
        answer.event = Some(Box::new(event));
    }
    let status = if answer.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let location = format!("/v1/events/{}", answer.event_id);
    Ok((status, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// What became of a batch: each event, or counts and bad lines.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum BatchAnswer {
    /// To `application/json`.
    Batch(BatchResponse),
    /// To `application/x-ndjson`.
    Lines(NdjsonResponse),
}

/// Enqueue many events.
///
/// As `application/json`: up to 10,000 events, all or nothing; with `"atomic": false` each has its own answer. As
/// `application/x-ndjson`: one event per line, of any number; the good lines are stored and the bad ones named. If a stream breaks off, what was stored stays stored, and the
/// problem says how many lines were dealt with.
#[utoipa::path(post, path = "/v1/events/batch", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsEnqueue.name()], "selectors": true }))),
    request_body(content((BatchRequest = "application/json"), (String = "application/x-ndjson"))), responses(
    (status = 200, description = "The events, or the good lines, are stored.", body = BatchAnswer),
    EnqueueProblems,
))]
pub(super) async fn enqueue_batch(
    State(app): State<App>,
    request: Request,
) -> Result<Json<impl Serialize>, ProblemResponse> {
    refuse_for_many(request.headers())?;
    let principal = request.extensions().get::<Principal>().cloned();
    let principal = principal.ok_or_else(|| ProblemResponse::internal("a request has no principal"))?;
    let caller = caller(&request)?;
    if media_type(request.headers()).is_some_and(|kind| ndjson::MEDIA_TYPES.contains(&&*kind)) {
        return ndjson::enqueue_lines(&app, &principal, request).await.map(|lines| Json(BatchAnswer::Lines(lines)));
    }
    let headers = request.headers().clone();
    let body = LargeJsonBody::from_request(request, &app).await.map_err(|problem| {
        use enginehouse_api::problem::Code::UnsupportedMediaType;
        let is_wrong_type = problem.document().code == UnsupportedMediaType && !is_json(&headers);
        if is_wrong_type { wrong_type(&headers, "application/json or application/x-ndjson") } else { problem }
    })?;
    let batch = match body.read(BatchRequest::read).await? {
        ReadBatch::Atomic(events) => {
            let at = |index| format!("/events/{index}");
            events.iter().try_for_each(|event| check_enqueue(&principal, event))?;
            let enqueued = enqueue(&app, &caller, &principal, events).await;
            let enqueued = enqueued.map_err(|failure| refused(&principal, failure, at))?;
            wire::batch(enqueued.into_iter().map(Ok))
        }
        ReadBatch::Each(events) => enqueue_each(&app, &caller, &principal, events).await?,
    };
    Ok(Json(BatchAnswer::Batch(batch)))
}

/// Enqueues the events that can be, in one transaction, and answers each.
async fn enqueue_each(
    app: &App,
    caller: &CallOrigin,
    principal: &Principal,
    read: Vec<Result<NewEvent, Invalid>>,
) -> Result<BatchResponse, ProblemResponse> {
    let mut answers: Vec<Option<Result<Enqueued, Problem>>> = Vec::with_capacity(read.len());
    let mut good = Vec::new();
    for (index, event) in read.into_iter().enumerate() {
        let event = event.map_err(ProblemResponse::from);
        let event = event.and_then(|event| check_enqueue(principal, &event).map(|()| event));
        answers.push(match event {
            Ok(event) => {
                good.push((index, event));
                None
            }
            Err(refused) => Some(Err(refused.into_document())),
        });
    }
    // All conflicts are named at once. Another round finds only those that have come up meanwhile.
    while !good.is_empty() {
        let events = good.iter().map(|(_, event)| event.clone()).collect();
        match enqueue(app, caller, principal, events).await {
            Ok(enqueued) => {
                for ((index, _), enqueued) in good.drain(..).zip(enqueued) {
                    answers[index] = Some(Ok(enqueued));
                }
            }
            Err(failure) => {
                let Some(conflicts) = conflict(&failure) else { return Err(failure.into()) };
                for KeyConflict { event_id, index, .. } in conflicts.iter().rev() {
                    let (place, _) = good.remove(*index);
                    let problem = Problem::idempotency_conflict(*event_id);
                    let pointer = format!("/events/{place}/idempotency_key");
                    let error = FieldError { pointer, detail: problem.detail.clone() };
                    let problem = Problem { errors: vec![error], ..problem };
                    answers[place] = Some(Err(conflict_shown_to(principal, problem)));
                }
            }
        }
    }
    let left_out = || ProblemResponse::internal("the dispatcher left an event out of its answer");
    let answers: Option<Vec<_>> = answers.into_iter().collect();
    Ok(wire::batch(answers.ok_or_else(left_out)?.into_iter()))
}

/// A refused enqueue, with the fields that conflicts are about.
fn refused(principal: &Principal, failure: DispatchError, at: impl Fn(usize) -> String) -> ProblemResponse {
    let conflicts: Vec<_> = conflict(&failure).into_iter().flatten().take(MAX_FIELD_ERRORS).collect();
    let errors: Vec<_> = conflicts
        .into_iter()
        .map(|KeyConflict { event_id, index, .. }| FieldError {
            pointer: format!("{}/idempotency_key", at(*index)),
            detail: Problem::idempotency_conflict(*event_id).detail,
        })
        .collect();
    ProblemResponse::from(failure)
        .with(|document| if errors.is_empty() { document } else { Problem { errors, ..document } })
        .with(|document| conflict_shown_to(principal, document))
}

/// List events, newest first.
#[utoipa::path(get, path = "/v1/events", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))), params(EventFilter, FilterQuery, PageQuery), responses(
    (status = 200, description = "A page of events. It may be short and still have a successor.", body = EventPage),
    ListProblems,
))]
pub(super) async fn list_events(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<EventPage>, ProblemResponse> {
    let (filter, terms, page) = query.read(EventsQuery::read)?;
    check_terms(&principal, &terms)?;
    let filter = EventFilter { within: principal.reach(), ..filter.matching(terms, app.metrics().store_now()) };
    let rows = app.store().events(&filter, &page).await?;
    let rows = veiled(&principal, &page, rows, |record| record.event.event_id);
    Ok(Json(searched(ListKind::Events, &page, rows, |record| wire::event(record).shown_to(&principal))))
}

/// Show one event; with `wait_seconds`, once it has completed, failed or been cancelled, or as it is when the time is over.
#[utoipa::path(get, path = "/v1/events/{event_id}", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event."), WaitQuery),
    responses((status = 200, description = "The event.", body = Event), ReadProblems))]
pub(super) async fn get_event(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    long_wait: Option<Extension<LongWait>>,
    Path(event_id): Path<EventId>,
    query: Query,
) -> Result<Json<Event>, ProblemResponse> {
    let wait = query.read(WaitQuery::read)?;
    check_visible(&app, &principal, event_id).await?;
    let record = event_after(&app, event_id, wait, long_wait).await?;
    // It may have been moved while the caller waited.
    let record = record.filter(|record| principal.admits_lane(&record.lane));
    let Some(record) = record else { return Err(app.no_event(event_id).await) };
    Ok(Json(wire::event(record).shown_to(&principal)))
}

/// Show every attempt of an event, and what people did to it.
#[utoipa::path(get, path = "/v1/events/{event_id}/history", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")),
    responses((status = 200, description = "The history, oldest first.", body = HistoryResponse), ReadProblems))]
pub(super) async fn get_event_history(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
) -> Result<Json<HistoryResponse>, ProblemResponse> {
    check_visible(&app, &principal, event_id).await?;
    let found = app.store().history(event_id).await?;
    let is_empty = found.event.is_none() && found.attempts.is_empty() && found.actions.is_empty();
    if is_empty && app.store().event(event_id).await?.is_none() {
        return Err(app.no_event(event_id).await);
    }
    Ok(Json(history::history(event_id, found).shown_to(&principal)))
}

/// Cancel an event.
///
/// A queued one is cancelled at once. Of one that is being processed, the engine is told at its next heartbeat; if it
/// settles it nevertheless, that counts. With `force` its lock is taken away at once. The body may be left out.
#[utoipa::path(post, path = "/v1/events/{event_id}/cancel", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")), request_body = Option<CancelRequest>,
    responses((status = 200, description = "The event as it is now.", body = Event), ActProblems))]
pub(super) async fn cancel_event(
    State(app): State<App>,
    by: Actor,
    Path(event_id): Path<EventId>,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    let CancelRequest { force } = body.read_or_default(CancelRequest::read)?;
    let action = EventAction::Cancel { force };
    Ok(Json(wire::event(act(&app, &by, event_id, action).await?).shown_to(&by)))
}

/// Make an event that waits for its retry or its time available now.
#[utoipa::path(post, path = "/v1/events/{event_id}/retry", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")),
    responses((status = 200, description = "The event as it is now.", body = Event), ActProblems))]
pub(super) async fn retry_event(
    State(app): State<App>,
    by: Actor,
    Path(event_id): Path<EventId>,
) -> Result<Json<Event>, ProblemResponse> {
    Ok(Json(wire::event(act(&app, &by, event_id, EventAction::Retry).await?).shown_to(&by)))
}

/// Change an event that waits: its payload, priority, queue, requirements, time, labels or policy.
///
/// The body is a JSON merge patch: a field that is absent stays as it is, and one that is null is as if it had been left out
/// at the enqueue. An event that waits for a retry is queued, too. Of any other, the status is answered.
#[utoipa::path(patch, path = "/v1/events/{event_id}", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")), request_body = ChangeRequest,
    responses((status = 200, description = "The event as it is now.", body = Event), ChangeProblems))]
pub(super) async fn change_event(
    State(app): State<App>,
    by: Actor,
    Path(event_id): Path<EventId>,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    let action = EventAction::Change(Box::new(body.read(EventChanges::read)?));
    Ok(Json(wire::event(act(&app, &by, event_id, action).await?).shown_to(&by)))
}

/// Put a failed or cancelled event back in its queue, with fresh budgets of retries and losses, and changed if the body says
/// so. It may be left out.
#[utoipa::path(post, path = "/v1/events/{event_id}/redrive", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")), request_body = Option<ChangeRequest>,
    responses((status = 200, description = "The event as it is now.", body = Event), ChangeProblems))]
pub(super) async fn redrive_event(
    State(app): State<App>,
    by: Actor,
    Path(event_id): Path<EventId>,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    let changes = Box::new(body.read_or_default(EventChanges::read)?);
    let action = EventAction::Redrive { changes, dead_letter: false };
    Ok(Json(wire::event(act(&app, &by, event_id, action).await?).shown_to(&by)))
}
