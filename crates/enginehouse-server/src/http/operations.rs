//! Operations: preview, create, watch, cancel.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enginehouse_api::operations::{
    BulkOperation, BulkOperationPage, OperationPreview, OperationRequest, OperationSample, UnchangedItem,
    UnchangedItemPage,
};
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::ids::OperationId;
use enginehouse_core::invalid::Invalid;
use enginehouse_core::operation::{
    MemberKind, OperationAction, OperationPlan, OperationRecord, OperationStatus, UnchangedMember,
};
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::ResultPage;
use http::{StatusCode, header};

use super::app::App;
use super::filtering::check_terms;
use super::json::{Json, JsonBody};
use super::params::{Path, Query, listed};
use super::problem::{ListProblems, ProblemResponse, ReadProblems, TokenProblems, WriteProblems};
use crate::dispatcher::actor::Actor;
use crate::dispatcher::operations::{CancelOperation, CreateOperation, plan_of};
use crate::dispatcher::reply::Refusal;
use crate::operations::search::MemberSearch;

/// Up to how many members a preview counts.
const MAX_COUNTED: u64 = 10_000;
/// How many searches it makes at most, each of which looks at a bounded number of rows.
const MAX_SEARCHES: u32 = 50;
/// How many members one search finds.
const SEARCHED_AT_ONCE: u32 = 1_000;
/// How many members a preview shows.
const SAMPLES: usize = 10;
/// How many members that were not changed an operation shows.
const LAST_CONFLICTS: u32 = 10;

/// Say what an operation would be about at this moment: how many, and the first of them in its order. Nothing is changed.
#[utoipa::path(post, path = "/v1/operations/preview", tag = "operations", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name(), Permission::EnginesControl.name()], "selectors": true }))), request_body = OperationRequest,
    responses((status = 200, description = "What it would be about.", body = OperationPreview), WriteProblems))]
pub(super) async fn preview_operation(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Json<OperationPreview>, ProblemResponse> {
    let (action, plan, search) = wanted(&app, &by, body).await?;
    let most = plan.limit.unwrap_or(u64::MAX).min(MAX_COUNTED);
    let (mut count, mut place, mut samples, mut is_whole) = (0, None, Vec::new(), false);
    for _ in 0..MAX_SEARCHES {
        let limit = u32::try_from(most - count).unwrap_or(u32::MAX).min(SEARCHED_AT_ONCE);
        let ResultPage { items, next } = search.page(app.store(), place.as_deref(), limit).await?;
        count += items.len() as u64;
        let room = SAMPLES.saturating_sub(samples.len());
        for id in items.into_iter().take(room) {
            samples.extend(sample(&app, action, id).await?);
        }
        place = next;
        is_whole = place.is_none();
        if is_whole || count >= most {
            break;
        }
    }
    // A limit that is reached says how many.
    let count_is_exact = is_whole || plan.limit == Some(count);
    let effect = action.effect_on(count);
    let effect = if count_is_exact { effect } else { format!("{effect} or more") };
    Ok(Json(OperationPreview { action, effect, count, count_is_exact, samples }))
}

/// Create an operation, which goes on by itself from then on.
///
/// All that match are written down, a page at a time, and then have their turns in the order in which they were found: events newest
/// first, dead letters oldest first, engines by id. Those that come to match later are left alone. One that has moved on when it is
/// its turn is a conflict: it stays as it is, is counted, and is listed with why. The operation goes on across restarts and on any
/// server, with the selectors that the token had; when that is revoked, it ends.
#[utoipa::path(post, path = "/v1/operations", tag = "operations", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name(), Permission::EnginesControl.name()], "selectors": true }))), request_body = OperationRequest,
    responses((status = 201, description = "The operation. `Location` is where it is watched.", body = BulkOperation,
        headers(("Location" = String, description = "Where the operation is."))), WriteProblems))]
