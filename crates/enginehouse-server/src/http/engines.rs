//! Engines: register, speak up, claim; drain, resume, deregister.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enginehouse_api::claims::{ClaimRequest, ClaimResponse, ExchangeRequest, ExchangeResponse};
use enginehouse_api::engines::{
    DrainRequest, Engine, EnginesQuery, HeartbeatRequest, HeartbeatResponse, RegisterRequest,
};
use enginehouse_api::page::Page;
use enginehouse_api::problem::Problem as Document;
use enginehouse_core::applied::Applied;
use enginehouse_core::ids::{EngineId, EngineType};
use enginehouse_core::request::Exchange;
use enginehouse_store::rows::EngineFilter;
use http::{StatusCode, header};

use super::app::App;
use super::json::{BatchJson, Json, OptionalJson};
use super::params::{Path, Query, listed, page};
use super::problem::{EngineProblems, EpochProblems, ListProblems, Problem, ReadProblems, WriteProblems};
use super::wire;
use crate::dispatcher::Operation;
use crate::dispatcher::engines::{Deregister, Drain, Register, Registered, Resume};

/// Register an engine, for the first time or again.
///
/// Each registration begins a new epoch; the locks of the older one are lost.
#[utoipa::path(put, path = "/v1/engines/{engine_id}", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")), request_body = RegisterRequest, responses(
    (status = 201, description = "The engine is new.", body = Engine),
    (status = 200, description = "The engine was known.", body = Engine),
    WriteProblems,
))]
pub(super) async fn register_engine(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
    Json(body): Json<RegisterRequest>,
) -> Result<Response, Problem> {
    let Registered { engine, is_new } = app.dispatcher().execute(Register(body.check(engine_id)?)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Engine::new(&engine, 0))).into_response())
}

/// Register an engine under an id that the server makes.
///
/// A repeat registers another one.
#[utoipa::path(post, path = "/v1/engines", tag = "engines", request_body = RegisterRequest, responses(
    (status = 201, description = "The engine, with its id.", body = Engine,
        headers(("Location" = String, description = "The engine's address."))),
    WriteProblems,
))]
pub(super) async fn register_new_engine(
    State(app): State<App>,
    Json(body): Json<RegisterRequest>,
) -> Result<Response, Problem> {
    let engine_id = made_id(&body.engine_type, app.random_bits())?;
    let Registered { engine, .. } = app.dispatcher().execute(Register(body.check(engine_id)?)).await?;
    let location = format!("/v1/engines/{}", engine.engine_id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(Engine::new(&engine, 0))).into_response())
}

/// An id that tells people what kind of engine it is.
fn made_id(engine_type: &str, bits: u64) -> Result<EngineId, Problem> {
    // A type that is no name is refused by the check of the registration.
    let engine_type: Option<EngineType> = engine_type.parse().ok();
    let kind: String =
        engine_type.map_or_else(|| "engine".to_owned(), |name| name.as_str().chars().take(180).collect());
    format!("{kind}-{bits:016x}").parse().map_err(|error| Problem::internal(format!("an id that was made: {error}")))
}

/// List engines by id.
#[utoipa::path(get, path = "/v1/engines", tag = "engines", params(EnginesQuery),
    responses((status = 200, description = "A page of engines.", body = Page<Engine>), ListProblems))]
pub(super) async fn list_engines(
    State(app): State<App>,
    Query(query): Query<EnginesQuery>,
) -> Result<Json<Page<Engine>>, Problem> {
    let page = page(query.check()?, query.cursor.as_deref())?;
    let filter = EngineFilter { status: query.status, engine_type: query.engine_type, capability: query.capability };
    let engines = app.store().engines(&filter, &page).await?;
    Ok(Json(listed(engines, |(engine, locks_held)| Engine::new(&engine, locks_held))))
}

/// Show one engine, with its locks.
#[utoipa::path(get, path = "/v1/engines/{engine_id}", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")),
    responses((status = 200, description = "The engine.", body = Engine), ReadProblems))]
pub(super) async fn get_engine(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
) -> Result<Json<Engine>, Problem> {
    let found = app.store().engine(&engine_id).await?;
    let (engine, locks) = found.ok_or_else(|| Document::not_found(format_args!("engine {engine_id}")))?;
    Ok(Json(wire::engine_with_locks(&engine, &locks)))
}

/// Speak up: stay alive, keep locks, learn what has changed.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/heartbeat", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")), request_body = HeartbeatRequest,
    responses((status = 200, description = "What the engine has to know.", body = HeartbeatResponse), EpochProblems))]
