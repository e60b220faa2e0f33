//! The HTTP API: every route on one screen, grouped by who calls.
//!
//! A handler translates and delegates: it turns a request into a command of the dispatcher or a read of the store, and the
//! answer into the words of the wire. Its description for OpenAPI stands above it and is registered with it.

mod access_log;
mod activity;
mod actor;
mod answer;
mod app;
mod audit;
mod auth;
mod body;
mod budgets;
mod bulk;
mod bulk_events;
mod content_coding;
mod dashboard;
mod dead_letters;
mod description;
mod docs;
mod end_wait;
mod engines;
mod enqueuing;
mod event_types;
mod events;
mod explain;
mod filtering;
mod health;
mod hiding;
mod history;
mod html;
mod idempotency_key_header;
mod idempotency_keys;
mod json;
mod known_routes;
mod limits;
mod login;
mod logs;
mod long_wait;
mod minutes;
mod ndjson;
mod operations;
mod overview;
mod params;
mod problem;
mod problem_pages;
mod queues;
mod request;
mod same_origin;
mod scenario_runs;
mod selected;
mod session;
mod session_cookie;
mod settings;
mod settle;
mod shown_fleet;
mod stats;
mod stream;
mod suspects;
mod system;
mod tokens;
mod unpacking;
mod visitor;
mod way_up;
mod whoami;
mod wire;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::access_log::ACCESS_LOG;
pub use self::app::App;
use self::known_routes::KnownRoutes;
pub use self::limits::Limits;
pub(crate) use self::long_wait::LongWait;
pub(crate) use self::request::EarlyRefusal;
use self::request::{no_such_method, observe, panicked};

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerRole {
    /// All there is.
    Everything,
    /// All but the metrics, which another listener has.
    Calls,
    /// The metrics alone, and whether the server is well.
    Metrics,
}

/// The calls of machines that look after the server.
fn machine_calls(role: ListenerRole) -> OpenApiRouter<App> {
    let health = OpenApiRouter::new().routes(routes!(health::get_health)).routes(routes!(health::get_readiness));
    if role == ListenerRole::Calls { health } else { health.routes(routes!(health::get_metrics)) }
}

/// Every call.
fn calls() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(description::head())
        // Producers
        .routes(routes!(events::enqueue_event, events::list_events))
        .routes(routes!(events::enqueue_batch))
        // Engines
        .routes(routes!(engines::register_new_engine, engines::list_engines))
        .routes(routes!(engines::register_engine, engines::get_engine, engines::deregister_engine))
        .routes(routes!(engines::heartbeat))
        .routes(routes!(engines::claim_events))
        .routes(routes!(engines::exchange))
        .routes(routes!(settle::complete_event))
        .routes(routes!(settle::fail_event))
        .routes(routes!(settle::release_event))
        .routes(routes!(settle::extend_lock))
        .routes(routes!(settle::settle_events))
        // Operators
        .routes(routes!(engines::drain_engine))
        .routes(routes!(engines::resume_engine))
        .routes(routes!(engines::quarantine_engine))
        .routes(routes!(engines::lift_quarantine))
        .routes(routes!(events::get_event, events::change_event))
        .routes(routes!(events::get_event_history))
        .routes(routes!(explain::explain_event))
        .routes(routes!(explain::explain_engine))
        .routes(routes!(explain::list_blocked))
        .routes(routes!(suspects::list_suspects))
        .routes(routes!(logs::get_event_log))
        .routes(routes!(events::cancel_event))
        .routes(routes!(events::retry_event))
        .routes(routes!(events::redrive_event))
        .routes(routes!(bulk_events::cancel_events))
        .routes(routes!(bulk_events::retry_events))
        .routes(routes!(operations::create_operation, operations::list_operations))
        .routes(routes!(operations::preview_operation))
        .routes(routes!(operations::get_operation))
        .routes(routes!(operations::list_operation_conflicts))
        .routes(routes!(operations::cancel_operation))
        .routes(routes!(idempotency_keys::release_idempotency_key))
        .routes(routes!(event_types::list_event_types))
        .routes(routes!(event_types::get_event_type, event_types::set_event_type, event_types::delete_event_type))
        .routes(routes!(event_types::pause_event_type))
        .routes(routes!(event_types::resume_event_type))
        .routes(routes!(queues::list_queues))
        .routes(routes!(queues::get_queue, queues::set_queue, queues::delete_queue))
        .routes(routes!(queues::pause_queue))
        .routes(routes!(queues::resume_queue))
        .routes(routes!(dead_letters::list_dead_letters))
        .routes(routes!(dead_letters::summarize_dead_letters))
        .routes(routes!(dead_letters::preview_dead_letters))
        .routes(routes!(dead_letters::redrive_dead_letters))
        .routes(routes!(dead_letters::discard_dead_letters))
        .routes(routes!(dead_letters::get_dead_letter, dead_letters::discard_dead_letter))
        .routes(routes!(dead_letters::redrive_dead_letter))
        .routes(routes!(scenario_runs::list_scenario_runs))
        .routes(routes!(scenario_runs::get_scenario_run))
        .routes(routes!(scenario_runs::pause_scenario_run))
        .routes(routes!(scenario_runs::resume_scenario_run))
        .routes(routes!(scenario_runs::cancel_scenario_run))
        .routes(routes!(stats::get_stats))
        .routes(routes!(stats::list_lanes))
        .routes(routes!(minutes::get_minutes))
        .routes(routes!(overview::get_overview))
        .routes(routes!(activity::list_queue_activity))
        .routes(routes!(engines::list_engine_loads))
        .routes(routes!(stream::follow_topics))
        .routes(routes!(stats::accept_clock))
        .routes(routes!(system::get_system))
        .routes(routes!(tokens::create_token, tokens::list_tokens))
        .routes(routes!(tokens::get_token, tokens::revoke_token))
        .routes(routes!(tokens::rotate_token))
        .routes(routes!(whoami::whoami))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::read_audit_chain))
}

/// The whole service of a listener: calls and pages, and what happens to every request around them.
pub fn router(app: App, role: ListenerRole) -> Router {
    let machines = machine_calls(role);
    let calls = if role == ListenerRole::Metrics { machines } else { calls().merge(machines) };
    let (calls, openapi) = calls.split_for_parts();
    let routes = KnownRoutes::of(&openapi, role != ListenerRole::Metrics);
    let missing = routes.clone();
    let has_pages = role != ListenerRole::Metrics;
    let pages =
        if role == ListenerRole::Metrics { Router::new() } else { docs::pages(&description::finished(openapi)) };
    // Of layers, the last is the outermost.
    calls
        .merge(pages)
        .method_not_allowed_fallback(no_such_method)
        .fallback(async move |request: Request| match has_pages && dashboard::is_asked_for(&request) {
            true => dashboard::page(&request),
            false => missing.no_such_path(request.uri().path()).into_response(),
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state((app.clone(), routes), observe))
        .with_state(app)
}

/// The description of the API.
pub fn openapi() -> OpenApi {
    description::finished(calls().merge(machine_calls(ListenerRole::Everything)).into_openapi())
}

/// The description of the API as it is served, and as it lies in the repository.
pub fn openapi_text() -> String {
    description::text(&openapi())
}

/// The same in OpenAPI 3.0, for tools that know no 3.1.
pub fn openapi_3_0_text() -> String {
    description::text_3_0(&openapi())
}
