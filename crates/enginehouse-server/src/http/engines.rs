//! Engines: register, send heartbeats, claim; drain, resume, deregister.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use enginehouse_api::claims::{ClaimRequest, ClaimResponse, ExchangeRequest, ExchangeResponse, ReadExchange};
use enginehouse_api::engines::{
    DeregisterQuery, DrainRequest, Engine, EngineLoad, EngineLoadPage, EnginePage, EnginesQuery, HeartbeatRequest,
    HeartbeatResponse, QuarantineRequest, ReadHeartbeat, RegisterRequest,
};
use enginehouse_api::filter::FilterQuery;
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::applied::Applied;
use enginehouse_core::engine::Registration;
use enginehouse_core::filter::EngineFilter;
use enginehouse_core::ids::{EngineId, EngineType};
use enginehouse_core::invalid::shortened;
use enginehouse_core::request::{Claim, Exchange};
use http::{StatusCode, header};

use super::answer::sendable;
use super::app::App;
use super::budgets::CallOrigin;
use super::json::{Json, JsonBody, LargeJsonBody};
use super::long_wait::LongWait;
use super::params::{Path, Query, listed};
use super::problem::{
    EngineProblems, EpochProblems, ListProblems, OneEpochProblems, ProblemResponse, ReadProblems, RegisterProblems,
};
use super::selected::{engine_shown_to, engines_within};
use super::session::SessionHeader;
use super::wire;
use crate::access::quotas::{QuotaExceeded, QuotaGuard};
use crate::dispatcher::actor::Actor;
use crate::dispatcher::answers::{ExchangeProgress, Exchanged};
use crate::dispatcher::engines::{Deregister, Drain, LiftQuarantine, PutInQuarantine, Register, Registered, Resume};
use crate::dispatcher::{EngineCaller, Operation};

/// Register an engine, for the first time or again.
///
/// Each registration begins a new epoch; the locks of the older one are lost.
#[utoipa::path(put, path = "/v1/engines/{engine_id}", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRegister.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the registration before answered, if the same process registers again.")), request_body = RegisterRequest, responses(
    (status = 201, description = "The engine is new.", body = Engine),
    (status = 200, description = "The engine was known.", body = Engine),
    RegisterProblems,
))]
pub(super) async fn register_engine(
    State(app): State<App>,
    by: Actor,
    Path(engine_id): Path<EngineId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Response, ProblemResponse> {
    let registration = body.read(|value| Registration::read(value, |_| engine_id))?;
    check_capabilities(&by, &registration)?;
    let register = Register { registration, session: session.proof(&by) };
    let registered = app.dispatcher().register(&by, register).await?;
    let status = if registered.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(answer(&app, &by, registered))).into_response())
}

/// Refuses an engine that says of itself more than the caller's token is for.
fn check_capabilities(principal: &Principal, registration: &Registration) -> Result<(), ProblemResponse> {
    let Some(selectors) = principal.selectors() else { return Ok(()) };
    let capabilities = &registration.metadata.static_config.capabilities;
    match capabilities.iter().find(|capability| !selectors.admit_capability(capability)) {
        Some(refused) => {
            let on = format!("capability {}", shortened(refused));
            Err(Problem::forbidden(Permission::EnginesRegister, Some(on)).into())
        }
        None => Ok(()),
    }
}

/// The engine, with the token of its session: the only answer that has it.
fn answer(app: &App, by: &Principal, registered: Registered) -> Engine {
    let engine = engine_shown_to(by, Engine::new(&registered.engine, 0, app.metrics().store_now()));
    Engine { session_token: Some(registered.session), ..engine }
}

/// Register an engine under an id that the server makes.
///
/// A repeat registers another one.
#[utoipa::path(post, path = "/v1/engines", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRegister.name()], "selectors": true }))), request_body = RegisterRequest, responses(
    (status = 201, description = "The engine, with its id.", body = Engine,
        headers(("Location" = String, description = "The engine's address."))),
    RegisterProblems,
))]
pub(super) async fn register_new_engine(
    State(app): State<App>,
    by: Actor,
    body: JsonBody,
) -> Result<Response, ProblemResponse> {
    let random = app.random_bits();
    let made_id = |engine_type: &EngineType| EngineId::made(engine_type, random);
    let registration = body.read(|value| Registration::read(value, made_id))?;
    if !by.admits_engine(&registration.engine_id) {
        let on = format!("engine {}", registration.engine_id);
        return Err(Problem::forbidden(Permission::EnginesRegister, Some(on)).into());
    }
    check_capabilities(&by, &registration)?;
    let registered = app.dispatcher().register(&by, Register::new(registration)).await?;
    let location = format!("/v1/engines/{}", registered.engine.engine_id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer(&app, &by, registered))).into_response())
}

