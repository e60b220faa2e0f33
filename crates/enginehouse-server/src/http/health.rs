//! For machines: alive, ready, metrics.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::applied::Applied;
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::json::Json;
use super::problem::{ListProblems, ProblemResponse, ReadinessProblems};
use crate::telemetry::{StoreStats, TextFormat};

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(super) struct HealthResponse {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Whether the process lives: then it answers.
#[utoipa::path(get, path = "/healthz", tag = "health",
    responses((status = 200, description = "The process lives.", body = HealthResponse)))]
pub(super) async fn get_health() -> Json<HealthResponse> {
    Json(HealthResponse { status: "alive" })
}

/// Whether the server is ready to serve: its store can be read and written, and it is not about to stop.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, description = "The server is ready.", body = HealthResponse), ReadinessProblems))]
pub(super) async fn get_readiness(State(app): State<App>) -> Result<Json<HealthResponse>, ProblemResponse> {
    if app.is_going_down() {
        return Err(Problem::shutting_down().into());
    }
    if app.thread_has_ended() {
        return Err(ProblemResponse::internal("the dispatcher's thread has ended"));
    }
    let unavailable = |detail| Problem { detail, ..Problem::store_unavailable(Applied::No, 1) };
    if let Some(why) = app.store().ended().await {
        return Err(unavailable(why).into());
    }
    if let Some(what) = app.store().damage() {
        return Err(unavailable(format!("the store is damaged: {what}; `enginehouse doctor` says where")).into());
    }
    if app.metrics().last_commit_failed() {
        return Err(unavailable("the last transaction failed".to_owned()).into());
    }
    app.store().engine_counts(&Selectors::default()).await?;
    Ok(Json(HealthResponse { status: "ready" }))
}

/// Metrics for Prometheus: its text format, or OpenMetrics if `Accept` names that.
#[utoipa::path(get, path = "/metrics", tag = "health", extensions(("x-permission" = json!({ "any_of": [Permission::StatsRead.name()], "selectors": false }))), responses(
    (status = 200, description = "The metrics.", content((String = "text/plain"), (String = "application/openmetrics-text"))),
    ListProblems))]
pub(super) async fn get_metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, ProblemResponse> {
    let format = TextFormat::accepted(&headers);
    let stats = StoreStats::read(app.store(), &Selectors::default()).await?;
    let now = app.metrics().store_now();
    app.metrics().set_token_ends(app.tokens().active(now), now);
    app.metrics().set_waiting_for_ends(app.dispatcher().end_waits().callers());
    app.metrics().set_suspects(app.dispatcher().suspects().all(app.metrics().store_now()).len());
    let text = app.metrics().text(stats, format).map_err(|error| ProblemResponse::internal(error.to_string()))?;
    let headers = [(header::CONTENT_TYPE, format.content_type()), (header::VARY, "accept")];
    Ok((headers, text).into_response())
}
