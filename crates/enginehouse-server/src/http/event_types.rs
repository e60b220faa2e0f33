//! Event types: what each sets for its events.

use axum::extract::{Extension, State};
use enginehouse_api::event_types::{
    DurationFigures, EventTypeDurations, EventTypeSettings, EventTypeSettingsPage, PauseRequest, Settings,
    VersionDurations,
};
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::durations::DurationSummary;
use enginehouse_core::ids::EventType;
use enginehouse_store::rows::SettingsRow;
use http::StatusCode;

use super::app::App;
use super::json::{Json, JsonBody};
use super::params::{Path, Query, listed};
use super::problem::{ListProblems, ProblemResponse, ReadProblems, WriteProblems};
use super::settings::{check_event_type, known_event_types, page_of};
use crate::dispatcher::actor::Actor;
use crate::dispatcher::durations::{EngineVersion, SeenOfType, SeenPair};
use crate::dispatcher::settings::{ChangeEventType, SettingsChange};

/// List the event types that have settings or events, by name.
#[utoipa::path(get, path = "/v1/event-types", tag = "event types", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsRead.name()], "selectors": true }))), params(PageQuery),
    responses((status = 200, description = "A page of event types.", body = EventTypeSettingsPage), ListProblems))]
pub(super) async fn list_event_types(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<EventTypeSettingsPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::EventTypes))?;
    let known = known_event_types(&app, &principal.reach()).await?;
    let page = page_of(known, &page, EventType::as_str);
    Ok(Json(listed(ListKind::EventTypes, page, |(event_type, row)| wire(event_type, row, None))))
}

/// Show what an event type sets, and how long its events waited and took.
#[utoipa::path(get, path = "/v1/event-types/{event_type}", tag = "event types", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsRead.name()], "selectors": true }))),
    params(("event_type" = EventType, Path, description = "The event type.")),
    responses((status = 200, description = "What it sets, and the durations seen.", body = EventTypeSettings), ReadProblems))]
pub(super) async fn get_event_type(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_type): Path<EventType>,
) -> Result<Json<EventTypeSettings>, ProblemResponse> {
    let settings = known_event_types(&app, &principal.reach()).await?.remove(&event_type);
    let settings = settings.ok_or_else(|| Problem::not_found(format_args!("event type {event_type}")))?;
    // They are of all its events, whatever their queue.
    let seen = if principal.reach().queues.is_empty() {
        durations(app.dispatcher().durations().read(app.store(), &event_type).await?)
    } else {
        None
    };
    Ok(Json(wire(event_type, settings, seen)))
}

/// Nothing, if no event of the type was claimed.
fn durations(seen: SeenOfType) -> Option<EventTypeDurations> {
    if seen.by_version.is_empty() {
        return None;
    }
    let figures = |summary: Option<DurationSummary>| summary.map(DurationFigures::from);
    let of_version = |(engine_version, pair): (EngineVersion, SeenPair)| VersionDurations {
        engine_version: engine_version.as_deref().map(str::to_owned),
        waiting: figures(pair.waiting()),
        processing: figures(pair.processing()),
    };
    Some(EventTypeDurations {
        waiting: figures(seen.all.waiting()),
        processing: figures(seen.all.processing()),
        by_version: seen.by_version.into_iter().map(of_version).collect(),
    })
}

/// Replace what an event type sets.
#[utoipa::path(put, path = "/v1/event-types/{event_type}", tag = "event types", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsWrite.name()], "selectors": true }))),
    params(("event_type" = EventType, Path, description = "The event type.")), request_body = Settings,
    responses((status = 200, description = "What it sets now.", body = EventTypeSettings), WriteProblems))]
pub(super) async fn set_event_type(
    State(app): State<App>,
    by: Actor,
    Path(event_type): Path<EventType>,
    body: JsonBody,
) -> Result<Json<EventTypeSettings>, ProblemResponse> {
    let settings = body.read(Settings::read)?;
    change(&app, &by, event_type, SettingsChange::Replace(settings)).await
}

/// Forget what an event type sets: what its queue sets holds again, or the defaults.
#[utoipa::path(delete, path = "/v1/event-types/{event_type}", tag = "event types", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsWrite.name()], "selectors": true }))),
    params(("event_type" = EventType, Path, description = "The event type.")),
    responses((status = 204, description = "It sets nothing now."), WriteProblems))]
pub(super) async fn delete_event_type(
    State(app): State<App>,
    by: Actor,
    Path(event_type): Path<EventType>,
) -> Result<StatusCode, ProblemResponse> {
    change(&app, &by, event_type, SettingsChange::Delete).await.map(|_| StatusCode::NO_CONTENT)
}

/// Keep the events of a type from being claimed. The body may be left out.
///
/// What is paused already goes on since then, with another reason if one is given.
#[utoipa::path(post, path = "/v1/event-types/{event_type}/pause", tag = "event types", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsPause.name()], "selectors": true }))),
    params(("event_type" = EventType, Path, description = "The event type.")), request_body = Option<PauseRequest>,
    responses((status = 200, description = "What it sets now.", body = EventTypeSettings), WriteProblems))]
pub(super) async fn pause_event_type(
    State(app): State<App>,
    by: Actor,
    Path(event_type): Path<EventType>,
    body: JsonBody,
) -> Result<Json<EventTypeSettings>, ProblemResponse> {
    let PauseRequest { reason } = body.read_or_default(PauseRequest::read)?;
    change(&app, &by, event_type, SettingsChange::Pause { reason }).await
}

/// Let the events of a type be claimed again.
#[utoipa::path(post, path = "/v1/event-types/{event_type}/resume", tag = "event types", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsPause.name()], "selectors": true }))),
    params(("event_type" = EventType, Path, description = "The event type.")),
    responses((status = 200, description = "What it sets now.", body = EventTypeSettings), WriteProblems))]
pub(super) async fn resume_event_type(
    State(app): State<App>,
    by: Actor,
    Path(event_type): Path<EventType>,
) -> Result<Json<EventTypeSettings>, ProblemResponse> {
    change(&app, &by, event_type, SettingsChange::Resume).await
}

async fn change(
    app: &App,
    by: &Actor,
    event_type: EventType,
    change: SettingsChange,
) -> Result<Json<EventTypeSettings>, ProblemResponse> {
    check_event_type(by, &event_type, &change)?;
    let settings = app.dispatcher().execute_for(by, ChangeEventType { event_type: event_type.clone(), change }).await?;
    Ok(Json(wire(event_type, settings, None)))
}

fn wire(event_type: EventType, row: SettingsRow, durations: Option<EventTypeDurations>) -> EventTypeSettings {
    EventTypeSettings { event_type, settings: row.settings, pause: row.pause.into(), durations }
}