/// List engines by id.
#[utoipa::path(get, path = "/v1/engines", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRead.name()], "selectors": true }))), params(EngineFilter, FilterQuery, PageQuery),
    responses((status = 200, description = "A page of engines.", body = EnginePage), ListProblems))]
pub(super) async fn list_engines(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<EnginePage>, ProblemResponse> {
    let (filter, terms, page) = query.read(EnginesQuery::read)?;
    let now = app.metrics().store_now();
    let filter = EngineFilter { within: principal.reach(), ..filter.matching(terms, now) };
    let engines = engines_within(&app, filter, page).await?;
    Ok(Json(listed(ListKind::Engines, engines, |(engine, locks_held)| {
        engine_shown_to(&principal, Engine::new(&engine, locks_held, now))
    })))
}

/// List what engines said of their load, minute by minute, in the last quarter of an hour.
///
/// The engines are those that the list of engines has for the same filter and page. A server notes the load each minute, in
/// memory: one that was started lately has less.
#[utoipa::path(get, path = "/v1/stats/engines", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRead.name()], "selectors": true }))), params(EngineFilter, FilterQuery, PageQuery),
    responses((status = 200, description = "A page of loads.", body = EngineLoadPage), ListProblems))]
pub(super) async fn list_engine_loads(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<EngineLoadPage>, ProblemResponse> {
    let (filter, terms, page) = query.read(EnginesQuery::read)?;
    let now = app.metrics().store_now();
    let filter = EngineFilter { within: principal.reach(), ..filter.matching(terms, now) };
    let engines = engines_within(&app, filter, page).await?;
    Ok(Json(listed(ListKind::Engines, engines, |(engine, _)| {
        let points = app.load_history().of(&engine.engine_id);
        EngineLoad {
            engine_id: engine.engine_id,
            at: points.iter().map(|point| point.at()).collect(),
            cpu_percent: points.iter().map(|point| point.cpu_percent()).collect(),
            memory_usage_mb: points.iter().map(|point| point.memory_usage_mb()).collect(),
            locks_held: points.iter().map(|point| point.locks_held).collect(),
        }
    })))
}

/// Show one engine, with its locks.
#[utoipa::path(get, path = "/v1/engines/{engine_id}", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRead.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine.")),
    responses((status = 200, description = "The engine.", body = Engine), ReadProblems))]
pub(super) async fn get_engine(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(engine_id): Path<EngineId>,
) -> Result<Json<Engine>, ProblemResponse> {
    let found = app.store().engine(&engine_id).await?;
    let (engine, mut locks) = found.ok_or_else(|| Problem::not_found(format_args!("engine {engine_id}")))?;
    locks.retain(|held| principal.admits_lane(&held.lane));
    let engine = wire::engine_with_locks(&engine, &locks, app.metrics().store_now());
    Ok(Json(engine_shown_to(&principal, engine)))
}

/// Send a heartbeat: stay alive, keep locks, learn what has changed.
///
/// It counts even if `dynamic_state` or a lock token is wrong: that is left out, and `errors` says why.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/heartbeat", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the engine's registration answered. Without access tokens it may be left out.")), request_body = HeartbeatRequest,
    responses((status = 200, description = "What the engine has to know.", body = HeartbeatResponse), EpochProblems))]
pub(super) async fn heartbeat(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(engine_id): Path<EngineId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Json<HeartbeatResponse>, ProblemResponse> {
    let (epoch, ReadHeartbeat { heartbeat, errors }) = body.read(HeartbeatRequest::read)?;
    let exchange = Exchange { heartbeat: Some(heartbeat), ..Exchange::default() };
    let caller = EngineCaller { engine_id, epoch, session: session.proof(&principal) };
    let exchanged = app.dispatcher().exchange(caller, exchange).await?;
    let answer = exchanged.heartbeat.ok_or_else(|| ProblemResponse::internal("the dispatcher left out a heartbeat"))?;
    Ok(Json(wire::heartbeat(answer, errors)))
}

/// Claim up to `limit` events that the engine may process, each under a lock.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/claim", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the engine's registration answered. Without access tokens it may be left out.")), request_body = ClaimRequest,
    responses((status = 200, description = "The events, with the tokens of their locks.", body = ClaimResponse),
    EpochProblems))]
