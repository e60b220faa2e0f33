//! Scenario runs: groups of events, and the engines on them.

use axum::extract::State;
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_api::scenario_runs::{ScenarioRun, ScenarioRunPage};
use enginehouse_core::access::role::Permission;
use enginehouse_core::ids::ScenarioRunId;

use super::app::App;
use super::json::Json;
use super::params::{Path, Query, listed};
use super::problem::{ListProblems, ProblemResponse, ReadProblems};
use super::wire;

/// List scenario runs by id, each with its counts.
#[utoipa::path(get, path = "/v1/scenario-runs", tag = "scenario runs", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": false }))), params(PageQuery),
    responses((status = 200, description = "A page of scenario runs.", body = ScenarioRunPage), ListProblems))]
pub(super) async fn list_scenario_runs(
    State(app): State<App>,
    query: Query,
) -> Result<Json<ScenarioRunPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::ScenarioRuns))?;
    let runs = app.store().scenario_runs(&page).await?;
    Ok(Json(listed(ListKind::ScenarioRuns, runs, |run| wire::scenario_run(run, None))))
}

/// Show one scenario run, with the engines that hold locks on its events.
#[utoipa::path(get, path = "/v1/scenario-runs/{scenario_run_id}", tag = "scenario runs", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": false }))),
    params(("scenario_run_id" = ScenarioRunId, Path, description = "The scenario run.")),
    responses((status = 200, description = "The scenario run.", body = ScenarioRun), ReadProblems))]
pub(super) async fn get_scenario_run(
    State(app): State<App>,
    Path(scenario_run_id): Path<ScenarioRunId>,
) -> Result<Json<ScenarioRun>, ProblemResponse> {
    let found = app.store().scenario_run(&scenario_run_id).await?;
    let (run, engines) = found.ok_or_else(|| Problem::not_found(format_args!("scenario run {scenario_run_id}")))?;
    Ok(Json(wire::scenario_run(run, Some(engines))))
}