pub(super) async fn create_operation(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Response, ProblemResponse> {
    let (action, plan, _) = wanted(&app, &by, body).await?;
    created(&app, &by, action, plan).await
}

/// Creates an operation that the caller may ask for.
pub(super) async fn created(
    app: &App,
    by: &Actor,
    action: OperationAction,
    plan: OperationPlan,
) -> Result<Response, ProblemResponse> {
    let operation = app.dispatcher().execute_for(by, CreateOperation { action, plan }).await?;
    app.operations_signal().notify();
    let location = format!("/v1/operations/{}", operation.operation_id);
    let answer = shown(&operation, Some(Vec::new()), app.metrics().store_now());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// List operations, newest first: those that go on, and those that have ended within the last 30 days. A token with selectors is
/// shown its own.
#[utoipa::path(get, path = "/v1/operations", tag = "operations", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name(), Permission::EnginesRead.name()], "selectors": true }))),
    params(PageQuery),
    responses((status = 200, description = "A page of operations. It may be short and still have a successor.", body = BulkOperationPage), ListProblems))]
pub(super) async fn list_operations(
    State(app): State<App>,
    by: Actor,
    query: Query,
) -> Result<Json<BulkOperationPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::Operations))?;
    let mut rows = app.store().operations(&page).await?;
    rows.items.retain(|operation| may_see(&by, operation));
    let now = app.metrics().store_now();
    Ok(Json(listed(ListKind::Operations, rows, |operation| shown(&operation, None, now))))
}

/// Show one operation, as far as it is, with the last of its members that were not changed.
#[utoipa::path(get, path = "/v1/operations/{operation_id}", tag = "operations", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name(), Permission::EnginesRead.name()], "selectors": true }))),
    params(("operation_id" = OperationId, Path, description = "The operation.")),
    responses((status = 200, description = "The operation.", body = BulkOperation), ReadProblems))]
pub(super) async fn get_operation(
    State(app): State<App>,
    by: Actor,
    Path(operation_id): Path<OperationId>,
) -> Result<Json<BulkOperation>, ProblemResponse> {
    let operation = visible(&app, &by, operation_id).await?;
    Ok(Json(with_conflicts(&app, &operation).await?))
}

/// List the members of an operation that had their turn and were not changed, in its order, each with why.
#[utoipa::path(get, path = "/v1/operations/{operation_id}/conflicts", tag = "operations", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name(), Permission::EnginesRead.name()], "selectors": true }))),
    params(("operation_id" = OperationId, Path, description = "The operation."), PageQuery),
    responses((status = 200, description = "A page of members.", body = UnchangedItemPage), ReadProblems))]
pub(super) async fn list_operation_conflicts(
    State(app): State<App>,
    by: Actor,
    Path(operation_id): Path<OperationId>,
    query: Query,
) -> Result<Json<UnchangedItemPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::UnchangedMembers))?;
    let operation = visible(&app, &by, operation_id).await?;
    let after = page.after.and_then(|after| after.parse().ok()).unwrap_or(0);
    // One more than asked for tells whether more follow.
    let places = (after, operation.done_to);
    let mut items = app.store().unchanged_operation_members(operation_id, places, page.limit + 1).await?;
    let has_more = items.len() > page.limit as usize;
    items.truncate(page.limit as usize);
    let next = items.last().filter(|_| has_more).map(|member| member.place.to_string());
    Ok(Json(listed(ListKind::UnchangedMembers, ResultPage { items, next }, unchanged_item)))
}

/// Cancel an operation: no further member has its turn. What was done stays done. One that has ended stays as it is.
#[utoipa::path(post, path = "/v1/operations/{operation_id}/cancel", tag = "operations", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name(), Permission::EnginesControl.name()], "selectors": true }))),
    params(("operation_id" = OperationId, Path, description = "The operation.")),
    responses((status = 200, description = "The operation as it is now.", body = BulkOperation), TokenProblems))]
pub(super) async fn cancel_operation(
    State(app): State<App>,
    by: Actor,
    Path(operation_id): Path<OperationId>,
) -> Result<Json<BulkOperation>, ProblemResponse> {
    let operation = visible(&app, &by, operation_id).await?;
    check_permission(&by, operation.action)?;
    let operation = app.dispatcher().execute_for(&by, CancelOperation(operation_id)).await?;
    Ok(Json(with_conflicts(&app, &operation).await?))
}

/// What a caller asks for, if they may; and the search for what it is about at this moment.
async fn wanted(
    app: &App,
    by: &Principal,
    body: JsonBody,
) -> Result<(OperationAction, OperationPlan, MemberSearch), ProblemResponse> {
    let now = app.metrics().store_now();
    let (action, plan) = body.read(|value| OperationRequest::read(value, now))?;
    check_permission(by, action)?;
    let plan = OperationPlan { within: (*by.reach()).clone(), ..plan };
    // A look at what is due brings the store's time.
    app.dispatcher().sweep().await?;
    let search = MemberSearch::new(action, &plan, app.metrics().last_commit_at());
    let search = search.map_err(|error| Invalid::field("/filter", error.to_string()))?;
    check_terms(by, search.terms())?;
    Ok((action, plan, search))
}

