//! Scenario runs: groups of events, and the engines on them.

use axum::extract::State;
use axum::response::Response;
use enginehouse_api::event_types::PauseRequest;
use enginehouse_api::operations::BulkOperation;
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_api::scenario_runs::{RunCancelRequest, ScenarioRun, ScenarioRunPage};
use enginehouse_core::access::role::Permission;
use enginehouse_core::ids::{EngineId, ScenarioRunId};
use enginehouse_core::operation::{OperationAction, OperationPlan};
use enginehouse_core::pause::Pause;
use enginehouse_store::rows::ScenarioRunCounts;

use super::app::App;
use super::json::{Json, JsonBody};
use super::params::{Path, Query, listed};
use super::problem::{ListProblems, ProblemResponse, ReadProblems, RunProblems};
use super::{operations, wire};
use crate::dispatcher::actor::Actor;
use crate::dispatcher::reply::{DispatchError, Refusal};
use crate::dispatcher::run_pauses::{PauseRun, ResumeRun};

/// List scenario runs by id, each with its counts.
#[utoipa::path(get, path = "/v1/scenario-runs", tag = "scenario runs", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": false }))), params(PageQuery),
    responses((status = 200, description = "A page of scenario runs.", body = ScenarioRunPage), ListProblems))]
pub(super) async fn list_scenario_runs(
    State(app): State<App>,
    query: Query,
) -> Result<Json<ScenarioRunPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::ScenarioRuns))?;
    let runs = app.store().scenario_runs(&page).await?;
    let pauses = app.store().settings().await?.pauses.scenario_runs;
    let now = app.metrics().store_now();
    Ok(Json(listed(ListKind::ScenarioRuns, runs, |run| {
        let pause = pauses.get(&run.scenario_run_id);
        wire::scenario_run(run, pause, None, now)
    })))
}

/// Show one scenario run, with the engines that hold locks on its events.
#[utoipa::path(get, path = "/v1/scenario-runs/{scenario_run_id}", tag = "scenario runs", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": false }))),
    params(("scenario_run_id" = ScenarioRunId, Path, description = "The scenario run.")),
    responses((status = 200, description = "The scenario run.", body = ScenarioRun), ReadProblems))]
pub(super) async fn get_scenario_run(
    State(app): State<App>,
    Path(scenario_run_id): Path<ScenarioRunId>,
) -> Result<Json<ScenarioRun>, ProblemResponse> {
    let pauses = app.store().settings().await?.pauses.scenario_runs;
    shown(&app, &scenario_run_id, pauses.get(&scenario_run_id)).await
}

/// Keep the events of a scenario run from being claimed. The body may be left out.
///
/// What engines hold already goes on. What is paused already goes on since then, with another reason if one is given. Events that
/// are enqueued meanwhile are of the run, too, and wait.
#[utoipa::path(post, path = "/v1/scenario-runs/{scenario_run_id}/pause", tag = "scenario runs", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsPause.name()], "selectors": false }))),
    params(("scenario_run_id" = ScenarioRunId, Path, description = "The scenario run.")), request_body = Option<PauseRequest>,
    responses((status = 200, description = "The scenario run.", body = ScenarioRun), RunProblems))]
pub(super) async fn pause_scenario_run(
    State(app): State<App>,
    by: Actor,
    Path(scenario_run_id): Path<ScenarioRunId>,
    body: JsonBody,
) -> Result<Json<ScenarioRun>, ProblemResponse> {
    let PauseRequest { reason } = body.read_or_default(PauseRequest::read)?;
    known(&app, &scenario_run_id).await?;
    let pause = PauseRun { scenario_run_id: scenario_run_id.clone(), reason };
    let paused = match app.dispatcher().execute_for(&by, pause.clone()).await {
        Err(DispatchError::Refused(Refusal::NoMorePausedRuns { .. })) if end_idle_pauses(&app, &by).await? => {
            app.dispatcher().execute_for(&by, pause).await?
        }
        paused => paused?,
    };
    shown(&app, &scenario_run_id, paused.as_ref()).await
}

/// Let the events of a scenario run be claimed again.
#[utoipa::path(post, path = "/v1/scenario-runs/{scenario_run_id}/resume", tag = "scenario runs", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsPause.name()], "selectors": false }))),
    params(("scenario_run_id" = ScenarioRunId, Path, description = "The scenario run.")),
    responses((status = 200, description = "The scenario run.", body = ScenarioRun), RunProblems))]
pub(super) async fn resume_scenario_run(
    State(app): State<App>,
    by: Actor,
    Path(scenario_run_id): Path<ScenarioRunId>,
) -> Result<Json<ScenarioRun>, ProblemResponse> {
    known(&app, &scenario_run_id).await?;
    let resumed = app.dispatcher().execute_for(&by, ResumeRun { scenario_run_id: scenario_run_id.clone() }).await?;
    shown(&app, &scenario_run_id, resumed.as_ref()).await
}

/// Cancel the events of a scenario run that are queued or processing at this moment: an operation, which goes on by itself.
///
/// Engines that work on them are asked to stop; with `force`, their locks are taken away. Events that are enqueued into the run
/// later are not cancelled. The operation is `cancel_events` with the filter `run:ID`: see `POST /v1/operations`. The body may be
/// left out.
#[utoipa::path(post, path = "/v1/scenario-runs/{scenario_run_id}/cancel", tag = "scenario runs", extensions(("x-permission" = json!({ "any_of": [Permission::EventsControl.name()], "selectors": false }))),
    params(("scenario_run_id" = ScenarioRunId, Path, description = "The scenario run.")), request_body = Option<RunCancelRequest>,
    responses((status = 201, description = "The operation. `Location` is where it is watched.", body = BulkOperation,
        headers(("Location" = String, description = "Where the operation is."))), RunProblems))]
pub(super) async fn cancel_scenario_run(
    State(app): State<App>,
    by: Actor,
    Path(scenario_run_id): Path<ScenarioRunId>,
    body: JsonBody,
) -> Result<Response, ProblemResponse> {
    let RunCancelRequest { force, reason } = body.read_or_default(RunCancelRequest::read)?;
    known(&app, &scenario_run_id).await?;
    // No sign that a name may have means anything in a filter.
    let filter = format!("run:{scenario_run_id}");
    let plan = OperationPlan { filter, reason, force, ..OperationPlan::default() };
    operations::created(&app, &by, OperationAction::CancelEvents, plan).await
}

/// Ends the pauses of runs of which no event is kept any more. Answers whether there were any.
async fn end_idle_pauses(app: &App, by: &Actor) -> Result<bool, ProblemResponse> {
    let mut has_ended = false;
    for scenario_run_id in app.store().settings().await?.pauses.scenario_runs.into_keys() {
        if app.store().scenario_run(&scenario_run_id).await?.is_none() {
            app.dispatcher().execute_for(by, ResumeRun { scenario_run_id }).await?;
            has_ended = true;
        }
    }
    Ok(has_ended)
}

async fn known(app: &App, run: &ScenarioRunId) -> Result<(ScenarioRunCounts, Vec<EngineId>), ProblemResponse> {
    let found = app.store().scenario_run(run).await?;
    Ok(found.ok_or_else(|| Problem::not_found(format_args!("scenario run {run}")))?)
}

async fn shown(app: &App, run: &ScenarioRunId, pause: Option<&Pause>) -> Result<Json<ScenarioRun>, ProblemResponse> {
    let (counts, engines) = known(app, run).await?;
    Ok(Json(wire::scenario_run(counts, pause, Some(engines), app.metrics().store_now())))
}
