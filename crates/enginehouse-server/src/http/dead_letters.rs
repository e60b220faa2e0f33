//! Dead letters: look, redrive, discard.

use axum::extract::{Extension, State};
use enginehouse_api::changes::ChangeRequest;
use enginehouse_api::dead_letters::{
    BulkDiscardRequest, BulkDiscardResponse, BulkLimit, BulkRedriveRequest, BulkRedriveResponse, DeadLetter,
    DeadLetterPage, DeadLetterPreview, DeadLetterPreviewQuery, DeadLetterSummary, DeadLettersQuery, DiscardRequest,
};
use enginehouse_api::events::Event;
use enginehouse_api::filter::FilterQuery;
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::event_changes::EventChanges;
use enginehouse_core::filter::DeadLetterFilter;
use enginehouse_core::ids::EventId;

use super::app::App;
use super::bulk;
use super::filtering::check_terms;
use super::hiding::Hide;
use super::json::{Json, JsonBody};
use super::params::{Path, Query, searched};
use super::problem::{ActProblems, ChangeProblems, ListProblems, ProblemResponse, ReadProblems, WriteProblems};
use super::selected::{act, check_visible, veiled};
use super::wire;
use crate::dispatcher::actor::Actor;
use crate::dispatcher::event_actions::EventAction;

/// How many dead letters a preview shows.
const PREVIEWED: u32 = 10;

/// List dead letters, newest event first.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))), params(DeadLetterFilter, FilterQuery, PageQuery),
    responses((status = 200, description = "A page of dead letters. It may be short and still have a successor.",
        body = DeadLetterPage), ListProblems))]
pub(super) async fn list_dead_letters(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<DeadLetterPage>, ProblemResponse> {
    let (filter, terms, page) = query.read(DeadLettersQuery::read)?;
    check_terms(&principal, &terms)?;
    let filter = DeadLetterFilter { within: principal.reach(), ..filter };
    let search = filter.matching(terms, app.metrics().store_now());
    let rows = app.store().dead_letters(&search, &page).await?;
    let rows = veiled(&principal, &page, rows, |row| row.record.event.event_id);
    Ok(Json(searched(ListKind::DeadLetters, &page, rows, |row| wire::dead_letter(row).shown_to(&principal))))
}

/// Group dead letters by event type and error, the largest group first; at most 1,000 groups.
#[utoipa::path(get, path = "/v1/dead-letters/summary", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))),
    responses((status = 200, description = "The groups.", body = DeadLetterSummary), ListProblems))]
pub(super) async fn summarize_dead_letters(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<DeadLetterSummary>, ProblemResponse> {
    let groups = app.store().dead_letter_groups(&principal.reach()).await?;
    Ok(Json(DeadLetterSummary { groups: wire::dead_letter_groups(groups) }))
}

/// Show what a bulk redrive or discard would touch, in its order. Nothing is changed.
#[utoipa::path(get, path = "/v1/dead-letters/preview", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))), params(DeadLetterFilter, BulkLimit),
    responses((status = 200, description = "How many, and the first of them.", body = DeadLetterPreview),
    ListProblems))]
pub(super) async fn preview_dead_letters(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<DeadLetterPreview>, ProblemResponse> {
    let DeadLetterPreviewQuery { filter, part } = query.read(DeadLetterPreviewQuery::read)?;
    let (filter, dead_lettered_before) = bulk::until_now(&app, &principal, filter).await?;
    let limit = part.limit.unwrap_or(u64::MAX);
    let preview = app.store().preview_dead_letters(&filter, limit, PREVIEWED).await?;
    let first = preview.first.into_iter().map(|row| wire::dead_letter(row).shown_to(&principal)).collect();
    Ok(Json(DeadLetterPreview { count: preview.count, first, dead_lettered_before }))
}

/// Show one dead letter.
#[utoipa::path(get, path = "/v1/dead-letters/{event_id}", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")),
    responses((status = 200, description = "The dead letter.", body = DeadLetter), ReadProblems))]
pub(super) async fn get_dead_letter(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
) -> Result<Json<DeadLetter>, ProblemResponse> {
    check_visible(&app, &principal, event_id).await?;
    if let Some(row) = app.store().dead_letter(event_id).await? {
        return Ok(Json(wire::dead_letter(row).shown_to(&principal)));
    }
    let Some(record) = app.store().event(event_id).await? else { return Err(app.no_event(event_id).await) };
    let detail = format!("event {event_id} is no dead letter: it is {}", record.event.state.status);
    Err(Problem { detail, ..Problem::not_found("dead letter").about(event_id) }.into())
}

/// Put a dead letter back in its queue, with a fresh retry budget, and changed if the body says so. It may be left out.
#[utoipa::path(post, path = "/v1/dead-letters/{event_id}/redrive", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")), request_body = Option<ChangeRequest>,
    responses((status = 200, description = "The event as it is now.", body = Event), ChangeProblems))]
pub(super) async fn redrive_dead_letter(
    State(app): State<App>,
    by: Actor,
    Path(event_id): Path<EventId>,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    let changes = Box::new(body.read_or_default(EventChanges::read)?);
    let action = EventAction::Redrive { changes, dead_letter: true };
    Ok(Json(wire::event(act(&app, &by, event_id, action).await?).shown_to(&by)))
}

/// Put all dead letters that match back in their queues, at a given rate.
///
/// Those that come to be while it runs are left alone. It goes on if the caller hangs up.
#[utoipa::path(post, path = "/v1/dead-letters/redrive", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))), request_body = BulkRedriveRequest,
    responses((status = 200, description = "All that matched are back.", body = BulkRedriveResponse), WriteProblems))]
pub(super) async fn redrive_dead_letters(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Json<BulkRedriveResponse>, ProblemResponse> {
    let redriven = bulk::redrive(app, by, body.read(BulkRedriveRequest::read)?).await?;
    Ok(Json(BulkRedriveResponse { redriven }))
}

/// Give up on a dead letter. The event stays failed. The body may be left out.
#[utoipa::path(delete, path = "/v1/dead-letters/{event_id}", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event.")), request_body = Option<DiscardRequest>,
    responses((status = 200, description = "The event as it is now.", body = Event), ActProblems))]
pub(super) async fn discard_dead_letter(
    State(app): State<App>,
    by: Actor,
    Path(event_id): Path<EventId>,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    let DiscardRequest { reason } = body.read_or_default(DiscardRequest::read)?;
    Ok(Json(wire::event(act(&app, &by, event_id, EventAction::Discard { reason }).await?).shown_to(&by)))
}

/// Give up on all dead letters that match. The events stay failed.
///
/// Those that come to be while it runs are left alone. It goes on if the caller hangs up.
#[utoipa::path(post, path = "/v1/dead-letters/discard", tag = "dead letters", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": true }))), request_body = BulkDiscardRequest,
    responses((status = 200, description = "All that matched are resolved.", body = BulkDiscardResponse),
    WriteProblems))]
pub(super) async fn discard_dead_letters(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Json<BulkDiscardResponse>, ProblemResponse> {
    let discarded = bulk::discard(app, by, body.read(BulkDiscardRequest::read)?).await?;
    Ok(Json(BulkDiscardResponse { discarded }))
}