pub(super) async fn heartbeat(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
    Json(body): Json<HeartbeatRequest>,
) -> Result<Json<HeartbeatResponse>, Problem> {
    let epoch = body.epoch;
    let exchange = Exchange { heartbeat: Some(body.check()?), ..Exchange::default() };
    let exchanged = app.dispatcher().exchange(engine_id, epoch, exchange).await?;
    let answer = exchanged.heartbeat.ok_or_else(|| Problem::internal("the dispatcher left out a heartbeat"))?;
    Ok(Json(wire::heartbeat(answer)))
}

/// Claim up to `limit` events that the engine may process, each under a lock.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/claim", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")), request_body = ClaimRequest,
    responses((status = 200, description = "The events, with the tokens of their locks.", body = ClaimResponse),
    EpochProblems))]
pub(super) async fn claim_events(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
    Json(body): Json<ClaimRequest>,
) -> Result<Json<ClaimResponse>, Problem> {
    let epoch = body.epoch;
    let exchange = Exchange { claim: Some(body.check()?), ..Exchange::default() };
    let exchanged = app.dispatcher().exchange(engine_id, epoch, exchange).await?;
    let events = exchanged.claimed.unwrap_or_default();
    Ok(Json(ClaimResponse { events: events.into_iter().map(wire::claimed).collect() }))
}

/// Settle, send a heartbeat and claim, in one round trip and one transaction: an engine's whole loop.
///
/// Every part is optional. If the epoch is over, nothing of it is done.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/exchange", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")), request_body = ExchangeRequest,
    responses((status = 200, description = "The answer to each part.", body = ExchangeResponse), EpochProblems))]
pub(super) async fn exchange(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
    body: BatchJson,
) -> Result<Json<ExchangeResponse>, Problem> {
    let (epoch, exchange) = body
        .read(|body: ExchangeRequest| {
            let epoch = body.epoch;
            Ok((epoch, body.check()?))
        })
        .await?;
    let events = wire::events_of(&exchange.settlements);
    let claims = exchange.claim.is_some();
    let exchanged = app.dispatcher().exchange(engine_id, epoch, exchange).await?;
    let claimed = exchanged.claimed.unwrap_or_default();
    Ok(Json(ExchangeResponse {
        settlements: wire::settlement_results(&events, exchanged.settlements),
        heartbeat: exchanged.heartbeat.map(wire::heartbeat),
        claim: claims.then(|| ClaimResponse { events: claimed.into_iter().map(wire::claimed).collect() }),
    }))
}

/// Give an engine no new events. The body may be left out.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/drain", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")), request_body = Option<DrainRequest>,
    responses((status = 200, description = "The engine as it is now.", body = Engine), EngineProblems))]
pub(super) async fn drain_engine(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
    OptionalJson(body): OptionalJson<DrainRequest>,
) -> Result<Json<Engine>, Problem> {
    change(&app, Drain { engine_id, stop_when_drained: body.stop_when_drained }).await
}

/// Give a draining engine events again.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/resume", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")),
    responses((status = 200, description = "The engine as it is now.", body = Engine), EngineProblems))]
pub(super) async fn resume_engine(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
) -> Result<Json<Engine>, Problem> {
    change(&app, Resume(engine_id)).await
}

/// Deregister an engine; its locks are lost.
#[utoipa::path(delete, path = "/v1/engines/{engine_id}", tag = "engines",
    params(("engine_id" = EngineId, Path, description = "The engine.")),
    responses((status = 200, description = "The engine, stopped.", body = Engine), EngineProblems))]
pub(super) async fn deregister_engine(
    State(app): State<App>,
    Path(engine_id): Path<EngineId>,
) -> Result<Json<Engine>, Problem> {
    change(&app, Deregister(engine_id)).await
}

/// Changes an engine, then counts its locks.
async fn change(
    app: &App,
    operation: impl Operation<Answer = enginehouse_core::engine::Engine>,
) -> Result<Json<Engine>, Problem> {
    let engine = app.dispatcher().execute(operation).await?;
    let held = app.store().engine(&engine.engine_id).await.map_err(|error| {
        // The change itself is in the store.
        Problem::from(error).with(|document| Document { applied: Some(Applied::Unknown), ..document })
    })?;
    let locks_held = held.map_or(0, |(_, locks)| u32::try_from(locks.len()).unwrap_or(u32::MAX));
    Ok(Json(Engine::new(&engine, locks_held)))
}
