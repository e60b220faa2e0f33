//! Queues: what each sets for its events.

use axum::extract::{Extension, State};
use enginehouse_api::event_types::{PauseRequest, QueueSettings, QueueSettingsPage, Settings};
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::ids::QueueName;
use enginehouse_store::rows::SettingsRow;
use http::StatusCode;

use super::app::App;
use super::json::{Json, JsonBody};
use super::params::{Path, Query, listed};
use super::problem::{ListProblems, ProblemResponse, ReadProblems, WriteProblems};
use super::settings::{check_queue, known_queues, page_of};
use crate::dispatcher::actor::Actor;
use crate::dispatcher::settings::{ChangeQueue, SettingsChange};

/// List the queues that have settings or events, by name.
#[utoipa::path(get, path = "/v1/queues", tag = "queues", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsRead.name()], "selectors": true }))), params(PageQuery),
    responses((status = 200, description = "A page of queues.", body = QueueSettingsPage), ListProblems))]
pub(super) async fn list_queues(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<QueueSettingsPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::Queues))?;
    let known = known_queues(&app, &principal.reach()).await?;
    Ok(Json(listed(ListKind::Queues, page_of(known, &page, QueueName::as_str), |(queue, row)| wire(queue, row))))
}

/// Show what a queue sets.
#[utoipa::path(get, path = "/v1/queues/{queue}", tag = "queues", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsRead.name()], "selectors": true }))),
    params(("queue" = QueueName, Path, description = "The queue.")),
    responses((status = 200, description = "What it sets.", body = QueueSettings), ReadProblems))]
pub(super) async fn get_queue(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(queue): Path<QueueName>,
) -> Result<Json<QueueSettings>, ProblemResponse> {
    let settings = known_queues(&app, &principal.reach()).await?.remove(&queue);
    let settings = settings.ok_or_else(|| Problem::not_found(format_args!("queue {queue}")))?;
    Ok(Json(wire(queue, settings)))
}

/// Replace what a queue sets.
#[utoipa::path(put, path = "/v1/queues/{queue}", tag = "queues", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsWrite.name()], "selectors": true }))),
    params(("queue" = QueueName, Path, description = "The queue.")), request_body = Settings,
    responses((status = 200, description = "What it sets now.", body = QueueSettings), WriteProblems))]
pub(super) async fn set_queue(
    State(app): State<App>,
    by: Actor,
    Path(queue): Path<QueueName>,
    body: JsonBody,
) -> Result<Json<QueueSettings>, ProblemResponse> {
    let settings = body.read(Settings::read)?;
    change(&app, &by, queue, SettingsChange::Replace(settings)).await
}

/// Forget what a queue sets: the defaults hold again.
#[utoipa::path(delete, path = "/v1/queues/{queue}", tag = "queues", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsWrite.name()], "selectors": true }))),
    params(("queue" = QueueName, Path, description = "The queue.")),
    responses((status = 204, description = "It sets nothing now."), WriteProblems))]
pub(super) async fn delete_queue(
    State(app): State<App>,
    by: Actor,
    Path(queue): Path<QueueName>,
) -> Result<StatusCode, ProblemResponse> {
    change(&app, &by, queue, SettingsChange::Delete).await.map(|_| StatusCode::NO_CONTENT)
}

/// Keep the events of a queue from being claimed. The body may be left out.
///
/// What is paused already goes on since then, with another reason if one is given.
#[utoipa::path(post, path = "/v1/queues/{queue}/pause", tag = "queues", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsPause.name()], "selectors": true }))),
    params(("queue" = QueueName, Path, description = "The queue.")), request_body = Option<PauseRequest>,
    responses((status = 200, description = "What it sets now.", body = QueueSettings), WriteProblems))]
pub(super) async fn pause_queue(
    State(app): State<App>,
    by: Actor,
    Path(queue): Path<QueueName>,
    body: JsonBody,
) -> Result<Json<QueueSettings>, ProblemResponse> {
    let PauseRequest { reason } = body.read_or_default(PauseRequest::read)?;
    change(&app, &by, queue, SettingsChange::Pause { reason }).await
}

/// Let the events of a queue be claimed again.
#[utoipa::path(post, path = "/v1/queues/{queue}/resume", tag = "queues", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsPause.name()], "selectors": true }))),
    params(("queue" = QueueName, Path, description = "The queue.")),
    responses((status = 200, description = "What it sets now.", body = QueueSettings), WriteProblems))]
pub(super) async fn resume_queue(
    State(app): State<App>,
    by: Actor,
    Path(queue): Path<QueueName>,
) -> Result<Json<QueueSettings>, ProblemResponse> {
    change(&app, &by, queue, SettingsChange::Resume).await
}

async fn change(
    app: &App,
    by: &Actor,
    queue: QueueName,
    change: SettingsChange,
) -> Result<Json<QueueSettings>, ProblemResponse> {
    check_queue(by, &queue, &change)?;
    let settings = app.dispatcher().execute_for(by, ChangeQueue { queue: queue.clone(), change }).await?;
    Ok(Json(wire(queue, settings)))
}

fn wire(queue: QueueName, row: SettingsRow) -> QueueSettings {
    QueueSettings { queue, settings: row.settings, pause: row.pause.into() }
}
