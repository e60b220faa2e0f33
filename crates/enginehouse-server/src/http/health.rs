//! For machines: alive, ready, metrics.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enginehouse_api::problem::Problem as Document;
use enginehouse_core::applied::Applied;
use http::header;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::json::Json;
use super::problem::{ListProblems, Problem, ReadinessProblems};
use crate::telemetry::{self, StoreStats};

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Whether the process lives: then it answers.
#[utoipa::path(get, path = "/healthz", tag = "health",
    responses((status = 200, description = "The process lives.", body = Health)))]
pub(super) async fn get_health() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Whether the server is ready to serve: its store can be read and written, and it is not about to stop.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, description = "The server is ready.", body = Health), ReadinessProblems))]
pub(super) async fn get_readiness(State(app): State<App>) -> Result<Json<Health>, Problem> {
    if app.is_going_down() {
        return Err(Document::shutting_down().into());
    }
    if app.thread_has_ended() {
        return Err(Problem::internal("the dispatcher's thread has ended"));
    }
    if app.metrics().last_commit_failed() {
        let document = Document::store_unavailable(Applied::No, 1);
        return Err(Document { detail: "the last transaction failed".to_owned(), ..document }.into());
    }
    app.store().engine_counts().await?;
    Ok(Json(Health { status: "ready" }))
}

/// Metrics for Prometheus, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "The metrics.", content_type = "application/openmetrics-text", body = String),
    ListProblems))]
pub(super) async fn get_metrics(State(app): State<App>) -> Result<Response, Problem> {
    let stats = StoreStats::read(app.store()).await?;
    let text = app.metrics().text(stats).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, telemetry::CONTENT_TYPE)], text).into_response())
}