pub(super) async fn claim_events(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Extension(origin): Extension<CallOrigin>,
    long_wait: Option<Extension<LongWait>>,
    Path(engine_id): Path<EngineId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Response, ProblemResponse> {
    let (epoch, mut claim) = body.read(ClaimRequest::read)?;
    claim.filter.within = principal.selectors().cloned();
    app.budgets().admit(&origin)?;
    let (_waiting, exceeded) = wait_within_share(&origin, &mut claim);
    let exchange = Exchange { claim: Some(claim), ..Exchange::default() };
    let caller = EngineCaller { engine_id, epoch, session: session.proof(&principal) };
    drop((principal, session));
    // What is over before a claim waits, and what comes after, lies apart: so it takes no memory meanwhile.
    let progress = Box::pin(app.dispatcher().begin_exchange(caller, exchange)).await?;
    let exchanged = exchanged(progress, long_wait).await?;
    refuse_to_wait(exceeded, &exchanged)?;
    let (room, events) = Box::pin(sendable(&app, &origin, exchanged.claimed.unwrap_or_default())).await;
    Ok((Extension(room), Json(ClaimResponse { events })).into_response())
}

/// Settle, send a heartbeat and claim, in one round trip and one transaction: an engine's whole loop.
///
/// Every part is optional. If the epoch is over, nothing of it is done. A settlement with a bad field is refused by itself.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/exchange", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesWork.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the engine's registration answered. Without access tokens it may be left out.")), request_body = ExchangeRequest,
    responses((status = 200, description = "The answer to each part.", body = ExchangeResponse), EpochProblems))]
pub(super) async fn exchange(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Extension(origin): Extension<CallOrigin>,
    long_wait: Option<Extension<LongWait>>,
    Path(engine_id): Path<EngineId>,
    session: SessionHeader,
    body: LargeJsonBody,
) -> Result<Response, ProblemResponse> {
    let ReadExchange { epoch, settlements, heartbeat, mut claim } = body.read(ExchangeRequest::read).await?;
    let (settlements, results) = wire::settlements(settlements, &principal, session.clone());
    if let Some(claim) = &mut claim {
        claim.filter.within = principal.selectors().cloned();
    }
    let claims = claim.is_some();
    let (heartbeat, errors) = heartbeat.map_or_else(Default::default, |read| (Some(read.heartbeat), read.errors));
    if claims && let Err(full) = app.budgets().admit(&origin) {
        // What it settles, and its sign of life, must not fail for want of room for events.
        if settlements.is_empty() && heartbeat.is_none() {
            return Err(full.into());
        }
        claim = None;
    }
    let (_waiting, exceeded) = claim.as_mut().map_or((None, None), |claim| wait_within_share(&origin, claim));
    let exceeded = exceeded.filter(|_| settlements.is_empty() && heartbeat.is_none());
    let exchange = Exchange { settlements, heartbeat, claim };
    let caller = EngineCaller { engine_id, epoch, session: session.proof(&principal) };
    drop((principal, session));
    // What is over before a claim waits, and what comes after, lies apart: so it takes no memory meanwhile.
    let progress = Box::pin(app.dispatcher().begin_exchange(caller, exchange)).await?;
    let exchanged = exchanged(progress, long_wait).await?;
    refuse_to_wait(exceeded, &exchanged)?;
    let (room, claimed) = Box::pin(sendable(&app, &origin, exchanged.claimed.unwrap_or_default())).await;
    let answer = ExchangeResponse {
        settlements: results.with(exchanged.settlements),
        heartbeat: exchanged.heartbeat.map(|answer| wire::heartbeat(answer, errors)),
        claim: claims.then_some(ClaimResponse { events: claimed }),
    };
    Ok((Extension(room), Json(answer)).into_response())
}

/// What a claim takes of its token's share as long as it may wait. Without room for it, it does not wait: it is answered with what
/// is there now.
fn wait_within_share(caller: &CallOrigin, claim: &mut Claim) -> (Option<QuotaGuard>, Option<Box<QuotaExceeded>>) {
    if claim.wait.is_zero() {
        return (None, None);
    }
    match caller.begin_wait() {
        Ok(share) => (share, None),
        Err(exceeded) => {
            claim.wait = Duration::ZERO;
            // Boxed: a claim that waits has room for it, and none of it.
            (None, Some(Box::new(exceeded)))
        }
    }
}

/// Refuses a claim that might not wait and has found nothing: else its engine would ask again at once.
fn refuse_to_wait(exceeded: Option<Box<QuotaExceeded>>, exchanged: &Exchanged) -> Result<(), ProblemResponse> {
    match exceeded {
        Some(exceeded) if exchanged.claimed.as_ref().is_none_or(Vec::is_empty) => Err((*exceeded).into()),
        _ => Ok(()),
    }
}

