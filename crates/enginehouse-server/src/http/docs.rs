//! What people read: the documents, the description of the API, and the pages that show it. Nothing here needs the internet.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use enginehouse_api::problem::Code;
use enginehouse_core::invalid::shortened;
use enginehouse_docs::page;
use http::header;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::app::App;
use super::problem::ProblemResponse;

/// What the description says before its calls are added.
pub(super) fn description() -> OpenApi {
    let tags = [
        ("events", "Enqueue events, look at them, cancel them."),
        ("engines", "Engines register, send heartbeats and claim events; operators drain and deregister them."),
        ("settling", "An engine ends its attempt, or keeps it going."),
        ("dead letters", "Finally failed events that wait for a person."),
        ("event types", "What each event type sets for its events."),
        ("queues", "What each queue sets for its events."),
        ("scenario runs", "Groups of events, and the engines on them."),
        ("house", "Counts and ages of everything."),
        ("health", "For machines."),
    ];
    let info = InfoBuilder::new()
        .title("Enginehouse")
        .version("1")
        .description(Some(
            "Coordinates a fleet of engines that work off events from a durable queue. Times are RFC 3339 in UTC with \
             milliseconds, durations are seconds. Errors are problem documents (RFC 9457) with a stable `code`. Lists \
             answer a page and the cursor of the next.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()))
        .build();
    let mut components = utoipa::openapi::Components::new();
    let mut schemas = Vec::new();
    enginehouse_api::problem::Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.schemas.insert("Problem".to_owned(), enginehouse_api::problem::Problem::schema());
    let tags = tags.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build());
    OpenApiBuilder::new().info(info).tags(Some(tags)).components(Some(components)).build()
}

/// The description as it lies in the repository: for people to read, and to be compared.
pub(super) fn text(openapi: &OpenApi) -> String {
    // It is made of strings, numbers and maps of them: nothing that JSON cannot say.
    let mut text = openapi.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The pages.
pub(super) fn pages(openapi: &OpenApi) -> Router<App> {
    let text: Arc<str> = text(openapi).into();
    let described = move || async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) };
    // Without `none`, Swagger UI sends the description to a validator on the internet.
    let config = utoipa_swagger_ui::Config::from("/openapi.json")
        .validator_url("none")
        .display_operation_id(true)
        .display_request_duration(true)
        .try_it_out_enabled(false);
    Router::new()
        .route("/", get(|| async { Html(INDEX) }))
        .route("/openapi.json", get(described))
        .route("/problems", get(super::problem_pages::list))
        .route("/problems/{code}", get(super::problem_pages::page_of))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(|| async { document("") }))
        .route("/docs/{*path}", get(|Path(path): Path<String>| async move { document(&path) }))
        .merge(utoipa_swagger_ui::SwaggerUi::new("/docs/api").config(config))
        // Its own look, but for our colours.
        .route("/docs/api/index.css", get(|| async { document("calls.css") }))
}

/// A page of the documents, or what it shows.
fn document(path: &str) -> Response {
    match page(path) {
        Some(page) => ([(header::CONTENT_TYPE, page.content_type)], page.bytes).into_response(),
        None => ProblemResponse::new(Code::NotFound, format!("there is no page {}", shortened(path))).into_response(),
    }
}

/// What a browser may do with an answer: nothing, but for the page that needs scripts.
pub(super) fn policy_of(path: &str) -> &'static str {
    if path.starts_with("/docs/api") {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    } else if path.starts_with("/docs") {
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    } else {
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }
}

const INDEX: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Enginehouse</title></head>
<body>
<h1>Enginehouse</h1>
<ul>
<li><a href="/docs/">/docs</a>: how to use it and how to run it</li>
<li><a href="/docs/api/">/docs/api</a>: every call, to read and to try</li>
<li><a href="/openapi.json">/openapi.json</a>: the same, for programs</li>
<li><a href="/problems">/problems</a>: what can go wrong, and what to do about it</li>
<li><a href="/v1/stats">/v1/stats</a>: what is in the store now</li>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/healthz">/healthz</a> and <a href="/readyz">/readyz</a>: alive, and ready to serve</li>
</ul>
</body>
</html>
"#;
