//! Settling: an engine ends its attempt, or keeps it going.

use axum::extract::{Extension, State};
use enginehouse_api::events::{Event, EventLock};
use enginehouse_api::problem::{Code, Problem};
use enginehouse_api::settle::{
    CompleteRequest, ExtendRequest, FailRequest, ReleaseRequest, SettleRequest, SettleResponse,
};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::ids::EventId;
use enginehouse_core::report::AttemptReport;
use enginehouse_core::request::SettleCommand;
use enginehouse_core::transition::EventCommand;

use super::app::App;
use super::json::{Json, JsonBody, LargeJsonBody};
use super::params::Path;
use super::problem::{ProblemResponse, SettleManyProblems, SettleProblems};
use super::session::SessionHeader;
use super::wire;

/// Report that an event is done.
///
/// A repeat with the same token answers the same.
#[utoipa::path(post, path = "/v1/events/{event_id}/complete", tag = "settling", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name(), Permission::AttemptsSettle.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the registration of the lock's engine answered. Without access tokens it may be left out.")), request_body = CompleteRequest,
    responses((status = 200, description = "The event as it is now.", body = Event), SettleProblems))]
pub(super) async fn complete_event(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    settle(&app, &principal, session, event_id, body.read(CompleteRequest::read)?).await
}

/// Report that an attempt failed.
///
/// By the retry policy the event waits for another attempt, or has finally failed. A repeat with the same token answers
/// the same.
#[utoipa::path(post, path = "/v1/events/{event_id}/fail", tag = "settling", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name(), Permission::AttemptsSettle.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the registration of the lock's engine answered. Without access tokens it may be left out.")), request_body = FailRequest,
    responses((status = 200, description = "The event as it is now.", body = Event), SettleProblems))]
pub(super) async fn fail_event(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    settle(&app, &principal, session, event_id, body.read(FailRequest::read)?).await
}

/// Give an event back, as if it had not been claimed.
#[utoipa::path(post, path = "/v1/events/{event_id}/release", tag = "settling", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name(), Permission::AttemptsSettle.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the registration of the lock's engine answered. Without access tokens it may be left out.")), request_body = ReleaseRequest,
    responses((status = 200, description = "The event as it is now.", body = Event), SettleProblems))]
pub(super) async fn release_event(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    settle(&app, &principal, session, event_id, body.read(ReleaseRequest::read)?).await
}

/// Keep a lock for so long from now.
#[utoipa::path(post, path = "/v1/events/{event_id}/extend", tag = "settling", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name(), Permission::AttemptsSettle.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the registration of the lock's engine answered. Without access tokens it may be left out.")), request_body = ExtendRequest,
    responses((status = 200, description = "The event as it is now.", body = Event), SettleProblems))]
pub(super) async fn extend_lock(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Json<Event>, ProblemResponse> {
    settle(&app, &principal, session, event_id, body.read(ExtendRequest::read)?).await
}

/// Settle many events, each with its own answer.
///
/// A settlement with a bad field is refused by itself.
#[utoipa::path(post, path = "/v1/events/settle", tag = "settling", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name()], "selectors": true }))),
    params(("Enginehouse-Session" = Option<String>, Header, description = "The session token that the registration of the locks' engine answered. Without access tokens it may be left out.")), request_body = SettleRequest,
    responses((status = 200, description = "One result for each settlement, in their order.", body = SettleResponse),
    SettleManyProblems))]
pub(super) async fn settle_events(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    session: SessionHeader,
    body: LargeJsonBody,
) -> Result<Json<SettleResponse>, ProblemResponse> {
    let settlements = body.read(SettleRequest::read).await?;
    let (commands, results) = wire::settlements(settlements, &principal, session);
    let answers = app.dispatcher().settle(commands).await?;
    Ok(Json(SettleResponse { results: results.with(answers) }))
}

async fn settle(
    app: &App,
    principal: &Principal,
    session: SessionHeader,
    event_id: EventId,
    (command, report): (EventCommand, AttemptReport),
) -> Result<Json<Event>, ProblemResponse> {
    if let Principal::Command(grant) = principal
        && command.token() != Some(grant.lock)
    {
        let on = "a lock that is not that of its attempt".to_owned();
        return Err(Problem::forbidden(Permission::AttemptsSettle, Some(on)).about(event_id).into());
    }
    let (within, settler) = (principal.selectors().cloned(), session.settler(principal));
    let answer =
        app.dispatcher().settle(vec![SettleCommand { event_id, command, report, within, settler }]).await?.pop();
    let unanswered = || ProblemResponse::internal("the dispatcher left a settlement out of its answer");
    let settled = answer.ok_or_else(unanswered)??;
    let Some(payload) = settled.payload else {
        let why = "the settlement was stored, but the payload of its answer".to_owned();
        let detail = format!("{why}, row {event_id} of table event_payloads, cannot be read");
        return Err(Problem::new(Code::Unreadable, detail).into());
    };
    let lock = settled.event.state.lock.as_ref().map(EventLock::public);
    Ok(Json(wire::event_parts(settled.event, &settled.lane, payload, lock)))
}