fn check_permission(by: &Principal, action: OperationAction) -> Result<(), ProblemResponse> {
    let needed = action.permission();
    if by.may(needed) {
        return Ok(());
    }
    Err(Problem::forbidden(needed.name(), Some(format!("the action {}", action.name()))).into())
}

/// A token with selectors sees what it has created itself: of another operation, it does not know what that is about.
fn may_see(by: &Principal, operation: &OperationRecord) -> bool {
    by.selectors().is_none() || by.to_string() == operation.created_by
}

async fn visible(app: &App, by: &Principal, operation_id: OperationId) -> Result<OperationRecord, ProblemResponse> {
    let found = app.store().operation(operation_id).await?.filter(|operation| may_see(by, operation));
    found.ok_or_else(|| Refusal::NoSuchOperation(operation_id).into())
}

async fn with_conflicts(app: &App, operation: &OperationRecord) -> Result<BulkOperation, ProblemResponse> {
    let (id, done_to) = (operation.operation_id, operation.done_to);
    let unchanged = app.store().last_unchanged_operation_members(id, done_to, LAST_CONFLICTS).await?;
    let unchanged = unchanged.into_iter().map(unchanged_item).collect();
    Ok(shown(operation, Some(unchanged), app.metrics().store_now()))
}

fn unchanged_item(member: UnchangedMember) -> UnchangedItem {
    let UnchangedMember { target, outcome, why, .. } = member;
    UnchangedItem { id: target, outcome, why }
}

/// An operation in the words of the wire. One whose plan cannot be read, because somebody else has written it, shows none.
fn shown(operation: &OperationRecord, last_conflicts: Option<Vec<UnchangedItem>>, now: Timestamp) -> BulkOperation {
    let plan = plan_of(operation).unwrap_or_default();
    BulkOperation {
        operation_id: operation.operation_id,
        action: operation.action,
        status: operation.status,
        filter: plan.filter,
        limit: plan.limit,
        rate_per_second: plan.rate_per_second,
        reason: plan.reason,
        force: plan.force,
        stop_when_drained: plan.stop_when_drained,
        until: plan.until,
        event_types: plan.event_types,
        total: operation.total,
        changed: operation.changed,
        conflicts: operation.conflicts,
        failed: operation.failed,
        remaining: operation.remaining(),
        created_at: operation.created_at,
        created_by: operation.created_by.clone(),
        started_at: operation.started_at,
        finished_at: operation.finished_at,
        estimated_end_at: estimated_end(operation, now),
        failure: operation.failure.clone(),
        last_conflicts,
    }
}

/// When it will have ended if its members go on to have their turns as they had.
fn estimated_end(operation: &OperationRecord, now: Timestamp) -> Option<Timestamp> {
    let done = operation.total.saturating_sub(operation.remaining());
    let since = operation.started_at.filter(|_| operation.status == OperationStatus::Running && done > 0)?;
    let left = now.since(since).as_secs_f64() * operation.remaining() as f64 / done as f64;
    std::time::Duration::try_from_secs_f64(left).ok().map(|left| now + left)
}

/// What a member is at this moment; nothing if it is gone.
async fn sample(app: &App, action: OperationAction, id: String) -> Result<Option<OperationSample>, ProblemResponse> {
    if action.member_kind() == MemberKind::Engine {
        let Ok(engine_id) = id.parse() else { return Ok(None) };
        let found = app.store().engine(&engine_id).await?;
        return Ok(found.map(|(engine, _)| OperationSample {
            id,
            kind: engine.engine_type.to_string(),
            queue: None,
            status: engine.status.name().to_owned(),
        }));
    }
    let Ok(event_id) = id.parse() else { return Ok(None) };
    let found = app.store().event(event_id).await?;
    Ok(found.map(|record| OperationSample {
        id,
        kind: record.lane.event_type.to_string(),
        queue: Some(record.lane.queue.to_string()),
        status: record.event.state.status.name().to_owned(),
    }))
}