/// The answer to an exchange. Says so if its claim waits.
async fn exchanged(
    progress: ExchangeProgress,
    long_wait: Option<Extension<LongWait>>,
) -> Result<Exchanged, ProblemResponse> {
    match progress {
        ExchangeProgress::Answered(exchanged) => Ok(exchanged),
        ExchangeProgress::Waits(waiting) => {
            if let Some(Extension(long_wait)) = long_wait {
                long_wait.begin();
            }
            Ok(waiting.answer().await?)
        }
    }
}

/// Give an engine no new events. The body may be left out.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/drain", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesControl.name(), Permission::EnginesWork.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the engine's registration answered, if it says so itself. Who may control engines need not have it.")), request_body = Option<DrainRequest>,
    responses((status = 200, description = "The engine as it is now.", body = Engine), OneEpochProblems))]
pub(super) async fn drain_engine(
    State(app): State<App>,
    by: Actor,
    Path(engine_id): Path<EngineId>,
    session: SessionHeader,
    body: JsonBody,
) -> Result<Json<Engine>, ProblemResponse> {
    let DrainRequest { stop_when_drained, epoch } = body.read_or_default(DrainRequest::read)?;
    let session = session.proof_unless_controller(&by);
    change(&app, &by, Drain { engine_id, stop_when_drained, epoch, session }).await
}

/// Give a draining engine events again.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/resume", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesControl.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine.")),
    responses((status = 200, description = "The engine as it is now.", body = Engine), EngineProblems))]
pub(super) async fn resume_engine(
    State(app): State<App>,
    by: Actor,
    Path(engine_id): Path<EngineId>,
) -> Result<Json<Engine>, ProblemResponse> {
    change(&app, &by, Resume(engine_id)).await
}

/// Keep an engine from events, or from those of some types, without stopping it; in place of a quarantine that it is in.
///
/// It finishes what it holds. The quarantine stays when the engine registers anew, until its end or until it is lifted.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/quarantine", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesControl.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine.")), request_body = QuarantineRequest,
    responses((status = 200, description = "The engine as it is now.", body = Engine), EngineProblems))]
pub(super) async fn quarantine_engine(
    State(app): State<App>,
    by: Actor,
    Path(engine_id): Path<EngineId>,
    body: JsonBody,
) -> Result<Json<Engine>, ProblemResponse> {
    let now = app.metrics().store_now();
    let quarantine = body.read(|value| QuarantineRequest::read(value, now))?;
    change(&app, &by, PutInQuarantine { engine_id, quarantine }).await
}

/// Lift the quarantine of an engine. If it is in none, nothing happens.
#[utoipa::path(post, path = "/v1/engines/{engine_id}/lift", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesControl.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine.")),
    responses((status = 200, description = "The engine as it is now.", body = Engine), EngineProblems))]
pub(super) async fn lift_quarantine(
    State(app): State<App>,
    by: Actor,
    Path(engine_id): Path<EngineId>,
) -> Result<Json<Engine>, ProblemResponse> {
    change(&app, &by, LiftQuarantine(engine_id)).await
}

/// Deregister an engine, in good order.
///
/// What it holds is back in its queue at once, as after a release: a goodbye is no loss.
#[utoipa::path(delete, path = "/v1/engines/{engine_id}", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesControl.name(), Permission::EnginesWork.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine."), ("Enginehouse-Session" = Option<String>, Header, description = "The session token that the engine's registration answered, if it says so itself. Who may control engines need not have it."), DeregisterQuery),
    responses((status = 200, description = "The engine, stopped.", body = Engine), OneEpochProblems))]
pub(super) async fn deregister_engine(
    State(app): State<App>,
    by: Actor,
    Path(engine_id): Path<EngineId>,
    session: SessionHeader,
    query: Query,
) -> Result<Json<Engine>, ProblemResponse> {
    let DeregisterQuery { epoch } = query.read(DeregisterQuery::read)?;
    change(&app, &by, Deregister { engine_id, epoch, session: session.proof_unless_controller(&by) }).await
}

/// Changes an engine, then counts its locks.
async fn change(
    app: &App,
    by: &Actor,
    operation: impl Operation<Answer = enginehouse_core::engine::RegisteredEngine>,
) -> Result<Json<Engine>, ProblemResponse> {
    let engine = app.dispatcher().execute_for(by, operation).await?;
    let held = app.store().engine(&engine.engine_id).await.map_err(|error| {
        // The change itself is in the store.
        ProblemResponse::from(error).with(|document| Problem { applied: Some(Applied::Unknown), ..document })
    })?;
    let locks_held = held.map_or(0, |(_, locks)| u32::try_from(locks.len()).unwrap_or(u32::MAX));
    Ok(Json(engine_shown_to(by, Engine::new(&engine, locks_held, app.metrics().store_now()))))
}
